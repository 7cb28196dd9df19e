"""Odoo is killed while its call is under way: work resumes, and nothing is doubled."""

import pytest
from system_servers import wait_until

RECOVERY = 90  # seconds


@pytest.mark.parametrize(
    ("fault", "ignores_keys"),
    [
        pytest.param({"kind": "hang", "seconds": 60}, False, id="never-applied"),
        pytest.param({"kind": "drip", "bytes_per_second": 20}, False, id="applied"),
        pytest.param(
            {"kind": "drip", "bytes_per_second": 20}, True, id="applied-keys-ignored"
        ),
        pytest.param(
            {"kind": "latency", "seconds": 2}, True, id="applied-later-keys-ignored"
        ),
    ],
)
def test_odoo_killed_between_call_and_commit(stack, fault, ignores_keys):
    (edited,) = stack.synced_orders(1)
    count = len(stack.app.items("purchase-orders"))
    stack.app.call("POST", "/admin/settings", ignore_idempotency_keys=ignores_keys)
    stack.app.fault(count=1, **fault)
    since = stack.app.last_request()
    # One call is to carry all of them.
    stack.set_paused(True)
    orders = stack.make_orders(3)
    stack.set_quantity(edited, 6)
    stack.set_paused(False)
    wait_until(lambda: _is_under_way(stack, fault, since), 30, "the call is under way")
    assert len(stack.operations([*orders, edited], "running")) == 4
    stack.odoo.kill()
    # No answer was taken note of.
    assert len(stack.operations([*orders, edited], "running")) == 4

    stack.odoo.start()
    stack.recover(RECOVERY)
    stack.assert_in_step([*orders, edited])
    assert stack.operations([*orders, edited], "dead") == []
    assert len(stack.app.items("purchase-orders")) == count + 3
    assert len(stack.app.history(stack.external_id(edited))) == 2
    for order in orders:
        assert len(stack.app.history(stack.external_id(order))) == 1


def _is_under_way(stack, fault, since):
    if fault["kind"] != "drip":
        return stack.app.fault_hits() == 1
    # It has applied the batch once it has noted the request.
    return any("drip" in entry["faults"] for entry in stack.app.requests(since))
