from . import sync_breaker_force
from . import sync_link
from . import sync_backend_connect
from . import sync_operation_assign
from . import sync_operation_discard
from . import sync_operation_edit
from . import sync_conflict_resolve
from . import sync_saga_settle
