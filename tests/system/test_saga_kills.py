"""Odoo is killed at every boundary of a saga's steps: it ends as a whole all the same,
completed or taken back, and nothing is reserved twice or left behind."""

import uuid

import pytest
from system_servers import poll, wait_until

RECOVERY = 90  # seconds
PROMPT = 30
RESERVE = "/api/v1/reservations"
CONFIRM = "/api/v1/reservations/*/confirm"
RELEASE = "/api/v1/reservations/*/release"
STOCK = 5
QUANTITY = 3
ENDED = ("completed", "compensated", "needs_attention")
# Stops a transaction just before its commit is done, when a saga's step is stored.
STOPPER = """
CREATE OR REPLACE FUNCTION system_test_stop() RETURNS trigger AS $$
BEGIN
    PERFORM pg_sleep(600);
    RETURN NULL;
END $$ LANGUAGE plpgsql;
CREATE CONSTRAINT TRIGGER system_test_stop AFTER UPDATE ON sync_saga_step
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.name = '{name}' AND NEW.{column} = '{value}'
          AND OLD.{column} <> '{value}')
    EXECUTE FUNCTION system_test_stop()
"""


@pytest.fixture
def shop(stack):
    """A product of which the pharmacy has five, and an order there for three."""
    supplier = stack.app.create("suppliers", name=f"Farmacia {uuid.uuid4().hex[:6]}")
    product = stack.app.create("products", name="Ibuprofen", uom="Units")
    line = {"product_id": product["id"], "quantity": "3", "unit_price": "1.20"}
    order = stack.app.create(
        "purchase-orders", supplier_id=supplier["id"], lines=[line]
    )
    stack.settle()
    wait_until(
        lambda: stack.query(
            "SELECT 1 FROM sync_mapping WHERE external_id = %s", order["id"]
        ),
        PROMPT,
        "Odoo has the order",
    )
    return Shop(stack, product["id"], order)


class Shop:
    def __init__(self, stack, product, order):
        self.stack = stack
        self.product = product
        self.order = order
        self.set_stock(STOCK)

    def set_stock(self, quantity):
        stock = {self.product: quantity}
        self.stack.app.call("POST", "/admin/settings", stock=stock)

    def stock(self):
        settings = self.stack.app.call(
            "POST", "/admin/settings", ignore_idempotency_keys=False
        )
        return float(settings["stock"][self.product])

    def start(self):
        """What the app asks for; the saga's number."""
        api = self.stack.client("pharmacy", self.stack.prepared["api_key"])
        answer = api.env["sync.api"].order(self.order, uuid.uuid4().hex)
        assert answer["success"], answer
        return answer["saga"]

    def saga(self, number):
        (row,) = self.stack.query("SELECT * FROM sync_saga WHERE id = %s", number)
        return row

    def step(self, number, name):
        (row,) = self.stack.query(
            "SELECT * FROM sync_saga_step WHERE saga_id = %s AND name = %s",
            *(number, name),
        )
        return row

    def reservations(self):
        found = self.stack.app.call("GET", RESERVE)["items"]
        return [r for r in found if r["purchase_order_id"] == self.order["id"]]

    def fault(self, kind, path, method="POST", **rule):
        rules = [{"kind": kind, "match": {"method": method, "path": path}, **rule}]
        self.stack.app.call("POST", "/admin/faults", seed=1, rules=rules)

    def restart(self, number):
        """Odoo is killed, comes back, and works off what it finds."""
        self.stack.odoo.kill()
        self.end_sleepers()
        self.stack.query("DROP TRIGGER IF EXISTS system_test_stop ON sync_saga_step")
        self.stack.odoo.start()

        def has_ended():
            self.stack.trigger("cron_recover")
            return poll(lambda: self.saga(number)["state"] in ENDED, 4)

        wait_until(
            has_ended,
            RECOVERY,
            lambda: f"the saga ends: {dict(self.saga(number))}",
        )
        self.stack.settle()

    def end_sleepers(self):
        """PostgreSQL notices that a client is gone when it next speaks to it."""
        self.stack.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event = 'PgSleep'"
        )

    def is_stopped(self):
        return self.stack.query(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event = 'PgSleep'"
        )

    def assert_completed(self, number):
        saga = self.saga(number)
        assert saga["state"] == "completed", dict(saga)
        assert [r["state"] for r in self.reservations()] == ["confirmed"]
        assert self.stock() == STOCK - QUANTITY
        assert self.odoo_orders(number) == [("draft", True)]

    def assert_taken_back(self, number):
        saga = self.saga(number)
        assert saga["state"] == "compensated", dict(saga)
        assert {r["state"] for r in self.reservations()} <= {"released"}
        assert self.stock() == STOCK
        assert [state for state, __ in self.odoo_orders(number)] == ["cancel"]

    def odoo_orders(self, number):
        return [
            (row["state"], row["acknowledged"])
            for row in self.stack.query(
                "SELECT state, acknowledged FROM purchase_order WHERE id = %s",
                self.saga(number)["order_id"],
            )
        ]


