"""Changed orders on their way out: batches in one job against a job per record.

The same orders are edited in one transaction and go out through the real job runner
to the reference app: with one job and one call for each record; as the addon does it,
which begins a batch of 100 a second; and so without that pause. The time is that from
the commit to the last operation done.
"""

import time
from functools import partial

from rig import Client, app, connect, set_up, shell, table, wait_until

ROUNDS = 3
ORDERS = 200
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


orders = prepare()
streams = admin("sync.stream", "search", [("backend_id", "=", backend)])
ways = {
    "one job per record": one_job_each,
    "batches in one job": partial(batched, pause=1),
    "batches in one job, no pause": partial(batched, pause=0),
}
rates = {name: [] for name in ways}
for number in range(ROUNDS):
    for name, way in ways.items():
        seconds = way(orders, f"{name} {number}")
        rates[name].append(len(orders) / seconds)
table("Changed orders sent a second", rates, "one job per record")
