"""A dead worker's operations are taken up while other transactions are under way."""

import json
from pathlib import Path

from system_databases import run_odoo
from system_servers import PharmacyApp

ASK = (Path(__file__).parent / "ask_recovery.py").read_text()
WORDS = ["shell", "--no-http", "--max-cron-threads=0", "--log-level=warn"]


def test_recovery_neither_waits_for_itself_nor_queues_a_record_twice(
    make_database, tmp_path
):
    database, __ = make_database("recovery", PharmacyApp(tmp_path))
    reported = tmp_path / "reported.json"
    # One connection that waits for another of the same thread would wait for ever.
    env = {"ASK_FILE": str(reported), "PGOPTIONS": "-c lock_timeout=3s"}
    run_odoo(database, WORDS, ASK, env)
    found = json.loads(reported.read_text())
    assert found["undelivered"] == ["pending"]
    # Who read the queue before is replayed, and then rides along.
    assert found["raised"] == "SerializationFailure"
    assert found["overtaken"].count("pending") == 1
