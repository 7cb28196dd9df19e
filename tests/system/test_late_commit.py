"""Two buyers at once: the one whose transaction ends late does not lose his change."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from system_databases import connect
from system_servers import wait_until

LOCK = 20261122
PROMPT = 10
# The order's event is written; then its transaction stays open until the test lets go.
SLOW_WRITER = """
CREATE FUNCTION system_test_wait() RETURNS trigger AS $$
BEGIN
    IF NEW.res_id = {order} THEN
        PERFORM pg_advisory_xact_lock({lock});
    END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER system_test_wait AFTER INSERT ON sync_event
    FOR EACH ROW EXECUTE FUNCTION system_test_wait()
"""


@pytest.fixture
def orders(stack):
    return stack.synced_orders(2)


@pytest.fixture
def holder(stack, orders):
    """Holds up the transactions that change the first order."""
    connection = connect(stack.database)
    cursor = connection.cursor()
    cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    cursor.execute(SLOW_WRITER.format(order=orders[0], lock=LOCK))
    yield cursor
    connection.close()  # gives the lock back, if the test has not
    stack.query("DROP FUNCTION system_test_wait CASCADE")


def test_a_change_committed_late_is_not_overtaken_for_good(stack, orders, holder):
    slow, quick = orders
    client = stack.client("operator")
    lines = {order: stack.first_line(order) for order in orders}

    def edit_slow_order():
        client.execute_kw(
            "purchase.order.line", "write", [[lines[slow]], {"product_qty": 11}]
        )

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(edit_slow_order)
        wait_until(lambda: _waiters(stack) == 1, PROMPT, "the slow edit is in the air")
        # A second and a third edit come later and are through sooner.
        for quantity in (12, 13):
            stack.set_quantity(quick, quantity)
            stack.settle()
        stack.assert_in_step([quick])
        assert not writing.done()
        assert stack.quantity(slow) == 2
        holder.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
        writing.result(timeout=PROMPT)
    # Its event is older than those that were delivered before it.
    assert _last_event(stack, slow) < _last_event(stack, quick)
    wait_until(
        lambda: 11.0 in _quantities_at_app(stack, slow),
        PROMPT,
        "the late change is at the pharmacy",
    )
    stack.settle()
    stack.assert_in_step(orders)


def _waiters(stack):
    return stack.value(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s "
        "AND NOT granted AND database = (SELECT oid FROM pg_database "
        "WHERE datname = current_database())",
        LOCK,
    )


def _last_event(stack, order):
    return stack.value("SELECT max(id) FROM sync_event WHERE res_id = %s", order)


def _quantities_at_app(stack, order):
    return [float(line["quantity"]) for line in stack.at_app(order)["lines"]]


def test_the_apps_own_reader_of_changes_misses_no_late_commit(stack, orders, holder):
    slow, quick = orders
    client, api = (
        stack.client("operator"),
        stack.client("pharmacy", stack.prepared["api_key"]).env["sync.api"],
    )
    line = stack.first_line(slow)
    cursor = _read_changes(api, None)[1]

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(
            client.execute_kw,
            *("purchase.order.line", "write", [[line], {"product_qty": 21}]),
        )
        wait_until(lambda: _waiters(stack) == 1, PROMPT, "the slow edit is in the air")
        stack.set_quantity(quick, 22)
        stack.settle()
        # What is committed is held back: what is older may still come.
        page = api.changes("purchase_order", cursor)
        assert page["changes"] == []
        assert page["held_back"] >= 1
        assert page["waiting_seconds"] > 0
        cursor = page["next_cursor"]
        # Nothing of the reader's is lost with the server, or kept by it.
        holder.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
        writing.result(timeout=PROMPT)
    stack.settle()
    _wait_for_nothing_held_back(api, cursor)
    reported, cursor = _read_changes(api, cursor)
    assert reported[slow] == 21
    assert reported[quick] == 22
    page = api.changes("purchase_order", cursor)
    assert (page["changes"], page["held_back"]) == ([], 0)


def test_a_transaction_that_writes_no_change_holds_nothing_back(stack, orders):
    """Such as that of a job, which is open while the app is asked."""
    api = stack.client("pharmacy", stack.prepared["api_key"]).env["sync.api"]
    cursor = _read_changes(api, None)[1]
    connection = connect(stack.database)
    try:
        with connection.cursor() as waiting:
            waiting.execute("BEGIN")
            waiting.execute("SELECT pg_current_xact_id()")
            stack.set_quantity(orders[0], 41)
            stack.settle()
            page = api.changes("purchase_order", cursor)
            assert [c["odoo_id"] for c in page["changes"]] == [orders[0]]
            assert page["held_back"] == 0
            waiting.execute("ROLLBACK")
    finally:
        connection.close()


def test_many_writers_at_once_and_a_reader_that_never_rests(stack):
    """Transactions of all lengths, begun and ended in any order."""
    orders = stack.synced_orders(6)
    api = stack.client("pharmacy", stack.prepared["api_key"]).env["sync.api"]
    cursor = _read_changes(api, None)[1]
    stack.query(
        """CREATE FUNCTION system_test_dawdle() RETURNS trigger AS $$
           BEGIN PERFORM pg_sleep(random() * 0.4); RETURN NEW; END $$
           LANGUAGE plpgsql;
           CREATE TRIGGER system_test_dawdle AFTER INSERT ON sync_event
               FOR EACH ROW EXECUTE FUNCTION system_test_dawdle()"""
    )
    reported = {}

    def edit(order):
        for quantity in (31, 32, 33):
            stack.set_quantity(order, quantity)

    try:
        with ThreadPoolExecutor(len(orders)) as pool:
            writing = [pool.submit(edit, order) for order in orders]
            while not all(job.done() for job in writing):
                news, cursor = _read_changes(api, cursor)
                reported.update(news)
            for job in writing:
                job.result()
    finally:
        stack.query("DROP FUNCTION system_test_dawdle CASCADE")
    stack.settle()
    _wait_for_nothing_held_back(api, cursor)
    reported.update(_read_changes(api, cursor)[0])
    assert {order: reported.get(order) for order in orders} == dict.fromkeys(orders, 33)


def _wait_for_nothing_held_back(api, cursor):
    wait_until(
        lambda: not api.changes("purchase_order", cursor)["held_back"],
        60,
        "no older writer is at work",
    )


def _read_changes(api, cursor):
    """All pages: ``({order: quantity of its first line}, cursor)``."""
    reported = {}
    while True:
        page = api.changes("purchase_order", cursor or False)
        assert page["success"], page
        for change in page["changes"]:
            assert not change["deleted"], change
            lines = change["data"]["lines"]
            reported[change["odoo_id"]] = float(lines[0]["quantity"]) if lines else None
        cursor = page["next_cursor"]
        if not page["has_more"]:
            return reported, cursor
