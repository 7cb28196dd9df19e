"""Alerts: what raises them, whom they notify, when they are over."""

from . import sync_alert_rule
from . import sync_alert
from . import sources
from . import standing
from . import watch
from . import notify
from . import channel
from . import overview
from . import sync_recovery_run
from . import sync_recovery_line
from . import recovery_steps
from . import operator_actions
from . import escalation
