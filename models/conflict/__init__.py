"""Records that both sides changed: compared, decided by rule or person."""

from . import record_facts
from . import merge
from . import standing
from . import sync_conflict
from . import sync_conflict_line
from . import decided
from . import sync_conflict_policy
from . import sync_conflict_rule
from . import resolution
from . import undo
from . import room
from . import notices
