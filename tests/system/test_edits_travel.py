"""An edit on either side is on the other one within seconds, and can be followed."""

from decimal import Decimal

import pytest
from system_servers import wait_until
from system_stack import plain

PROMPT = 10  # seconds


@pytest.fixture
def order(stack):
    (order,) = stack.synced_orders(1)
    return order


def test_a_quantity_changed_in_odoo_is_at_the_pharmacy_within_ten_seconds(stack, order):
    since = stack.app.last_request()
    stack.set_quantity(order, 7)
    wait_until(
        lambda: Decimal("7") in [Decimal(n) for n in _quantities(stack, order)],
        PROMPT,
        "the pharmacy has the new quantity",
    )
    stack.settle()
    stack.assert_in_step([order])
    _assert_one_correlation_id(stack, order, since)


def _quantities(stack, order):
    return [line["quantity"] for line in stack.at_app(order)["lines"]]


def _assert_one_correlation_id(stack, order, since):
    """The edit has one id in event, operation, call, and the app's own log."""
    event = stack.query(
        "SELECT * FROM sync_event WHERE type = 'order_updated' "
        "AND res_id = %s ORDER BY id DESC LIMIT 1",
        order,
    )[0]
    correlation_id = event["correlation_id"]
    operation = stack.operations([order])[-1]
    assert (operation["state"], operation["attempts"]) == ("done", 1)
    assert operation["correlation_id"] == correlation_id
    # The real job runner did it.
    job = stack.query("SELECT * FROM queue_job WHERE uuid = %s", operation["job_uuid"])
    assert [row["state"] for row in job] == ["done"]
    calls = stack.query(
        "SELECT * FROM sync_call WHERE correlation_id = %s", correlation_id
    )
    assert [(call["method"], call["status"]) for call in calls] == [("POST", 200)]
    received = [
        (entry["method"], entry["path"], entry["items"])
        for entry in stack.app.requests(since)
        if entry["correlation_id"] == correlation_id
    ]
    assert received == [("POST", "/api/v1/purchase-orders/batch", 1)]
    # And so has the version that it made there.
    last = stack.app.history(stack.external_id(order))[-1]
    assert last["correlation_id"] == correlation_id


def test_a_note_changed_at_the_pharmacy_is_in_odoo_within_ten_seconds(stack, order):
    # No scheduled action runs in this Odoo: only the webhook can bring it.
    stack.app.edit("purchase-orders", stack.external_id(order), notes="Before noon")
    wait_until(
        lambda: plain(_note(stack, order)) == "Before noon",
        PROMPT,
        "Odoo has the new note",
    )
    stack.settle()
    stack.assert_in_step([order])
    # It ends there: Odoo does not send it back.
    assert len(stack.app.history(stack.external_id(order))) == 2


def _note(stack, order):
    return stack.value("SELECT note FROM purchase_order WHERE id = %s", order)


def test_an_order_made_at_the_pharmacy_is_in_odoo_once(stack, order):
    like = stack.at_app(order)
    made = stack.app.create(
        "purchase-orders",
        supplier_id=like["supplier_id"],
        notes="Cold chain",
        lines=[
            {"product_id": line["product_id"], "quantity": "3", "unit_price": "4.20"}
            for line in like["lines"]
        ],
    )

    def orders():
        return stack.query(
            "SELECT res_id FROM sync_mapping WHERE external_id = %s", made["id"]
        )

    wait_until(orders, PROMPT, "Odoo has the order")
    stack.settle()
    ((res_id,),) = (row.values() for row in orders())
    assert stack.seen_in_odoo(res_id) == stack.seen_at_app(made)
    found = stack.query(
        "SELECT id FROM purchase_order WHERE origin = %s", made["reference"]
    )
    assert [row["id"] for row in found] == [res_id]


def test_both_sides_edit_other_fields_at_once_and_nobody_loses(stack, order):
    stack.set_quantity(order, 9)
    stack.app.edit("purchase-orders", stack.external_id(order), notes="Ring the bell")

    def both():
        record = stack.at_app(order)
        quantities = [Decimal(line["quantity"]) for line in record["lines"]]
        return (
            record["notes"] == plain(_note(stack, order)) == "Ring the bell"
            and Decimal(9) in quantities
        )

    wait_until(both, PROMPT, "both edits are on both sides")
    stack.settle()
    stack.assert_in_step([order])


def test_what_sql_wrote_is_at_the_pharmacy_after_one_tick(stack, order):
    since = stack.app.last_request()
    stack.query("UPDATE purchase_order SET origin = 'PH-SQL' WHERE id = %s", order)
    stack.trigger("cron_look")
    wait_until(
        lambda: stack.at_app(order)["reference"] == "PH-SQL",
        PROMPT,
        "the pharmacy has the new reference",
    )
    stack.settle()
    stack.assert_in_step([order])
    written = [r for r in stack.app.requests(since) if r["method"] != "GET"]
    assert [r["path"] for r in written] == ["/api/v1/purchase-orders/batch"]


def test_what_passed_the_orm_is_not_looked_at_again(stack, order):
    stack.set_quantity(order, 9)
    stack.settle()
    since = stack.app.last_request()
    events = stack.value("SELECT max(id) FROM sync_event")
    assert stack.value("SELECT count(*) FROM sync_touched")
    stack.trigger("cron_look")
    wait_until(
        lambda: not stack.value("SELECT count(*) FROM sync_touched"),
        PROMPT,
        "the tick has looked",
    )
    stack.settle()
    assert stack.value("SELECT max(id) FROM sync_event") == events
    assert [r for r in stack.app.requests(since) if r["method"] != "GET"] == []
