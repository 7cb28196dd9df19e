"""What the pharmacy app calls."""

from . import sync_request
from . import sync_rate
from . import sync_api
from . import reads
from . import saga
from . import retry
from . import conflict
