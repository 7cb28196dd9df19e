"""A breaker that eight workers share, against a counter in one row.

Each worker permits and settles calls; one in ten fails. Beside it the same workers
count their calls in one shared row at Odoo's isolation level, as a breaker that keeps
its window in its row would. What counts is how many a second, and how many updates
were refused as serialization failures.
"""

import logging
import sys
import time
from multiprocessing import get_context

import psycopg2
from rig import DATABASE, Client, connect, environment, query

WORKERS = 8
CALLS = 250


def worker(name, backend_id, start, results):
    with environment() as env:
        start.wait()
        began = time.perf_counter()
        refused = WORK[name](env, backend_id)
        results.put((refused, time.perf_counter() - began))


def breaker(env, backend_id):
    """The addon's breaker, with its log of calls."""
    from odoo.addons.pharmacy_sync.client.exchange import Exchange

    backend = env["sync.backend"].browse(backend_id)
    refused = 0
    for number in range(CALLS):
        # Not the first ones: eight failures at once would open it, and rightly so.
        error = ConnectionRefusedError() if number % 10 == 9 else None
        try:
            with backend._guard("push", None) as report:
                report(
                    Exchange(
                        method="GET",
                        path="/bench",
                        status=None if error else 200,
                        duration=0.001,
                        bytes_sent=0,
                        bytes_received=0,
                        items=1,
                        retry=False,
                        correlation_id="bench",
                        request_id="bench",
                        error=error,
                    )
                )
        except psycopg2.errors.SerializationFailure:
            refused += 1
    return refused


def shared_row(env, backend_id):
    """A counter in one row, at the isolation level of Odoo's cursors."""
    logging.getLogger("odoo.sql_db").setLevel(logging.CRITICAL)
    refused = 0
    for __ in range(CALLS):
        with env.registry.cursor() as cr:
            try:
                cr.execute("SELECT calls FROM bench_counter")
                cr.execute(
                    "UPDATE bench_counter SET calls = %s", [cr.fetchone()[0] + 1]
                )
                cr.commit()
            except psycopg2.errors.SerializationFailure:
                cr.rollback()
                refused += 1
    return refused


WORK = {"breaker, log of calls": breaker, "one shared row": shared_row}


def main():
    backend_id, __ = connect(Client("admin", "admin"))
    query("UPDATE sync_breaker SET consecutive_failures = 100000")
    query("CREATE TABLE IF NOT EXISTS bench_counter (calls int)")
    query("DELETE FROM bench_counter")
    query("INSERT INTO bench_counter VALUES (0)")
    context = get_context("spawn")
    print(f"\n{'':26}{'calls/s':>9}{'refused':>9}   of {WORKERS * CALLS}")
    rates = {}
    for name in WORK:
        results, start = context.Queue(), context.Barrier(WORKERS)
        workers = [
            context.Process(target=worker, args=(name, backend_id, start, results))
            for __ in range(WORKERS)
        ]
        for process in workers:
            process.start()
        found = [results.get(timeout=300) for __ in workers]
        for process in workers:
            process.join()
        refused = sum(count for count, __ in found)
        seconds = max(took for __, took in found)
        rates[name] = (WORKERS * CALLS - refused) / seconds
        print(f"{name:26}{rates[name]:9.0f}{refused:9}")
    names = list(rates)
    print(f"ratio {rates[names[0]] / rates[names[1]]:.2f}x on {DATABASE}")
    ((states,),) = query("SELECT string_agg(state, ' ') FROM sync_breaker")
    print(f"breakers: {states}")


if __name__ == "__main__":
    sys.exit(main())
