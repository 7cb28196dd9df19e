from . import backend
from . import call
from . import conflict
from . import exchange
from . import dead_letter
from . import saga
from . import analytics
from . import api
