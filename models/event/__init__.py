"""The outbox: changes written as events, delivered to handlers, audited, fed out."""

from . import sync_tracked
from . import triggers
from . import sync_touched
from . import sync_tracked_line
from . import sync_event
from . import sync_event_delivery
from . import trouble
from . import handlers
from . import sync_event_metric
from . import sync_audit
from . import feed
from . import suspects
from . import outgoing
