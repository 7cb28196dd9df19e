from . import sync_saga_settle
