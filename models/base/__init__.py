"""Tools of all rooms: transactions of our own, cached configuration, retention."""

from . import rights
from . import own_transaction
from . import actions
from . import locks
from . import alone
from . import rows
from . import sync_ormcached
from . import sync_bounded
from . import sync_config
from . import sync_retry_policy
from . import sync_retention
from . import res_config_settings
