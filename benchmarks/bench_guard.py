"""The guarded call against a bare ``requests`` call, to the same address in turn.

The guarded call adds the pool's slot, the breaker's leave and a row in the log of
calls. Both use one kept-alive connection.
"""

import time
from statistics import median, quantiles

import requests
from rig import APP_KEY, APP_URL, Client, connect, environment

CALLS = 400

backend_id, __ = connect(Client("admin", "admin"))
session = requests.Session()
session.headers["Authorization"] = f"Bearer {APP_KEY}"


def milliseconds(function):
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) * 1000


with environment() as env:
    backend = env["sync.backend"].browse(backend_id)
    client = backend._client("push", "order_sync")
    bare, guarded = [], []
    for number in range(CALLS + 20):
        pair = (
            milliseconds(lambda: session.get(f"{APP_URL}/api/v1/health").json()),
            milliseconds(lambda: client.health("bench")),
        )
        if number >= 20:  # the first warm up
            bare.append(pair[0])
            guarded.append(pair[1])

print(f"\n{'ms a call':12}{'median':>9}{'p95':>9}")
for name, values in (("bare", bare), ("guarded", guarded)):
    print(f"{name:12}{median(values):9.3f}{quantiles(values, n=20)[-1]:9.3f}")
added = [after - before for before, after in zip(bare, guarded, strict=True)]
print(f"{'added':12}{median(added):9.3f}{quantiles(added, n=20)[-1]:9.3f}")
print(f"ratio {median(guarded) / median(bare):.2f}x")
