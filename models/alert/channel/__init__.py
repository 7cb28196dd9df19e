"""By which roads people and programs outside are notified of alerts."""

from . import sync_alert_silence
from . import sync_alert_channel
from . import carrying
from . import deliveries
from . import notices
from . import component
