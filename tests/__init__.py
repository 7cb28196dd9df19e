from . import test_api
from . import test_breaker
from . import test_conflict
from . import test_failure
from . import test_outbound
from . import test_pull
from . import test_secrets
from . import test_webhook
