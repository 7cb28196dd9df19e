"""What leaves Odoo for others than the pharmacy app's own API: each delivery a job."""

from . import sync_receiver
from . import sync_delivery
from . import delivering
from . import sync_subscription
