from . import webhook
from . import api
from . import health
