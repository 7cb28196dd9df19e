from . import sync_breaker_force
from . import sync_link
