"""What other addons use of the rooms below, without a backend: one line each."""

from . import sync_toolkit
from . import retry
from . import raised
