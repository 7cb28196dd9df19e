"""Transactions of several steps, with compensations."""

from . import sync_saga
from . import sync_saga_step
from . import saga_work
from . import saga_order
from . import purchase_order
from . import notices
