"""The pharmacy app is away, slow of word or full: nothing is lost, nothing doubled."""

from datetime import datetime

import odoorpc
import pytest
from system_servers import wait_until

QUICK = {"base": 0.2, "cap": 1.0, "factor": 1.0, "jitter": "none"}
# What a stopped app looks like: a kept connection is cut, a new one is refused.
GONE = ("connection_refused", "connection_reset", "outcome_unknown")


@pytest.fixture
def patient(configure, policy):
    """An administrator has every failure tried again quickly, and for long."""
    for error_type in ("default", "connection_refused", "service_unavailable"):
        policy(error_type, max_attempts=50, **QUICK)
    configure("sync.breaker", [], open_seconds=1, max_open_seconds=1)


@pytest.fixture
def impatient(policy):
    """An administrator has an unreachable app given up after two attempts."""
    for error_type in ("default", "connection_refused"):
        policy(error_type, max_attempts=2, **QUICK)


@pytest.fixture
def stopped_app(stack):
    """Stops the app: ``stopped_app()``. It is started again at the end."""

    def stop():
        # A reading that met it would open the breaker of readings.
        stack.settle_readings()
        stack.app.kill()

    yield stop
    if not stack.app.is_running():
        stack.app.start()


def versions(stack, orders):
    """How many versions the app has made of each order."""
    return [len(stack.app.history(stack.external_id(order))) for order in orders]


def test_edits_made_while_the_pharmacy_is_down_arrive_once(stack, patient, stopped_app):
    orders = stack.synced_orders(3)
    before = versions(stack, orders)
    stopped_app()
    for order in orders:
        stack.set_quantity(order, 5)
    stack.set_quantity(orders[0], 6)

    def waiting():
        found = stack.operations(orders, "waiting")
        tried = [operation for operation in found if len(stack.errors(operation)) >= 2]
        return len(tried) == 3 and tried

    for operation in wait_until(waiting, 30, "three pushes wait to be tried again"):
        assert operation["eta"] and operation["reason"]
        # What a failed attempt wrote was not lost with it.
        errors = stack.errors(operation)
        assert len(errors) >= operation["attempts"]
        assert {e["type"] for e in errors} <= set(GONE)
        assert errors[-1]["type"] == "connection_refused"
        assert {e["correlation_id"] for e in errors} == {operation["correlation_id"]}
    stack.app.start()
    stack.settle()
    stack.assert_in_step(orders)
    assert versions(stack, orders) == [count + 1 for count in before]


def test_a_push_that_an_outage_has_used_up_waits_for_the_app(
    stack, impatient, stopped_app
):
    (order,) = stack.synced_orders(1)
    stopped_app()
    stack.set_quantity(order, 8)
    (waiting,) = wait_until(
        lambda: [o for o in stack.operations([order], "waiting") if o["parked"]],
        30,
        "the push is parked",
    )
    assert [error["attempt"] for error in stack.errors(waiting)] == [1, 2]
    assert stack.operations([order], "dead") == []
    stack.app.start()
    stack.settle()
    stack.assert_in_step([order])
    assert versions(stack, [order]) == [2]


def test_a_refused_push_is_a_dead_letter_until_an_operator_redrives_it(stack):
    (order,) = stack.synced_orders(1)
    stack.app.refuse_records("forbidden")
    stack.set_quantity(order, 8)
    (dead,) = wait_until(
        lambda: stack.operations([order], "dead"), 30, "the push is given up"
    )
    assert len(stack.errors(dead)) == 1
    assert dead["reason"] and dead["payload"]
    assert stack.mapping(order)["state"] == "dead"
    stack.app.heal()
    for login in ("buyer", "pharmacy"):
        with pytest.raises(odoorpc.error.RPCError) as refusal:
            redrive(stack, login, dead)
        assert refusal.value.info["data"]["name"] == "odoo.exceptions.AccessError"
    assert stack.operations([order])[-1]["state"] == "dead"
    redrive(stack, "operator", dead)
    stack.settle()
    stack.assert_in_step([order])
    assert stack.operations([order])[-1]["state"] == "done"
    assert stack.mapping(order)["state"] == "synced"
    assert versions(stack, [order]) == [2]


def redrive(stack, login, operation):
    client = stack.client(login)
    client.execute_kw("sync.operation", "action_redrive", [[operation["id"]]])


def test_the_pharmacy_is_left_in_peace_for_as_long_as_it_asks(stack, policy):
    # Without Retry-After, it would be asked again within the second.
    policy("rate_limit_exceeded", base=0.1, cap=60.0, factor=1.0, jitter="none")
    (order,) = stack.synced_orders(1)
    since = stack.app.last_request()
    stack.app.fault("rate_limit", count=1, retry_after=3)
    stack.set_quantity(order, 4)
    stack.settle()
    stack.assert_in_step([order])
    refused, accepted = [
        entry for entry in stack.app.requests(since) if entry["method"] == "POST"
    ]
    assert (refused["status"], accepted["status"]) == (429, 200)
    pause = _moment(accepted) - _moment(refused)
    assert 3 <= pause.total_seconds() <= 10
    (operation,) = stack.operations([order], "done")[1:]
    (error,) = stack.errors(operation)
    assert error["type"] == "rate_limit_exceeded"


def _moment(entry):
    """Whole seconds: rounded down alike, they are apart no less than the real ones."""
    return datetime.strptime(entry["time"], "%Y-%m-%dT%H:%M:%SZ")


def test_an_update_whose_answer_is_lost_is_made_once(stack, patient):
    orders = stack.synced_orders(2)
    before = versions(stack, orders)
    stack.app.fault("lost_answer", count=1)
    stack.set_quantity(orders[0], 3)
    stack.settle()
    assert stack.app.fault_hits() == 1
    stack.assert_in_step(orders)
    assert versions(stack, orders) == [before[0] + 1, before[1]]
    operation = stack.operations(orders[:1])[-1]
    assert operation["state"] == "done"
    assert stack.errors(operation)[0]["delivery"] == "unknown"


@pytest.mark.parametrize("ignores_keys", [False, True])
def test_an_order_whose_creation_is_not_answered_is_made_once(
    stack, patient, ignores_keys
):
    stack.app.call("POST", "/admin/settings", ignore_idempotency_keys=ignores_keys)
    before = len(stack.app.items("purchase-orders"))
    stack.app.fault("lost_answer", count=2)
    orders = stack.make_orders(5)
    stack.settle()
    assert stack.app.fault_hits() >= 1
    stack.assert_in_step(orders)
    assert len(stack.app.items("purchase-orders")) == before + 5


def test_a_flaky_and_restarted_pharmacy_gets_every_edit(stack, patient):
    orders = stack.synced_orders(20)
    before = versions(stack, orders)
    flaky = {"kind": "error", "status": 503, "probability": 0.3, "seed": 7}
    stack.app.fault(**flaky)
    hits = 0
    for quantity in (3, 4, 5):
        for order in orders:
            stack.set_quantity(order, quantity)
        if quantity == 4:
            hits = stack.app.fault_hits()
            stack.app.kill()
            stack.app.start()
            stack.app.fault(**flaky)
    stack.settle()
    assert hits + stack.app.fault_hits() > 0
    stack.assert_in_step(orders)
    assert stack.operations(orders, "dead") == []
    made = [
        now - then for now, then in zip(versions(stack, orders), before, strict=True)
    ]
    # Edits may travel together, but none is made twice.
    assert all(1 <= count <= 3 for count in made)
