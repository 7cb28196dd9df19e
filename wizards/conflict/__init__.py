from . import sync_conflict_resolve
