"""Looking a supplier up: from memory and from the cache's table, against the guarded
call to the app that they save. All in turn, in one process."""

import time
from statistics import median, quantiles

from rig import Client, app, connect, environment

ROUNDS = 300
WARM_UP = 20


def milliseconds(function):
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) * 1000


backend_id, __ = connect(Client("admin", "admin"))
external_id = app("POST", "/api/v1/suppliers", name="Veterinaria Alba")["id"]

with environment() as env:
    # Known once Odoo has read its addons path.
    from odoo.addons.pharmacy_sync.models.base.own_transaction import apart
    from odoo.addons.pharmacy_sync.models.call.sync_cache import memory

    backend = env["sync.backend"].browse(backend_id)

    def look(expected):
        found = backend._lookup("supplier", external_id)
        assert found.source == expected, found

    def ask_app():
        memory.forget(lambda key: True)
        forget = env["sync.cache"].sudo()._invalidate
        apart(forget, backend, "supplier", [external_id], read_committed=True)
        return milliseconds(lambda: look("app"))

    def ask_table():
        memory.forget(lambda key: True)
        return milliseconds(lambda: look("cache"))

    def ask_memory():
        return milliseconds(lambda: look("memory"))

    times = {"app": [], "table": [], "memory": []}
    for number in range(ROUNDS + WARM_UP):
        turn = {"app": ask_app(), "table": ask_table(), "memory": ask_memory()}
        if number >= WARM_UP:
            for name, value in turn.items():
                times[name].append(value)

base = median(times["app"])
print(f"\n{'ms a look-up':14}{'median':>9}{'p95':>9}{'ratio':>9}")
for name, values in times.items():
    p95 = quantiles(values, n=20)[-1]
    print(f"{name:14}{median(values):9.3f}{p95:9.3f}{base / median(values):8.1f}x")
