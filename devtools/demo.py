"""Demonstration data over both sides, and waiting until they are in step."""

import json
import os
import time
import urllib.error
import urllib.request

from . import odoo, paths, postgres, shell
from .progress import StepError, say, step

ORDERS_EACH = 100
# 5 suppliers, 60 products, 100 orders of each side.
EXPECTED = 5 + 60 + 2 * ORDERS_EACH
TIMEOUT = 600
LOAD = paths.ROOT / "demo/load.py"
# Conflicts and dead letters wait for a person, and a paused backend for its resumption:
# there is nothing more to wait for.
COUNT = (
    "select count(*) filter (where m.state <> 'pending' or b.paused), "
    "count(*) filter (where m.state = 'synced'), "
    "count(*) filter (where m.state = 'conflict'), "
    "count(*) filter (where m.state = 'dead'), count(*) "
    "from sync_mapping m join sync_backend b on b.id = m.backend_id"
)


def seed_app(url, key):
    """Have the pharmacy app make its half; nothing when it has data already."""
    request = urllib.request.Request(
        f"{url}/admin/seed",
        data=json.dumps({"orders": ORDERS_EACH}).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with step("demonstration data of the pharmacy app"):
        try:
            urllib.request.urlopen(request, timeout=120).close()
        except (urllib.error.URLError, OSError) as error:
            log = paths.LOG / "pharmacy_app.log"
            raise StepError(f"the pharmacy app refused: {error}", log=log) from error


def load_odoo(conf, database, env):
    """Run ``demo/load.py`` in Odoo's shell; it may be run again."""
    # "env" has the address of the server, so the shell opens no port.
    words = ["shell", "-c", conf, "-d", database, "--no-http", "--max-cron-threads=0"]
    with step("demonstration data of Odoo"):
        (paths.LOG / "demo.log").unlink(missing_ok=True)
        shell.run([*odoo.command(), *words], "demo", 300, env=env, stdin=LOAD)
        # Odoo's shell ends well whatever its standard input raised.
        log = paths.LOG / "demo.log"
        if "Traceback (most recent call last)" in log.read_text():
            raise StepError("demo/load.py failed", log=log)


def wait_until_in_step(database):
    """Wait until every mapping is synchronised or waits for a person; show progress."""
    with step("synchronise both sides"):
        deadline = time.monotonic() + TIMEOUT
        shown = None
        while time.monotonic() < deadline:
            counts = map(int, postgres.query(COUNT, database=database)[0])
            settled, synced, conflicts, dead, total = counts
            text = f"{settled} of {max(total, EXPECTED)} records settled"
            if text != shown:
                say("...", text)
                shown = text
            if settled == total >= EXPECTED:
                text = f"{synced} in step, {conflicts} conflicts, {dead} dead letters"
                say("", text)
                return
            time.sleep(2)
        raise StepError(f"only {text} after {TIMEOUT} s", log=paths.LOG / "odoo.log")


def logins():
    """What ``demo/load.py`` says of users: its lines that start with login:."""
    log = paths.LOG / "demo.log"
    if not os.path.exists(log):
        return []
    lines = log.read_text(errors="replace").splitlines()
    return [line[6:].strip() for line in lines if line.startswith("login:")]
