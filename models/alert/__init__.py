"""Who is notified of what, and when it is over."""

from . import sync_alert_rule
from . import sync_alert
from . import sources
from . import watch
from . import tell
from . import overview
