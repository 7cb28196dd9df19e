from . import (
    sync_backend_conform,
    sync_backend_conform_finding,
    sync_backend_connect,
    sync_backend_connect_step,
    sync_backend_settings,
)
from . import connect_auth
