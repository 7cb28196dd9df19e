# The rooms, from the ground up: each knows those above it in this list only.
from . import base  # tools of all rooms
from . import backend  # what is connected
from . import error  # failures: classified, recorded, grouped
from . import call  # one guarded call; cached reads
from . import event  # outbox, delivery, feed, audit
from . import operation  # one unit of work and its attempts
from . import conflict  # compare and decide
from . import exchange  # the roads between both sides
from . import dead_letter  # failed changes: look, edit, redrive
from . import reconcile  # all records at once
from . import saga  # transactions of several steps
from . import analytics  # figures, report, overview, timeline
from . import alert  # who is notified of what
from . import api  # what the pharmacy app calls
from . import toolkit  # what other addons use without a backend
