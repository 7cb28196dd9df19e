"""All records at once: initial synchronisation, reconciliation, repair."""

from . import sync_reconciliation
from . import compare
from . import verify
from . import repair
from . import restored
from . import sync_drift
from . import sync_initial
from . import sync_initial_part
from . import initial_carry
from . import sync_initial_line
from . import link
from . import read_again
