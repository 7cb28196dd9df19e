"""What a batch of arriving orders costs, against Odoo's own ORM with the same values.

In this process, without HTTP: CPU seconds of the process, which the machine's load
hardly changes, wall time, and SQL statements, which it does not change at all. Orders
of 5 lines, each with values of its own. Odoo's own: one ``create`` of all orders, one
``write`` a record; it works while the backend is archived, so that the addon costs it
nothing. Both sides in turn, in one run.

*The least*: what of Odoo's ORM cannot be left out, and nothing else: every value known
before the clock starts, numbers drawn at once, no tracking of what is new, lines of all
orders in one ``create``, lines that get the same in one ``write``, messages made at
once. Where a record is changed, that it has to be read first is a part of it.
"""

import os
import time
import uuid
from itertools import count
from statistics import median

from rig import Client, arriving_order, connect, environment

ROUNDS = 3
BATCH = int(os.environ.get("COST_RECORDS", "200"))
LINES = 5
DATE = "2026-11-20 08:00:00"
numbers = count(1)

backend_id, __ = connect(Client("admin", "admin"))


def order(currency):
    text = uuid.uuid4().hex
    lines = [
        (f"cost_{n}", f"{text} {n}", f"{next(numbers) % 900}.50") for n in range(LINES)
    ]
    return arriving_order("sup_cost", currency, lines)


def bare(record):
    """The same order as a client of Odoo's writes it."""
    return {
        "partner_id": supplier.id,
        "origin": record["reference"],
        "currency_id": env.company.currency_id.id,
        "date_order": DATE,
        "order_line": [
            (
                0,
                0,
                {
                    "product_id": product.id,
                    "name": line["description"],
                    "product_qty": 3,
                    "product_uom_id": product.uom_id.id,
                    "price_unit": float(line["unit_price"]),
                    "date_planned": DATE,
                },
            )
            for product, line in zip(products, record["lines"], strict=True)
        ],
    }


def measure(costs, name, function, *args):
    """Add CPU and wall milliseconds and statements a record to ``costs[name]``."""
    env.cr.flush()
    env.invalidate_all()
    sql, cpu, wall = env.cr.sql_log_count, time.process_time(), time.perf_counter()
    result = function(*args)
    env.cr.flush()
    spent = time.process_time() - cpu, time.perf_counter() - wall
    spent = [1000 * seconds / BATCH for seconds in spent]
    sql = (env.cr.sql_log_count - sql) / BATCH
    costs.setdefault(name, []).append((*spent, sql))
    return result


def apply(records):
    arrivals = stream._apply([dict(record) for record in records], "bench")
    assert not any(arrival.error for arrival in arrivals), arrivals


def notes(records):
    for record in records:
        record.update(version=next(numbers), notes=f"Note {next(numbers)}")


def quantities(records):
    for record in records:
        wanted = f"{next(numbers) % 50 + 4}.00"
        lines = [{**line, "quantity": wanted} for line in record["lines"]]
        record.update(version=next(numbers), lines=lines)


def ours(costs, records):
    measure(costs, "new", apply, records)
    measure(costs, "unchanged", apply, records)
    notes(records)
    measure(costs, "one note changed", apply, records)
    quantities(records)
    measure(costs, "five quantities changed", apply, records)


def write_notes(orders):
    for found in orders:
        found.note = f"<p>Note {next(numbers)}</p>"


def write_quantities(orders):
    for found in orders:
        found.order_line.write({"product_qty": next(numbers) % 50 + 4})


def read(orders):
    """What has to be known of records before they are changed."""
    orders.fetch(["name", "partner_id", "state", "note"])
    orders.order_line.fetch(["product_id", "name", "product_qty", "price_unit"])


def create_least(in_bulk, values):
    orders = in_bulk.create([header for header, __ in values])
    both = zip(orders, values, strict=True)
    lines = [{**line, "order_id": o.id} for o, (__, lines) in both for line in lines]
    with env.protecting([orders._fields["date_planned"]], orders):
        orders.order_line.create(lines)
        orders.flush_recordset(["date_planned"])
    return orders.with_context(tracking_disable=False, sync_order_numbers=None)


