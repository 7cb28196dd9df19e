from . import http_dispatcher
from . import webhook
from . import api
from . import health
from . import docs
from . import record
