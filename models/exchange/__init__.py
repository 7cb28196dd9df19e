"""The roads between both sides: push, pull, apply, link."""

from . import request
from . import restored
from . import push_outcome
from . import push
from . import pull
from . import apply
from . import apply_changed
from . import kept
from . import suspects
from . import event_handlers
from . import link_by_hand
from . import lines
from . import whole
