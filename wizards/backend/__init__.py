from . import sync_backend_connect, sync_backend_connect_step
