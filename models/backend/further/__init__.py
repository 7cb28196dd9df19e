"""Fields that a stream carries beside those of its entity."""

from . import sync_further_field
from . import stream_further
