"""Transactions of several steps, with compensations."""

from . import sync_saga
from . import sync_saga_step
from . import saga_work
from . import order_reservation
from . import purchase_order
from . import notices
