"""What is done about an error that keeps coming back."""

from . import sync_escalation
from . import rungs
from . import settings
