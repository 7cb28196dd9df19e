"""Which fields of a stream travel which way."""

from . import sync_by_field
from . import sync_field_direction
