"""Figures, report, overview and timeline."""

from . import sync_metric
from . import sync_statistics
from . import reliability
from . import sync_report_schedule
from . import sync_overview
from . import standing
from . import sync_todo
from . import sync_timeline
from . import health_probe
from . import sync_policy
from . import sync_component
from . import sync_exposition
