"""A pharmacy app that is restored from a backup, and a copy of Odoo's database."""

import time
from pathlib import Path

from system_databases import clone, drop, run_odoo
from system_servers import PharmacyApp, wait_until

COPY = Path(__file__).parent / "use_copy.py"
COMPARED = 180  # seconds


def test_app_that_was_set_back_loses_nothing_that_was_agreed(stack):
    orders = stack.synced_orders(3)
    agreed, edited, __ = orders
    # What was changed in the second up to which Odoo has read may have been changed
    # after it.
    time.sleep(1.1)
    stack.app.back_up()
    for order in (agreed, edited):
        stack.set_quantity(order, 7)
    (late,) = stack.synced_orders(1)
    # Odoo has read all until then; and readings that meet the app while it is down
    # would open its breaker.
    stack.trigger("cron_pull")
    stack.settle()
    stack.settle_readings()
    # The clock of the app has gone on before people work with it again.
    time.sleep(1.1)
    stack.app.restore()
    stack.app.edit("purchase-orders", stack.external_id(edited), notes="After it")
    stack.trigger("cron_pull")
    stack.settle(COMPARED)
    wait_until(lambda: _compared(stack), COMPARED, "all is compared")
    stack.settle()
    # What nobody touched since is sent again, and nothing old came to Odoo.
    stack.assert_in_step([agreed, orders[2]])
    assert [stack.quantity(order) for order in (agreed, edited)] == [7, 7]
    # What somebody did is asked about, and nothing of it is lost.
    (conflict,) = stack.query(
        "SELECT id FROM sync_conflict WHERE mapping_id = %s AND state = 'open'",
        stack.mapping(edited)["id"],
    )
    stack.model("sync.conflict", "manager").action_keep_odoo([conflict["id"]])
    # What was lost is proposed, made anew, and ends it.
    (drift,) = stack.query(
        "SELECT id, kind, repair FROM sync_drift WHERE state = 'open'"
    )
    assert (drift["kind"], drift["repair"]) == ("missing_pharmacy", "push")
    stack.model("sync.drift", "manager").action_repair([drift["id"]])
    wait_until(lambda: not _set_back(stack), COMPARED, "the state ended")
    stack.settle()
    stack.assert_in_step([*orders, late])


def _set_back(stack):
    return stack.value(
        "SELECT set_back_at FROM sync_backend WHERE id = %s", stack.prepared["backend"]
    )


def _compared(stack):
    states = stack.query(
        "SELECT w.state FROM sync_reconciliation w JOIN sync_backend b "
        "ON b.id = w.backend_id AND b.epoch = w.epoch WHERE b.epoch > 0"
    )
    return [row["state"] for row in states] == ["done"] * 3


def test_copy_of_the_database_beside_the_original_exchanges_nothing(
    make_database, tmp_path
):
    app = PharmacyApp(tmp_path)
    app.start()
    original, __ = make_database("original", app)
    copy = f"{original}_copy"
    clone(original, copy)
    shell = ["shell", "--no-http", "--max-cron-threads=0", "--log-level=warn"]
    try:
        assert "copy: False" in run_odoo(original, shell, COPY.read_text())
        sent = app.last_request()
        assert sent
        assert "copy: True" in run_odoo(copy, shell, COPY.read_text())
        assert app.requests(sent) == []
    finally:
        drop(copy)
        app.kill()
