from . import sync_breaker_force
