"""An operator stops a push whose call is under way in another process."""

from system_servers import wait_until


def test_stopped_between_the_parts_of_a_batch_it_is_not_sent(stack):
    first, second = stack.synced_orders(2)
    # The batch fails as a whole, and is sent again in halves.
    match = {"method": "POST", "path": "/api/v1/*/batch"}
    rules = [
        {"kind": kind, "match": match, "count": 1, **more}
        for kind, more in (("latency", {"seconds": 7}), ("error", {"status": 500}))
    ]
    stack.app.call("POST", "/admin/faults", seed=1, rules=rules)
    stack.set_paused(True)
    for order in (first, second):
        stack.set_quantity(order, 7)
    stack.set_paused(False)
    operations = stack.model("sync.operation", "operator")
    wait_until(
        lambda: len(stack.operations([first, second], "running")) == 2,
        30,
        "the call is under way",
    )
    (operation,) = stack.operations([second], "running")
    operations.action_stop([operation["id"]])
    stack.settle()
    (stopped,) = stack.operations([second])[-1:]
    assert stopped["state"] == "cancelled", stopped["reason"]
    assert "Operator" in stopped["reason"]
    assert len(stack.app.history(stack.external_id(first))) == 2
    assert len(stack.app.history(stack.external_id(second))) == 1
    assert stack.quantity(second) == 7
    # It goes with the record's next change.
    stack.set_quantity(second, 8)
    stack.settle()
    stack.assert_in_step([first, second])


def test_stopped_while_its_answer_is_lost_it_is_found_out_first(stack, configure):
    (order,) = stack.synced_orders(1)
    configure("sync.backend", [], deadline=6)
    stack.app.fault("drip", count=1, bytes_per_second=1)
    operations = stack.model("sync.operation", "operator")
    stack.set_quantity(order, 9)
    wait_until(
        lambda: stack.operations([order], "running"), 30, "the call is under way"
    )
    (operation,) = stack.operations([order], "running")
    operations.action_stop([operation["id"]])
    stack.recover(120)
    stack.assert_in_step([order])
    assert len(stack.app.history(stack.external_id(order))) == 2
