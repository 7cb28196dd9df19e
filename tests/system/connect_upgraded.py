"""Given to ``odoo shell``: the pharmacy apps answer at other addresses than when the
database was dumped. Writes what :class:`Stack` needs to know of each as JSON."""

import json
import os
from pathlib import Path

env = env  # noqa: F821 - given by the shell
prepared = {}
for name, app in json.loads(os.environ["APPS"]).items():
    backend = env["sync.backend"].search([("name", "=", f"Pharmacy {name.title()}")])
    backend.write({"url": app["url"], "api_key": app["key"]})
    prepared[name] = {"backend": backend.id, "password": "test-password"}
env.cr.commit()
Path(os.environ["PREPARED_FILE"]).write_text(json.dumps(prepared))
