from . import sync_operation_value
from . import sync_operation_assign
from . import sync_operation_discard
from . import sync_operation_edit
from . import sync_operation_mend
