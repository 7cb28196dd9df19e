from . import sync_backend_connect
