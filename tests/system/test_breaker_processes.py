"""What several Odoo processes do with one breaker, each on its own."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from system_databases import run_odoo
from system_servers import PharmacyApp

ASK = (Path(__file__).parent / "ask_breaker.py").read_text()
OPENED = """
import time
breaker = env["sync.breaker"].search([("operation", "=", "push")], limit=1)
breaker._set_mode("forced_open", "test")
breaker._set_mode("normal", "test")
env.cr.commit()
"""
PROCESSES = 4
START = 20  # seconds within which all of them are up


def test_an_open_breaker_lets_three_probes_of_all_processes_through(
    make_database, tmp_path
):
    database, __ = make_database("probes", PharmacyApp(tmp_path))
    words = ["shell", "--no-http", "--max-cron-threads=0", "--log-level=warn"]
    run_odoo(database, words, OPENED, {})
    moment = time.time() + START

    def ask(number):
        reported = tmp_path / f"given_{number}"
        env = {"ASK_AT": str(moment), "ASK_COUNT": "5", "ASK_FILE": str(reported)}
        run_odoo(database, words, ASK, env)
        return int(reported.read_text())

    with ThreadPoolExecutor(PROCESSES) as pool:
        given = list(pool.map(ask, range(PROCESSES)))
    assert sum(given) == 3, given
