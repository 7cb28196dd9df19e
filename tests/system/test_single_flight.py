"""Several threads of several processes that miss the same record make one call."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from system_databases import run_odoo
from system_servers import PharmacyApp

ASK = (Path(__file__).parent / "ask_supplier.py").read_text()
PROCESSES = 3
START = 25  # seconds within which all of them are up


def test_concurrent_misses_make_one_call(make_database, tmp_path):
    app = PharmacyApp(tmp_path)
    database, __ = make_database("single_flight", app)
    app.start()
    try:
        record = app.create("suppliers", name="Veterinaria Alba")
        match = {"method": "GET", "path": "/api/v1/suppliers/*"}
        rules = [{"kind": "latency", "seconds": 2, "match": match}]
        app.call("POST", "/admin/faults", seed=1, rules=rules)
        since = app.last_request()
        moment = time.time() + START

        def ask(number):
            reported = tmp_path / f"reported_{number}"
            env = {
                "ASK_AT": str(moment),
                "ASK_ID": record["id"],
                "ASK_FILE": str(reported),
            }
            words = ["shell", "--no-http", "--max-cron-threads=0", "--log-level=warn"]
            run_odoo(database, words, ASK, env)
            return reported.read_text().splitlines()

        with ThreadPoolExecutor(PROCESSES) as pool:
            reported = [
                line for lines in pool.map(ask, range(PROCESSES)) for line in lines
            ]
        assert len(reported) == 4 * PROCESSES
        assert {line.split(" ", 1)[1] for line in reported} == {"Veterinaria Alba"}
        assert [line.split(" ", 1)[0] for line in reported].count("app") == 1
        asked = [
            request
            for request in app.requests(since)
            if request["path"].endswith(record["id"])
        ]
        assert len(asked) == 1
    finally:
        app.kill()
