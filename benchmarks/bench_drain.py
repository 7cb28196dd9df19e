"""Changed orders on their way out: batches in one job against a job per record.

The same orders are edited in one transaction and go out through the real job runner
to the reference app: with one job and one call for each record; as the addon does it,
which begins a batch of 100 a second; and so without that pause. The clock runs from the
edit to the last operation done; of one job each from when the jobs are there. What is
set before it, and what follows from that (Odoo forgets what it has in its caches, and
reads it again), is done when it starts, and so is what the way before left behind.

Beside it: what of the CPU is Odoo's and what the app's; reading the echo, which is what
the app says of the changes that Odoo has just sent; how many the app takes by itself,
with the same batches from a client that does nothing else; and *the least*: in this
process, batches read, sent, and the versions that the app answers written by Odoo's
ORM, without a queue, an event, a comparison, or a thought of what may fail. Odoo,
PostgreSQL and the app share the machine: none of them has a core for itself.
"""

import os
import time
from functools import partial
from statistics import median

import requests
from rig import (
    APP_KEY,
    APP_PID,
    APP_URL,
    ODOO_PID,
    Client,
    app,
    connect,
    cpu_seconds,
    environment,
    query,
    set_up,
    shell,
    table,
    wait_until,
)

ROUNDS = 3
ORDERS = int(os.environ.get("DRAIN_ORDERS", "200"))
BATCH = 100
OPEN = "SELECT count(*) FROM sync_operation WHERE state NOT IN ('done', 'cancelled')"
EVENTS = "SELECT count(*) FROM sync_event WHERE state = 'pending'"
JOBS = """SELECT count(*) FROM queue_job WHERE state IN ('enqueued', 'started')
              OR state = 'pending' AND eta IS NULL"""
CALLS = "SELECT count(*) FROM sync_call WHERE operation = 'push'"

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


def all_done():
    """Wait until nothing is under way."""
    for each in (EVENTS, OPEN, JOBS):
        wait_until(each, 0)


def settle(mark, **values):
    """Set the stream up, and have all that follows from it done: one change goes
    through with it before the clock starts."""
    set_up(admin, "sync.stream", streams, values)
    edit(orders[:1], f"before {mark}")
    all_done()


def clocked(work, pid=ODOO_PID):
    """Milliseconds an order: wall, CPU of Odoo (or of another process), of the app."""
    pids = pid, APP_PID
    before, start = [*map(cpu_seconds, pids)], time.perf_counter()
    work()
    wall = time.perf_counter() - start
    spent = (b - a for a, b in zip(before, map(cpu_seconds, pids), strict=True))
    return [1000 * seconds / len(orders) for seconds in (wall, *spent)]


def batched(mark, pause):
    """As the addon does it, with so many seconds from batch to batch."""
    settle(mark, batch_size=BATCH, batch_pause=pause)

    def work():
        edit(orders, mark)
        wait_until(EVENTS, 0)
        wait_until(OPEN, 0)

    return clocked(work)


QUEUE_ONE_EACH = f"""
backend = env["sync.backend"].browse({backend})
waiting = env["sync.operation"].search_count([("state", "=", "pending")])
stream = backend.stream_ids.filtered(lambda s: s.entity == "purchase_order")
stream = stream.with_env(backend._as_runner().env)
for __ in range(waiting):
    stream.with_delay(eta=3600)._push_batch()
env.cr.commit()
"""


def one_job_each(mark):
    """A job and a call for each record."""
    # Its own push job sends one record, and the next a minute later.
    settle(mark, batch_size=1, batch_pause=60)
    edit(orders, mark)
    wait_until(EVENTS, 0)
    wait_until(JOBS, 0)
    shell(QUEUE_ONE_EACH)
    calls = query(CALLS)[0][0]

    def work():
        query("UPDATE queue_job SET eta = NULL WHERE method_name = '_push_batch'")
        wait_until(OPEN, 0)

    spent = clocked(work)
    all_done()
    calls = query(CALLS)[0][0] - calls
    assert calls > 0.9 * len(orders), f"{calls} calls for {len(orders)} orders"
    return spent


def app_alone(mark):
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

    def work():
        for at in range(0, len(items), BATCH):
            part = items[at : at + BATCH]
            answer = app("POST", "/api/v1/purchase-orders/batch", items=part)
            assert all(result["status"] == 200 for result in answer["results"])

    spent = clocked(work)
    take_over()
    return spent


def take_over():
    """Have Odoo read what it did not write, before the next clock starts."""
    admin("sync.backend", "action_synchronise", [backend])
    all_done()


def echo(mark):
    """What the app says of the changes that Odoo has just sent, read by Odoo."""
    settle(mark, batch_size=BATCH, batch_pause=0)
    take_over()
    edit(orders, mark)
    all_done()
    return clocked(take_over)


def the_least(mark):
    """Batches read by Odoo's ORM, sent, and the versions that the app answers written,
    in this process."""
    Mapping = env["sync.mapping"]
    own = [("stream_id", "=", stream.id), ("res_id", "in", orders)]
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {APP_KEY}"
    adapter = stream._adapter()

    def work():
        for at in range(0, len(orders), BATCH):
            mappings = Mapping.search(own, offset=at, limit=BATCH, order="id")
            mappings.fetch(["res_id", "external_id", "version"])
            records = env["purchase.order"].browse(mappings.mapped("res_id"))
            data = adapter._serialise(records, Directory(stream.backend_id))
            items = [
                {
                    "method": "update",
                    "id": mapping.external_id,
                    "if_match": mapping.version,
                    "data": {"notes": f"{mark} {data[mapping.res_id]['notes']}"},
                }
                for mapping in mappings
            ]
            url = f"{APP_URL}/api/v1/purchase-orders/batch"
            answer = session.post(url, json={"items": items}).json()
            for mapping, result in zip(mappings, answer["results"], strict=True):
                mapping.version = result["version"]
            env.cr.flush()

    env.cr.rollback()
    env.invalidate_all()
    spent = clocked(work, os.getpid())
    env.cr.rollback()
    take_over()
    return spent


orders = prepare()
streams = admin(
    "sync.stream",
    "search",
    [("backend_id", "=", backend), ("entity", "=", "purchase_order")],
)
ways = {
    "one job per record": one_job_each,
    "batches in one job": partial(batched, pause=1),
    "batches in one job, no pause": partial(batched, pause=0),
    "reading its echo": echo,
    "the least": the_least,
    "the app by itself": app_alone,
}
spent = {name: [] for name in ways}
with environment() as env:
    from odoo.addons.pharmacy_sync.entities.directory import Directory

    env = env["sync.backend"].browse(backend)._as_runner().env
    stream = env["sync.stream"].browse(streams)
    for number in range(ROUNDS):
        for name, way in ways.items():
            spent[name].append(way(f"{name} {number}"))
rates = {name: [1000 / wall for wall, *__ in found] for name, found in spent.items()}
first = next(iter(ways))
table(f"Changed orders sent a second; load {os.getloadavg()[0]:.0f}", rates, first)
print(f"\n{'Milliseconds an order':38}{'wall':>9}{'CPU':>9}{'ratio':>9}{'app CPU':>9}")
bare = median(odoo for __, odoo, __ in spent[first])
for name, found in spent.items():
    wall, odoo, of_app = (median(each) for each in zip(*found, strict=True))
    ratio = f"{bare / odoo:8.1f}x" if odoo else f"{'':9}"
    print(f"{name:38}{wall:9.2f}{odoo:9.2f}{ratio}{of_app:9.2f}")
