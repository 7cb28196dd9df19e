"""An app that reports no changes: its whole list is read, in rounds, and what is
missing in it is asked for. See ``core/exchange/rounds.py``."""

from . import sync_listed
from . import reading
