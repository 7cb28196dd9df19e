"""One guarded call to the pharmacy app: breaker, pool, record; reads by a cache."""

from . import sync_callee
from . import sync_service
from . import sync_breaker
from . import sync_breaker_transition
from . import sync_pool
from . import abilities
from . import auth
from . import guard
from . import sync_call
from . import sync_cache
from . import sync_cache_use
from . import lookup
