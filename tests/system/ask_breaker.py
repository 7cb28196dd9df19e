"""Given to ``odoo shell``: ask the breaker for leave as often as ASK_COUNT says, at
the moment ASK_AT (POSIX seconds), and say in ASK_FILE how often it was given."""

import os
import time
from pathlib import Path

from odoo.addons.pharmacy_sync.core.exceptions import CircuitBreakerOpenError

breaker = env["sync.breaker"].search([("operation", "=", "push")], limit=1)
given = 0
time.sleep(max(0, float(os.environ["ASK_AT"]) - time.time()))
for __ in range(int(os.environ["ASK_COUNT"])):
    try:
        breaker._permit(60)
        given += 1
    except CircuitBreakerOpenError:
        pass
Path(os.environ["ASK_FILE"]).write_text(str(given))
