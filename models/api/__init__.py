"""What the pharmacy app calls."""

from . import sync_request
from . import sync_rate
from . import api_user
from . import sync_api
from . import reads
from . import saga
from . import retry
from . import conflict
from . import sync_webhook
from . import sync_webhook_refusal
from . import webhook
