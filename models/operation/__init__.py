"""One unit of work, and what follows an attempt."""

from . import sync_progress
from . import sync_operation
from . import queue
from . import outcome
from . import retrying
from . import cancel
from . import unsent
