"""Orders by JSON-RPC: the API against the same client creating orders bare.

Four ways, in turn, in each round: bare, one order a call; bare, 50 a call; the API
with new orders, 50 a call, mapping, event and idempotency included; the API with
orders that did not change. Bare orders are made while the backend is archived, so
that the addon costs them nothing.
"""

import uuid

from rig import Client, arriving_order, connect, table, timed, wait_until

ROUNDS = 5
ONE_BY_ONE = 15
BATCH = 50
LINES = 5
DATE = "2026-11-20 08:00:00"

admin = Client("admin", "admin")
backend, client = connect(admin)
currency = admin("res.company", "read", [1], ["currency_id"])[0]["currency_id"]


def masters():
    """A supplier and products that both sides know."""
    supplier = {"id": "sup_bench", "version": 1, "name": "Bench supplier"}
    products = [
        {"id": f"prd_{i}", "version": 1, "name": f"Bench product {i}", "uom": "Units"}
        for i in range(20)
    ]
    for entity, records in (("supplier", [supplier]), ("product", products)):
        answer = client("sync.api", "push", entity, records)
        assert answer["success"], answer
        yield [result["odoo_id"] for result in answer["results"]]


(supplier_id,), product_ids = masters()
(unit,) = admin("uom.uom", "search", [("name", "=", "Units")])


def bare(number):
    """One order as a client writes it without the addon."""
    return {
        "partner_id": supplier_id,
        "origin": f"BARE{number}",
        "currency_id": currency[0],
        "date_order": DATE,
        "order_line": [
            (
                0,
                0,
                {
                    "product_id": product_ids[(number + i) % 20],
                    "name": f"Line {i}",
                    "product_qty": 3,
                    "product_uom_id": unit,
                    "price_unit": 9.99,
                    "date_planned": DATE,
                },
            )
            for i in range(LINES)
        ],
    }


def record():
    """The same order as the pharmacy app sends it."""
    lines = [(f"prd_{i}", f"Line {i}", "9.99") for i in range(LINES)]
    return arriving_order("sup_bench", currency[1], lines)


def create_one_by_one():
    for number in range(ONE_BY_ONE):
        client("purchase.order", "create", [bare(number)])


def create_batch():
    client("purchase.order", "create", [bare(number) for number in range(BATCH)])


def push(records):
    answer = client("sync.api", "push", "purchase_order", records, uuid.uuid4().hex)
    assert answer["success"], answer


names = (
    "bare, one a call",
    "bare, 50 a call",
    "API, new, 50 a call",
    "API, unchanged, 50 a call",
)
rates = {name: [] for name in names}
for round_number in range(ROUNDS + 1):
    admin("sync.backend", "write", [backend], {"active": False})
    seconds = [timed(create_one_by_one), timed(create_batch)]
    admin("sync.backend", "write", [backend], {"active": True})
    orders = [record() for __ in range(BATCH)]
    seconds += [timed(push, orders)]
    wait_until("SELECT count(*) FROM sync_event WHERE state = 'pending'", 0)
    seconds += [min(timed(push, orders) for __ in range(3))]
    if round_number:  # the first warms up
        for name, count, value in zip(
            names, (ONE_BY_ONE, BATCH, BATCH, BATCH), seconds, strict=True
        ):
            rates[name].append(count / value)
table("Purchase orders of 5 lines a second, by /jsonrpc", rates, names[0])
table("... against 50 a call", rates, names[1])