@pytest.mark.parametrize("column, value", [("state", "running"), ("state", "done")])
@pytest.mark.parametrize("name", ["create", "reserve", "confirm", "acknowledge"])
def test_killed_before_a_step_is_on_record(shop, name, column, value):
    """Before the step is begun for all to see; and after it was done, before that is
    on record: between call and commit."""
    shop.stack.query(STOPPER.format(name=name, column=column, value=value))
    saga = shop.start()
    wait_until(shop.is_stopped, PROMPT, "the transaction is about to commit")
    shop.restart(saga)
    shop.assert_completed(saga)


@pytest.mark.parametrize("path", [RESERVE, CONFIRM])
@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        pytest.param("hang", 60, id="never-applied"),
        pytest.param("latency", 3, id="applied-later"),
    ],
)
def test_killed_while_its_call_is_under_way(shop, path, kind, seconds):
    shop.fault(kind, path, seconds=seconds, count=1)
    saga = shop.start()
    wait_until(lambda: shop.stack.app.fault_hits() == 1, PROMPT, "the call is made")
    shop.restart(saga)
    shop.assert_completed(saga)


@pytest.mark.parametrize("name", ["reserve", "create"])
def test_killed_before_a_compensation_is_on_record(shop, policy, name):
    # Reserved, and the answer lost for good.
    for error_type in ("default", "network_timeout"):
        policy(error_type, max_attempts=1)
    shop.fault("lost_answer", RESERVE)
    shop.stack.query(STOPPER.format(name=name, column="compensation", value="done"))
    saga = shop.start()
    wait_until(shop.is_stopped, PROMPT, "the transaction is about to commit")
    assert shop.reservations()
    shop.restart(saga)
    shop.assert_taken_back(saga)


def test_killed_while_it_releases(shop, policy):
    policy("default", max_attempts=1)
    shop.stack.app.call(
        "POST",
        "/admin/faults",
        seed=1,
        rules=[
            {"kind": "forbid", "match": {"path": CONFIRM}},
            {"kind": "latency", "seconds": 3, "count": 1, "match": {"path": RELEASE}},
        ],
    )
    saga = shop.start()
    wait_until(
        lambda: shop.step(saga, "confirm")["undoing"], PROMPT, "it is being released"
    )
    wait_until(lambda: shop.stack.app.fault_hits() >= 2, PROMPT, "the call is made")
    shop.restart(saga)
    shop.assert_taken_back(saga)


def test_out_of_stock_is_taken_back_across_a_kill(shop):
    shop.set_stock(QUANTITY - 1)
    shop.stack.query(STOPPER.format(name="reserve", column="state", value="failed"))
    saga = shop.start()
    wait_until(shop.is_stopped, PROMPT, "the failure is about to be on record")
    shop.restart(saga)
    assert shop.saga(saga)["error_type"] == "insufficient_stock"
    shop.set_stock(STOCK)
    shop.assert_taken_back(saga)
