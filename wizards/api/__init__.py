from . import sync_backend_key
