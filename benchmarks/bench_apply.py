"""Arriving orders in bulk against one by one, by what happened to them.

In this process, without HTTP: the function that every arriving record meets. Orders
of 5 lines; *one side*: the pharmacy changed a quantity; *both sides, other fields*:
Odoo changed the notes besides; *both sides, same field*: both changed one quantity,
and the stream's policy decides, which keeps the value that lost.
"""

import time
import uuid
from itertools import count

from rig import Client, arriving_order, connect, environment, table, timed

ROUNDS = 3
BATCH = 60
SINGLES = 12
LINES = 5
CLOCKS = {"a second": time.perf_counter, "a CPU second": time.process_time}
versions = count(2)

backend_id, __ = connect(Client("admin", "admin"))


def order(currency):
    lines = [(f"apply_{i}", f"Line {i}", "9.99") for i in range(LINES)]
    return arriving_order("sup_apply", currency, lines)


def changed(records):
    """The same orders, another quantity in the first line of each."""
    version = next(versions)
    for record in records:
        first, *rest = record["lines"]
        record["lines"] = [{**first, "quantity": f"{version}.00"}, *rest]
        record["version"] = version
    return [dict(record) for record in records]


def odoo_changes(records, function):
    mappings = env["sync.mapping"].search(
        [("external_id", "in", [record["id"] for record in records])]
    )
    orders = env["purchase.order"].browse(mappings.mapped("res_id"))
    function(orders)
    env.cr.flush()
    env.invalidate_all()


def rewrite_notes(orders):
    orders.note = f"<p>{uuid.uuid4().hex}</p>"


def requantify(orders):
    for line in orders.mapped(lambda found: found.order_line[0]):
        line.product_qty = next(versions) + 0.5


def apply(batches):
    for batch in batches:
        arrivals = stream._apply(batch, "bench")
        assert not any(arrival.error for arrival in arrivals), arrivals
        env.cr.flush()
        env.invalidate_all()


WAYS = {
    "unchanged": lambda records: [dict(record) for record in records],
    "one side": changed,
    "both sides, other fields": lambda records: (
        odoo_changes(records, rewrite_notes) or changed(records)
    ),
    "both sides, same field": lambda records: (
        odoo_changes(records, requantify) or changed(records)
    ),
}

with environment() as env:
    backend = env["sync.backend"].browse(backend_id)._as_runner()
    env = backend.env
    streams = {stream.entity: stream for stream in backend.stream_ids}
    stream = streams["purchase_order"]
    stream.conflict_policy = "odoo"
    streams["supplier"]._apply([{"id": "sup_apply", "version": 1, "name": "B"}], "b")
    streams["product"]._apply(
        [
            {"id": f"apply_{i}", "version": 1, "name": f"P{i}", "uom": "Units"}
            for i in range(LINES)
        ],
        "bench",
    )
    records = [order(env.company.currency_id.name) for __ in range(BATCH)]
    apply([records])
    for title, prepare in WAYS.items():
        names = f"one by one, {title}", f"{BATCH} at once, {title}"
        for unit, clock in CLOCKS.items():
            rates = {name: [] for name in names}
            for number in range(ROUNDS + 1):
                singles = [[record] for record in prepare(records[:SINGLES])]
                alone = SINGLES / timed(apply, singles, clock=clock)
                together = BATCH / timed(apply, [prepare(records)], clock=clock)
                if number:  # the first warms up
                    rates[names[0]].append(alone)
                    rates[names[1]].append(together)
            table(f"Arriving orders {unit}", rates, names[0])
