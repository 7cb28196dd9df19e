"""Failed changes: looked at, compared, edited, redriven."""

from . import sync_operation_note
from . import remedy
from . import dead_letter
from . import comparison
from . import comparison_text
from . import payload_edit
from . import mend
from . import sync_redrive
from . import redrive_work
from . import sync_redrive_line
from . import error_group