def write_notes_least(orders):
    read(orders)
    write_notes(orders)


def write_quantities_least(orders):
    read(orders)
    as_batch(env)
    alike = {}
    for found in orders:
        alike.setdefault(next(numbers) % 50 + 4, []).append(found.order_line)
    with orders.order_line._sync_keeping():
        for quantity, lines in alike.items():
            orders.order_line.concat(*lines).write({"product_qty": quantity})


def least(costs, records):
    """The same with the least work, on orders that no backend has."""
    adapter, directory = env["sync.entity.purchase_order"], Directory(backend)
    arriving = [adapter._canonical(record, directory) for record in records]
    adapter._preload_arrived(arriving, directory)
    values = []
    for data in arriving:
        header = adapter._header_defaults(adapter._values(data, directory), directory)
        order = env["purchase.order"].new(header)
        lines = adapter._new_line_values(
            order, list(enumerate(data["lines"])), directory
        )
        values.append(({**header, "state": "draft"}, list(lines)))
    backend.active = False
    in_bulk = env["purchase.order"].with_context(
        tracking_disable=True, sync_order_numbers=OrderNumbers(len(records))
    )
    orders = measure(costs, "new", create_least, in_bulk, values)
    measure(costs, "one note changed", write_notes_least, orders)
    measure(costs, "five quantities changed", write_quantities_least, orders)
    backend.active = True


def odoos(costs, records):
    backend.active = False
    values = [bare(record) for record in records]
    orders = measure(costs, "new", env["purchase.order"].create, values)
    measure(costs, "one note changed", write_notes, orders)
    measure(costs, "five quantities changed", write_quantities, orders)
    backend.active = True


with environment() as env:
    backend = env["sync.backend"].browse(backend_id)._as_runner()
    env = backend.env
    streams = {found.entity: found for found in backend.stream_ids}
    stream = streams["purchase_order"]
    streams["supplier"]._apply([{"id": "sup_cost", "version": 1, "name": "B"}], "b")
    streams["product"]._apply(
        [
            {"id": f"cost_{n}", "version": 1, "name": f"P{n}", "uom": "Units"}
            for n in range(LINES)
        ],
        "bench",
    )
    mappings = env["sync.mapping"].search([("external_id", "like", "cost_%")])
    products = env["product.product"].browse(mappings.mapped("res_id")).sorted("name")
    supplier = env["res.partner"].search([("name", "=", "B")], limit=1)
    from odoo.addons.pharmacy_sync.entities.directory import Directory
    from odoo.addons.pharmacy_sync.entities.order_numbers import OrderNumbers
    from odoo.addons.pharmacy_sync.entities.tracking_messages import as_batch

    sides = {"Odoo's own": (odoos, {}), "the least": (least, {}), "addon": (ours, {})}
    for number in range(ROUNDS + 1):
        for run, costs in sides.values():
            currency = env.company.currency_id.name
            records = [order(currency) for __ in range(BATCH)]
            run({} if number == 0 else costs, records)  # the first warms up

print(f"\n{BATCH} orders of {LINES} lines at once, a record; load {os.getloadavg()[0]}")
print(f"{'':36}{'CPU ms':>9}{'wall ms':>9}{'SQL':>8}{'ratio':>8}{'to least':>10}")
for name in sides["addon"][1]:
    cpus = {}
    for side, (__, costs) in sides.items():
        if name not in costs:
            continue
        cpu, wall, sql = (median(each) for each in zip(*costs[name], strict=True))
        cpus[side] = cpu
        ratios = [
            f"{cpu / cpus[to]:.2f}x" if to in cpus else ""
            for to in ("Odoo's own", "the least")
        ]
        print(f"{name + ', ' + side:36}{cpu:9.2f}{wall:9.2f}{sql:8.2f}", end="")
        print(f"{ratios[0]:>8}{ratios[1]:>10}")
