"""The first synchronisation of a pharmacy: does its cost stay linear, and bounded?

FIRST_ORDERS orders of 5 lines (10,000), twice as many products and a fifth as many
suppliers wait at the app. Odoo reads them for the preview, and creates them, while a
person opens lists. The rate of the orders is set against Odoo's own bulk ``create`` of
the same orders in the same database, when nothing else runs.
"""

import os
import threading
import time
from pathlib import Path
from statistics import median, quantiles

from rig import (
    ODOO_PID,
    TIMEOUT,
    Client,
    app,
    arriving_order,
    connect,
    environment,
    query,
    timed,
)

ORDERS = int(os.environ.get("FIRST_ORDERS", "10000"))
COUNTS = {"suppliers": ORDERS // 5, "products": 2 * ORDERS, "purchase-orders": ORDERS}
LINES = 5
BATCH = 200
BARE_ROUNDS = 5
# Jobs and scheduled actions hold a transaction open for as long as they run, by which
# queue_job and Odoo see that they live.
LONGEST = """
    SELECT extract(epoch FROM clock_timestamp() - a.xact_start) AS age,
           string_agg(DISTINCT c.relname, ', ')
      FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
      JOIN pg_class c ON c.oid = l.relation
     WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
       AND l.mode = 'RowExclusiveLock' AND c.relkind = 'r'
       AND c.relname !~ '^(queue_job|ir_cron)'
  GROUP BY a.pid, age ORDER BY age DESC LIMIT 1"""
# Seconds of the two halves of each kind, by the times of its mappings (whole seconds).
HALVES = """
    WITH made AS (
        SELECT s.entity, m.create_date AS at,
               row_number() OVER (PARTITION BY s.id ORDER BY m.id) AS place,
               count(*) OVER (PARTITION BY s.id) AS total
          FROM sync_mapping m JOIN sync_stream s ON s.id = m.stream_id
         WHERE m.backend_id = %s)
    SELECT entity, max(total),
           greatest(extract(epoch FROM
               max(at) FILTER (WHERE place <= total / 2) - min(at)), 1),
           greatest(extract(epoch FROM
               max(at) - max(at) FILTER (WHERE place <= total / 2)), 1)
      FROM made GROUP BY entity ORDER BY min(at)"""

admin = Client("admin", "admin")
backend, __ = connect(admin)
((currency, user),) = query(
    "SELECT c.name, b.user_id FROM sync_backend b JOIN res_company o "
    "ON o.id = b.company_id JOIN res_currency c ON c.id = o.currency_id "
    "WHERE b.id = %s",
    backend,
)


def supplier(number, made):
    return {"name": f"First supplier {number}", "reference": f"F-{number}"}


def product(number, made):
    return {
        "name": f"First product {number}",
        "code": f"FP{number}",
        "cost": "4.20",
        "price": "9.99",
    }


def order(number, made):
    suppliers, products = made["suppliers"], made["products"]
    lines = [
        (products[(LINES * number + i) % len(products)], f"Line {i}", "9.99")
        for i in range(LINES)
    ]
    record = arriving_order(suppliers[number % len(suppliers)], currency, lines)
    return {name: record[name] for name in record if name not in ("id", "version")}


def seed():
    """What waits at the app: path to ids."""
    made = {}
    makers = dict(zip(COUNTS, (supplier, product, order), strict=True))
    for path, total in COUNTS.items():
        made[path] = []
        for start in range(0, total, BATCH):
            numbers = range(start, min(start + BATCH, total))
            items = [
                {"method": "create", "data": makers[path](number, made)}
                for number in numbers
            ]
            results = app("POST", f"/api/v1/{path}/batch", items=items)["results"]
            made[path] += [result["id"] for result in results]
    return made


def memory():
    """Megabytes that the server has in memory."""
    status = Path(f"/proc/{ODOO_PID}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def open_pages():
    """Seconds that a buyer waits for a list of orders, and an operator for the
    overview."""
    specification = {"name": {}, "partner_id": {"fields": {"display_name": {}}}}
    orders = timed(admin, "purchase.order", "web_search_read", [], specification, 0, 80)
    return orders, timed(admin, "sync.overview", "data", [backend])


class Watch(threading.Thread):
    """Looks at memory, transactions and pages while the work is done."""

    def __init__(self):
        super().__init__(daemon=True)
        self.memory, self.longest, self.pages = [], [(0, "")], []
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(0.5):
            self.memory.append(memory())
            self.longest += query(LONGEST)
            self.pages.append(open_pages())


def wait_for(work, phase):
    """Seconds until the work has come to ``phase``."""
    start, limit = time.monotonic(), time.monotonic() + 3 * TIMEOUT
    while True:
        ((found, state, reason),) = query(
            "SELECT phase, state, reason FROM sync_initial WHERE id = %s", work
        )
        if found == phase:
            return time.monotonic() - start
        if state == "failed" or time.monotonic() > limit:
            raise RuntimeError(f"{found}, {state}: {reason}")
        time.sleep(0.2)


def bare_rate():
    """Orders a second by Odoo's own bulk ``create``: one value a round."""
    with environment() as env:
        env = env(user=user)
        orders = env["purchase.order"].search([], limit=BATCH, order="id desc")
        values = [
            {
                "partner_id": found.partner_id.id,
                "currency_id": found.currency_id.id,
                "date_order": found.date_order,
                "order_line": [
                    (
                        0,
                        0,
                        {
                            "product_id": line.product_id.id,
                            "name": line.name,
                            "product_qty": line.product_qty,
                            "product_uom_id": line.product_uom_id.id,
                            "price_unit": line.price_unit,
                            "date_planned": line.date_planned,
                        },
                    )
                    for line in found.order_line
                ],
            }
            for found in orders
        ]

        def create():
            env["purchase.order"].create(values)
            env.flush_all()

        env["sync.backend"].browse(backend).sudo().active = False
        env.flush_all()
        seconds = [timed(create) for __ in range(BARE_ROUNDS + 1)]
        return [BATCH / value for value in seconds[1:]]  # the first warms up


print(f"at the app: {COUNTS}, in {timed(seed):.0f} s", flush=True)
before, quiet = memory(), [open_pages() for __ in range(20)]
watch = Watch()
watch.start()
work = admin("sync.initial", "create", [{"backend_id": backend}])[0]
admin("sync.initial", "action_preview", [work])
reading = wait_for(work, "ready")
print(f"preview of {sum(COUNTS.values())} records in {reading:.0f} s", flush=True)
admin("sync.initial", "action_start", [work])
carrying = wait_for(work, "finished")
watch.ended.set()
watch.join()
done, failed = query(
    "SELECT done_count, failed_count FROM sync_initial WHERE id = %s", work
)[0]
print(f"carried out in {carrying:.0f} s: {done} done, {failed} failed")

print(f"\n{'':16}{'records':>9}{'a second':>10}{'second half to first':>22}")
rates = {}
for entity, total, first, second in query(HALVES, backend):
    rates[entity] = total / float(first + second)
    print(f"{entity:16}{total:>9}{rates[entity]:>10.1f}{float(second / first):>21.2f}x")
bare = bare_rate()
print(
    f"orders by Odoo's own bulk create: {median(bare):.1f} a second, with nothing else"
)
print(f"ratio: {rates['purchase_order'] / median(bare):.1f}x")
print(
    f"\nmemory of the server: {before:.0f} MB before, at most {max(watch.memory):.0f}"
)
age, tables = max(watch.longest)
print(f"longest transaction that writes: {age:.1f} s ({tables})")
for number, name in enumerate(("list of orders", "overview")):
    took = [pages[number] for pages in watch.pages]
    still = median(pages[number] for pages in quiet)
    print(
        f"{name}: {1000 * still:.0f} ms before, {1000 * median(took):.0f} meanwhile "
        f"(p95 {1000 * quantiles(took, n=20)[18]:.0f}): {median(took) / still:.1f}x"
    )
