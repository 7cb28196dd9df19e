"""What is connected: the backend, its streams, and the mapping of each record."""

from . import sync_by_entity
from .auth import sync_auth
from . import sync_backend
from . import sync_shared
from . import sync_stream
from . import direction
from . import naming
from . import further
from . import sync_mapping
from . import version
from . import serialise
from . import secrets
from . import belonging
from . import address
from .auth import kept
from . import place
from . import lang
from . import origin
from . import sync_maintenance
