"""How an app calls things that is not written for the contract."""

from . import sync_field_name
from . import stream_naming
