"""A failure: classified, recorded, grouped, and the rules of administrators."""

from . import sync_error
from . import sync_error_group
from . import in_words
from . import sync_error_incident
from . import sync_error_rule
from . import sync_suspect
from . import sync_marker
from . import defects
from . import sync_log_level
