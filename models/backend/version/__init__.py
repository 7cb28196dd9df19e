"""What both sides had agreed on before, version by version."""

from . import sync_mapping_version
