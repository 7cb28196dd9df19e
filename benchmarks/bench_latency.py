"""From a change on one side to its arrival at the other, with an idle queue.

One order at a time: its note is changed in Odoo and looked for at the app; then, after
a rest, changed at the app, which sends a webhook, and looked for in Odoo. What the two
writes alone take is measured in the same rounds.
"""

import time
from statistics import quantiles

from rig import TIMEOUT, Client, app, connect, query, timed, wait_until

ROUNDS = 30
# Seconds: notices that come sooner after a reading wait for those behind them.
REST = 3.5
ORDERS = 20
SETTLED = "SELECT count(*) FROM queue_job WHERE state NOT IN ('done', 'cancelled')"
LINKED = """SELECT o.id, m.external_id FROM sync_mapping m
              JOIN purchase_order o ON o.id = m.res_id
             WHERE m.res_model = 'purchase.order' AND m.state = 'synced'
               AND o.state = 'draft' ORDER BY o.id"""
SECRET = "whsec_" + "A" * 32

admin = Client("admin", "admin")
backend, __ = connect(admin)


def connect_both_ways():
    """Orders in step, and the app's webhooks."""
    admin("sync.backend", "write", [backend], {"webhook_secret": SECRET})
    url = f"{admin.url}/pharmacy_sync/webhook/{backend}"
    app("POST", "/admin/seed", orders=ORDERS)
    admin("sync.backend", "action_synchronise", [backend])
    wait_until("SELECT count(*) > 0 FROM sync_mapping WHERE state <> 'synced'", False)
    wait_until(SETTLED, 0)
    app("POST", "/api/v1/webhooks", url=url, secret=SECRET)
    return query(LINKED)


def seen(look, text):
    """Seconds until ``look()`` has the text."""
    start = time.perf_counter()
    while text not in (look() or ""):
        if time.perf_counter() - start > TIMEOUT:
            raise TimeoutError(text)
        time.sleep(0.005)
    return time.perf_counter() - start


def from_odoo(order, there, text):
    """Seconds of the write, and from its end to the arrival at the app."""
    write = timed(admin, "purchase.order", "write", [order], {"note": text})
    path = f"/api/v1/purchase-orders/{there}"
    return write, seen(lambda: app("GET", path)["notes"], text)


def from_app(order, there, text):
    """Seconds of the write, and from its end to the arrival in Odoo."""
    record = app("GET", f"/api/v1/purchase-orders/{there}")
    write = timed(edit, record, text)
    statement = "SELECT note FROM purchase_order WHERE id = %s"
    return write, seen(lambda: query(statement, order)[0][0], text)


def edit(record, text):
    change = {"method": "update", "id": record["id"], "if_match": record["version"]}
    items = [{**change, "data": {"notes": text}}]
    answer = app("POST", "/api/v1/purchase-orders/batch", items=items)
    assert answer["results"][0]["status"] == 200, answer


def show(name, writes, arrivals, bare):
    marks = quantiles(arrivals, n=100)
    print(
        f"{name:24}{1000 * sorted(writes)[len(writes) // 2]:9.0f}"
        f"{1000 * marks[49]:9.0f}{1000 * marks[94]:9.0f}"
        f"{1000 * max(arrivals):9.0f}{marks[49] / bare:8.1f}x"
    )


orders = connect_both_ways()
took = {from_odoo: [], from_app: []}
for number in range(ROUNDS):
    for way in took:
        time.sleep(REST)
        order, there = orders[number % len(orders)]
        took[way].append(way(order, there, f"{way.__name__} {number}"))
        wait_until(SETTLED, 0)
halves = {way: sorted(w for w, __ in pairs)[ROUNDS // 2] for way, pairs in took.items()}
both = sum(halves.values())
print(f"\nMilliseconds to the arrival of one change, idle queue, {ROUNDS} rounds")
print(f"{'':24}{'write':>9}{'p50':>9}{'p95':>9}{'max':>9}{'ratio':>9}")
for way, pairs in took.items():
    show(way.__name__.replace("_", " "), *map(list, zip(*pairs, strict=True)), both)
print("ratio: p50 to the time of both writes alone")
