"""Changed orders on their way out: batches in one job against a job per record.

The same orders are edited in one transaction and go out through the real job runner
to the reference app: with one job and one call for each record; as the addon does it,
which begins a batch of 100 a second; and so without that pause. The time is that from
the commit to the last operation done.

Beside it: what of the CPU is Odoo's and what the app's, and how many the app takes by
itself, with the same batches from a client that does nothing else. Odoo, PostgreSQL and
the app share the machine: none of them has a core for itself.
"""

import time
from functools import partial
from statistics import median

from rig import (
    APP_PID,
    ODOO_PID,
    Client,
    app,
    connect,
    cpu_seconds,
    set_up,
    shell,
    table,
    wait_until,
)

ROUNDS = 3
ORDERS = 200
BATCH = 100
OPEN = "SELECT count(*) FROM sync_operation WHERE state NOT IN ('done', 'cancelled')"

admin = Client("admin", "admin")
backend, client = connect(admin)


def prepare():
    """Orders in step on both sides."""
    app("POST", "/admin/seed", orders=ORDERS)
    admin("sync.backend", "action_synchronise", [backend])
    wait_until(
        "SELECT count(*) FROM sync_mapping WHERE state = 'synced' "
        "AND res_model = 'purchase.order'",
        ORDERS,
    )
    return admin(
        "purchase.order",
        "search",
        [("state", "in", ("draft", "sent", "purchase"))],
        limit=ORDERS,
    )


def edit(orders, mark):
    admin("purchase.order", "write", orders, {"note": f"<p>{mark}</p>"})


def batched(orders, mark, pause):
    """As the addon does it, with so many seconds from batch to batch."""
    set_up(admin, "sync.stream", streams, {"batch_pause": pause})
    start = time.perf_counter()
    edit(orders, mark)
    wait_until("SELECT count(*) FROM sync_event WHERE state = 'pending'", 0)
    wait_until(OPEN, 0)
    return time.perf_counter() - start


ONE_JOB_EACH = f"""
backend = env["sync.backend"].browse({backend})
stream = backend.stream_ids.filtered(lambda s: s.entity == "purchase_order")
stream.batch_size = 1
while env["sync.event"]._deliver(backend):
    pass
waiting = env["sync.operation"].search_count([("state", "=", "pending")])
stream = stream.with_env(backend._as_runner().env)
for __ in range(waiting):
    stream.with_delay()._push_batch()
# A paused backend sends nothing. Its own push job sends one record a second meanwhile.
backend.paused = False
env.cr.commit()
"""


def one_job_each(orders, mark):
    """A job and a call for each record; measured from when the jobs are there."""
    admin("sync.backend", "write", [backend], {"paused": True})
    edit(orders, mark)
    shell(ONE_JOB_EACH)
    start = time.perf_counter()
    wait_until(OPEN, 0)
    seconds = time.perf_counter() - start
    set_up(admin, "sync.stream", streams, {"batch_size": 100})
    return seconds


def app_alone(orders, mark):
    """The same changes, straight to the app."""
    found = app("GET", f"/api/v1/purchase-orders?limit={ORDERS}")["items"]
    items = [
        {
            "method": "update",
            "id": record["id"],
            "if_match": record["version"],
            "data": {"notes": f"{mark} {record['id']}"},
        }
        for record in found[: len(orders)]
    ]
    start = time.perf_counter()
    for at in range(0, len(items), BATCH):
        part = items[at : at + BATCH]
        answer = app("POST", "/api/v1/purchase-orders/batch", items=part)
        assert all(result["status"] == 200 for result in answer["results"]), answer
    seconds = time.perf_counter() - start
    # Odoo takes over what it did not write.
    wait_until("SELECT count(*) FROM sync_call WHERE result IS NULL", 0)
    return seconds


orders = prepare()
streams = admin("sync.stream", "search", [("backend_id", "=", backend)])
ways = {
    "one job per record": one_job_each,
    "batches in one job": partial(batched, pause=1),
    "batches in one job, no pause": partial(batched, pause=0),
    "the app by itself": app_alone,
}
rates = {name: [] for name in ways}
shares = {name: [] for name in ways}
for number in range(ROUNDS):
    for name, way in ways.items():
        before = cpu_seconds(ODOO_PID), cpu_seconds(APP_PID)
        seconds = way(orders, f"{name} {number}")
        after = cpu_seconds(ODOO_PID), cpu_seconds(APP_PID)
        spent = (
            1000 * (b - a) / len(orders) for a, b in zip(before, after, strict=True)
        )
        rates[name].append(len(orders) / seconds)
        shares[name].append((1000 * seconds / len(orders), *spent))
table("Changed orders sent a second", rates, "one job per record")
print(f"\n{'Milliseconds an order':38}{'wall':>9}{'Odoo CPU':>10}{'app CPU':>9}")
for name, spent in shares.items():
    wall, odoo, of_app = (median(each) for each in zip(*spent, strict=True))
    print(f"{name:38}{wall:9.2f}{odoo:10.2f}{of_app:9.2f}")
