"""Hundreds of dead letters are redriven while Odoo is killed, or while the cause comes
back: each change arrives once, and what would run into a wall stops."""

import pytest
from system_servers import wait_until

DRY_RUN = 60  # seconds
RECOVERY = 120


@pytest.fixture
def redrives(stack):
    """Dead letters of a cause that is gone: ``redrives(count, **settings)`` gives
    (orders, id of the redrive whose dry run is made)."""

    def plan(count, **settings):
        orders = stack.make_orders(count)
        stack.settle()
        stack.app.refuse_records("unauthorized")
        stack.model("purchase.order").write(orders, {"note": "Please call first"})
        wait_until(
            lambda: len(stack.operations(orders, "dead")) == count,
            60,
            lambda: f"{len(stack.operations(orders, 'dead'))} of {count} died",
        )
        stack.app.heal()
        dead = [operation["id"] for operation in stack.operations(orders, "dead")]
        action = execute(stack, "sync.operation", "action_plan_redrive", dead)
        redrive_id = action["res_id"]
        wait_until(
            lambda: row(stack, redrive_id)["phase"] == "ready",
            DRY_RUN,
            lambda: f"dry run: {row(stack, redrive_id)}",
        )
        assert len(stack.operations(orders, "dead")) == count
        stack.model("sync.redrive", "operator").write([redrive_id], settings)
        return orders, redrive_id

    return plan


def execute(stack, model, method, ids):
    return stack.client("operator").execute_kw(model, method, [ids])


def start(stack, redrive_id):
    execute(stack, "sync.redrive", "action_start", [redrive_id])


def row(stack, redrive_id):
    (found,) = stack.query("SELECT * FROM sync_redrive WHERE id = %s", redrive_id)
    return found


def lines(stack, redrive_id):
    """Lines of the redrive with the end of their operations, in order."""
    return stack.query(
        "SELECT l.*, o.done_at FROM sync_redrive_line l "
        "JOIN sync_operation o ON o.id = l.operation_id "
        "WHERE l.redrive_id = %s ORDER BY l.id",
        redrive_id,
    )


def states(stack, redrive_id):
    found = [line["state"] for line in lines(stack, redrive_id)]
    return {state: found.count(state) for state in found}


@pytest.mark.timeout(600)
def test_odoo_killed_in_the_middle_of_a_redrive(stack, redrives):
    count = 200
    orders, redrive_id = redrives(count, rate=900)
    verdicts = {line["verdict"] for line in lines(stack, redrive_id)}
    assert verdicts == {"update"}
    start(stack, redrive_id)
    wait_until(
        lambda: row(stack, redrive_id)["done_count"] >= 50,
        60,
        lambda: f"some are done: {states(stack, redrive_id)}",
    )
    stack.odoo.kill()
    killed = row(stack, redrive_id)
    assert killed["state"] == "running" and killed["done_count"] < count
    stack.odoo.start()
    # Nobody helps: no scheduled action runs.
    wait_until(
        lambda: row(stack, redrive_id)["state"] == "done",
        RECOVERY,
        lambda: f"it goes on: {row(stack, redrive_id)} {states(stack, redrive_id)}",
    )
    assert states(stack, redrive_id) == {"done": count}
    stack.settle()
    stack.assert_in_step(orders[:5])
    for order in orders:
        assert len(stack.app.history(stack.external_id(order))) == 2, "sent once"
    first, *ten = lines(stack, redrive_id)[:11]
    others = lines(stack, redrive_id)[11:]
    assert first["done_at"] <= min(line["queued_at"] for line in ten)
    ended = max(line["done_at"] for line in ten)
    assert ended <= min(line["queued_at"] for line in others)


def test_a_redrive_stops_itself_when_the_cause_comes_back(stack, redrives):
    count = 40
    orders, redrive_id = redrives(count, rate=120)
    start(stack, redrive_id)
    wait_until(
        lambda: row(stack, redrive_id)["done_count"] >= 11,
        60,
        lambda: f"eleven are done: {states(stack, redrive_id)}",
    )
    stack.app.refuse_records("unauthorized")
    wait_until(
        lambda: row(stack, redrive_id)["state"] == "stopped",
        60,
        lambda: f"it stops: {row(stack, redrive_id)}",
    )
    stopped = row(stack, redrive_id)
    assert "failed again, more than 50 %" in stopped["reason"]
    found = states(stack, redrive_id)
    assert found["planned"] > 0 and found["failed"] >= 10, found
    stack.app.heal()
    # What died again is a dead letter as before; the others go on.
    start(stack, redrive_id)
    wait_until(
        lambda: row(stack, redrive_id)["state"] == "done",
        60,
        lambda: f"it goes on: {row(stack, redrive_id)}",
    )
    dead = [operation["id"] for operation in stack.operations(orders, "dead")]
    assert len(dead) == row(stack, redrive_id)["failed_count"]
    execute(stack, "sync.operation", "action_redrive", dead)
    stack.settle()
    assert stack.operations(orders, "dead") == []
    assert [len(stack.app.history(stack.external_id(o))) for o in orders] == [2] * count
