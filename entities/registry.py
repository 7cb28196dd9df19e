# The registry: one line per synchronised entity, after what all of them extend.
from . import sync_entity
from . import sync_entity_lines
from . import sync_entity_schema
from . import sync_entity_kept
from . import sync_entity_match
from . import sync_entity_watched
from . import sync_entity_written
from . import sync_entity_texts
from . import supplier
from . import product
from . import purchase_order
from . import order_numbers
from . import purchase_order_match
from . import purchase_order_protection
from . import purchase_order_steps
from . import purchase_order_agreed
from . import purchase_order_unknown
