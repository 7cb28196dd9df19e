"""Twenty pharmacies, one of them slow or flooded: how long the others' changes take.

Each backend has a company and an app of its own. A note of one order is changed in
Odoo and looked for at its app, pharmacy after pharmacy: with idle queues; while one app
needs ten seconds for each answer; and while one has thousands of new orders, which Odoo
reads for minutes, and gets more before half of them are read.
"""

import os
import tempfile
import time
from contextlib import ExitStack
from statistics import median, quantiles

from rig import (
    APP_KEY,
    TIMEOUT,
    Client,
    app,
    is_up,
    query,
    shell,
    start_app,
    wait_until,
)

BACKENDS = int(os.environ.get("FAIRNESS_BACKENDS", "20"))
FLOOD = int(os.environ.get("FAIRNESS_FLOOD", "5000"))
PAGE = 500
SLOW = 10
# Odoo looks up new companies in the internet, unless they are marked.
PREPARE = """
Company = env["res.company"]
mark = {{"iap_enrich_auto_done": True}}
mark = mark if "iap_enrich_auto_done" in Company._fields else {{}}
for number, url in enumerate({urls}):
    company = Company.create({{"name": f"Clinic {{number}}", **mark}})
    env.ref("base.user_admin").company_ids += company
    env = env(context={{"allowed_company_ids": company.ids}})
    backend = env["sync.backend"].create({{
        "name": f"Fair {{number}}", "company_id": company.id, "url": url,
        "internal": True, "api_key": {key!r},
    }})
    partner = env["res.partner"].create({{
        "name": f"Supplier {{number}}", "supplier_rank": 1, "company_id": company.id,
    }})
    product = env["product.product"].create({{
        "name": f"Product {{number}}", "company_id": company.id,
    }})
    env["purchase.order"].create({{
        "partner_id": partner.id, "company_id": company.id,
        "order_line": [(0, 0, {{"product_id": product.id, "product_qty": 1}})],
    }})
env.cr.commit()
# The server has the administrator's companies in its cache.
env.registry.signal_changes()
"""
ORDERS = """SELECT b.url, b.id, m.res_id, m.external_id FROM sync_mapping m
              JOIN sync_backend b ON b.id = m.backend_id
             WHERE m.res_model = 'purchase.order' AND m.state = 'synced'
               AND m.external_id IS NOT NULL AND b.name ~ '^Fair ' ORDER BY b.id"""
READ = "SELECT count(*) FROM sync_mapping WHERE backend_id = %s AND arrived"
BEGUN = "SELECT count(*) > 100 FROM sync_mapping WHERE backend_id = {} AND arrived"


def arrival(order, text):
    """Seconds from the write to the arrival at the order's app."""
    url, __, res_id, there = order
    admin("purchase.order", "write", [res_id], {"note": text})
    start = time.perf_counter()
    path = f"/api/v1/purchase-orders/{there}"
    while text not in app("GET", path, at=url)["notes"]:
        if time.perf_counter() - start > TIMEOUT:
            raise TimeoutError(f"{url}: {text}")
        time.sleep(0.01)
    return time.perf_counter() - start


def beside_slow(slow, others):
    """Arrivals while one app answers each request only after ``SLOW`` seconds."""
    url, backend, res_id, __ = slow
    rule = {"kind": "latency", "seconds": SLOW, "match": {"path": "/api/*"}}
    app("POST", "/admin/faults", at=url, seed=1, rules=[rule])
    found = []
    for order in others:
        # There is always something to send to the slow one, and to read from it.
        admin("purchase.order", "write", [res_id], {"note": f"slow {order[1]}"})
        admin("sync.backend", "action_synchronise", [backend])
        found.append(arrival(order, f"slow {order[1]}"))
    app("DELETE", "/admin/faults", at=url)
    return found


def read(backend):
    """How many of the flooded app's orders Odoo has."""
    return query(READ, backend)[0][0]


def flood(order, sent=0):
    """Many new orders like one, at its app, which Odoo must read.

    :param sent: how many were sent before: none follow while half a flood is unread
    :return: how many were sent in all
    """
    url, backend, __, there = order
    if sent and sent - read(backend) > FLOOD // 2:
        return sent
    like = app("GET", f"/api/v1/purchase-orders/{there}", at=url)
    data = {name: like[name] for name in ("supplier_id", "currency", "lines")}
    items = [{"method": "create", "data": data}] * PAGE
    for __ in range(FLOOD // PAGE):
        app("POST", "/api/v1/purchase-orders/batch", at=url, items=items)
    admin("sync.backend", "action_synchronise", [backend])
    wait_until(BEGUN.format(backend), True)
    return sent + FLOOD


def beside_flooded(flooded, others):
    """Arrivals while Odoo reads what one app has, which gets more as long as that
    lasts; and how many orders it got."""
    sent, found = flood(flooded), []
    for order in others:
        found.append(arrival(order, f"busy {order[1]}"))
        sent = flood(flooded, sent)
    return found, sent


def show(name, values, bare):
    marks = quantiles(values, n=20)
    print(
        f"{name:24}{min(values):9.2f}{marks[9]:9.2f}{marks[18]:9.2f}{max(values):9.2f}"
        f"{median(values) / bare:8.1f}x"
    )


with ExitStack() as stack:
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    urls = [start_app(stack, folder, number) for number in range(BACKENDS)]
    for url in urls:
        is_up(url)
    shell(PREPARE.format(urls=urls, key=APP_KEY))
    admin = Client("admin", "admin")
    wait_until(f"SELECT count(*) FROM ({ORDERS}) o", BACKENDS)
    flooded, slow, *others = query(ORDERS)
    idle = [arrival(order, f"idle {order[1]}") for order in others]
    slowed = beside_slow(slow, others)
    busy, sent = beside_flooded(flooded, others)
    left = sent - read(flooded[1])
    print(f"\nSeconds from Odoo to the app, {BACKENDS - 2} pharmacies beside one with")
    print(f"{sent} new orders, of which {left} were unread at the end")
    print(f"{'':24}{'min':>9}{'p50':>9}{'p95':>9}{'max':>9}{'ratio':>9}")
    show("idle", idle, median(idle))
    show(f"one answers in {SLOW} s", slowed, median(idle))
    show("one is flooded", busy, median(idle))
