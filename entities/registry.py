# The registry: one line per synchronised entity, after what all of them extend.
from . import sync_entity
from . import sync_entity_lines
from . import sync_entity_kept
from . import sync_entity_texts
from . import supplier
from . import product
from . import purchase_order
from . import purchase_order_match
from . import purchase_order_protection
