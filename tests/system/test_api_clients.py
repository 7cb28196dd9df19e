"""The pharmacy's side calls Odoo, with clients that others wrote: no order twice."""

import os
import time
import uuid
import xmlrpc.client
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import requests
from system_servers import wait_until

TIMEOUT = 60
REQUEUED = 180  # seconds: the runner looks once a minute
TWINS = 4
# More than the server has connections to the database.
CROWD = int(os.environ.get("PHARMACY_SYNC_CROWD", "50"))
REQUESTS = int(os.environ.get("PHARMACY_SYNC_CROWD_REQUESTS", "150"))
# Transactions that are open for longer than a statement takes.
OPEN_TRANSACTIONS = """
SELECT pid, state, query FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
   AND backend_type = 'client backend'
   AND xact_start < clock_timestamp() - interval '1 second'
"""


@pytest.fixture
def make_records(stack):
    """Makes orders at the pharmacy that Odoo does not read by itself, to be pushed by
    the test: ``make_records(count)``. At the end Odoo reads what changed there: it has
    all of them already."""
    rows = stack.query("SELECT res_model, res_id, external_id FROM sync_mapping")
    ids = {(row["res_model"], row["res_id"]): row["external_id"] for row in rows}
    lines = [
        {
            "product_id": ids["product.product", product],
            "quantity": "2.00",
            "unit_price": "12.50",
        }
        for product in stack.prepared["products"]
    ]
    order = {
        "supplier_id": ids["res.partner", stack.prepared["supplier"]],
        "currency": "USD",
        "lines": lines,
    }
    made = []
    own = [("backend_id", "=", stack.prepared["backend"])]
    former = stack.configure("sync.stream", own, {"direction": "push"})

    def make(count):
        records = [
            stack.app.create("purchase-orders", notes=str(number), **order)
            for number in range(count)
        ]
        made.extend(records)
        return records

    yield make
    for stream, values in former:
        stack.configure("sync.stream", [("id", "=", stream)], values)
    stack.trigger("cron_pull")
    # A job for which a crowd left no connection is started anew after a minute.
    stack.recover(REQUEUED)
    assert orders_of(stack, made) == [1] * len(made)
    for order in made_orders(stack, made):
        current = stack.at_app(order)
        assert stack.seen_in_odoo(order) == stack.seen_at_app(current)


def by_jsonrpc(stack, method="push", **arguments):
    client = stack.client("pharmacy", stack.prepared["api_key"])
    return client.execute_kw("sync.api", method, [], arguments)


def by_xmlrpc(stack, method="push", **arguments):
    url, key = stack.odoo.url, stack.prepared["api_key"]
    common = xmlrpc.client.ServerProxy(f"{url}/xmlrpc/2/common")
    uid = common.authenticate(stack.database, "pharmacy", key, {})
    models = xmlrpc.client.ServerProxy(f"{url}/xmlrpc/2/object", allow_none=True)
    given = (stack.database, uid, key, "sync.api", method, [], arguments)
    return models.execute_kw(*given)


def by_json2(stack, method="push", **arguments):
    answer = requests.post(
        f"{stack.odoo.url}/json/2/sync.api/{method}",
        json=arguments,
        headers={"Authorization": f"Bearer {stack.prepared['api_key']}"},
        timeout=TIMEOUT,
    )
    answer.raise_for_status()
    return answer.json()


def by_route(stack, method="push", **arguments):
    answer = _post(stack, method, arguments)
    answer.raise_for_status()
    return answer.json()


def _post(stack, method, arguments):
    return requests.post(
        f"{stack.odoo.url}/pharmacy_sync/api/v1/{method}",
        json=arguments,
        headers={"Authorization": f"Bearer {stack.prepared['api_key']}"},
        timeout=TIMEOUT,
    )


def orders_of(stack, records):
    """How many of Odoo's orders carry the number of each of these."""
    counts = {
        row["origin"]: row["count"]
        for row in stack.query(
            "SELECT origin, count(*) FROM purchase_order WHERE origin = ANY(%s) "
            "GROUP BY origin",
            [record["reference"] for record in records],
        )
    }
    return [counts.get(record["reference"], 0) for record in records]


def made_orders(stack, records):
    rows = stack.query(
        "SELECT id FROM purchase_order WHERE origin = ANY(%s) ORDER BY id",
        [record["reference"] for record in records],
    )
    return [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("push", "count"),
    [(by_route, 20), (by_jsonrpc, 50), (by_json2, 20), (by_xmlrpc, 20)],
    ids=["route", "jsonrpc", "json2", "xmlrpc"],
)
def test_orders_pushed_twice_are_in_odoo_once(stack, make_records, push, count):
    records = make_records(count)
    arguments = {"entity": "purchase_order", "records": records}
    first = push(stack, **arguments)
    second = push(stack, **arguments)
    assert _outcomes(first) == ["created"] * count
    assert _outcomes(second) == ["unchanged"] * count
    assert [r["odoo_id"] for r in first["results"]] == [
        r["odoo_id"] for r in second["results"]
    ]
    assert orders_of(stack, records) == [1] * count
    lines = stack.value(
        "SELECT count(*) FROM purchase_order_line WHERE order_id = ANY(%s)",
        [result["odoo_id"] for result in first["results"]],
    )
    assert lines == count * len(stack.prepared["products"])


def test_twins_with_one_idempotency_key_get_one_answer(stack, make_records):
    records = make_records(10)
    answers = _at_once(
        stack,
        records,
        idempotency_key=uuid.uuid4().hex,
        correlation_id=uuid.uuid4().hex,
    )
    assert orders_of(stack, records) == [1] * 10
    assert _outcomes(answers[0]) == ["created"] * 10
    for answer in answers:
        answer.pop("duration_ms")
        assert answer == answers[0]


def test_a_crowd_makes_one_order_and_every_answer_means_something(
    stack, make_records, configure
):
    """Each gets the same answer, or is asked to come back, also where Odoo has no
    connection left to begin with."""
    own = [("id", "=", stack.prepared["backend"])]
    configure("sync.backend", own, rate_limit=100_000)
    records = make_records(1)
    arguments = {
        "entity": "purchase_order",
        "records": records,
        "idempotency_key": uuid.uuid4().hex,
        "correlation_id": uuid.uuid4().hex,
    }
    with ThreadPoolExecutor(CROWD) as pool:
        answers = list(
            pool.map(lambda __: _post(stack, "push", arguments), range(REQUESTS))
        )
    _print_figures(answers)
    assert orders_of(stack, records) == [1]
    for answer in answers:
        assert answer.status_code in (200, 503), answer.text
        assert answer.ok or int(answer.headers["Retry-After"]) > 0
        assert answer.ok or answer.json()["error"]["retryable"]
        assert "Traceback" not in answer.text
    assert {answer.status_code for answer in answers} == {200, 503}
    answers.append(_post(stack, "push", arguments))
    done = [answer.json()["results"] for answer in answers if answer.ok]
    assert all(results == done[0] for results in done)
    assert [result["operation"] for result in done[0]] == ["created"]
    # A job that found no connection either is taken up again by the scheduled recovery.
    stack.recover(REQUEUED)


def _print_figures(answers):
    """What a crowd met: ``pytest -s`` shows it."""
    took = sorted(answer.elapsed.total_seconds() for answer in answers)
    kinds = Counter(
        (answer.status_code, answer.headers["Content-Type"].partition(";")[0])
        for answer in answers
    )
    at = {
        share: took[min(len(took) - 1, len(took) * share // 100)] for share in (50, 95)
    }
    print(f"{len(answers)} requests, {CROWD} at once: {dict(kinds)}")
    print(f"half within {at[50]:.2f} s, 95 of 100 within {at[95]:.2f} s")


def test_twins_without_a_key_make_each_order_once(stack, make_records):
    records = make_records(10)
    answers = _at_once(stack, records)
    assert all(answer["success"] for answer in answers)
    assert orders_of(stack, records) == [1] * 10
    made = [outcome for answer in answers for outcome in _outcomes(answer)]
    assert made.count("created") == 10
    assert made.count("unchanged") == 10 * (TWINS - 1)


def test_a_key_serves_one_request_only(stack, make_records):
    key = uuid.uuid4().hex
    records, others = make_records(1), make_records(1)
    arguments = {"entity": "purchase_order", "idempotency_key": key}
    assert by_json2(stack, records=records, **arguments)["success"]
    refused = by_json2(stack, records=others, **arguments)
    assert not refused["success"]
    assert refused["error"]["field"] == "idempotency_key"
    assert orders_of(stack, others) == [0]


@pytest.mark.parametrize(
    "call",
    [by_route, by_jsonrpc, by_json2, by_xmlrpc],
    ids=["route", "jsonrpc", "json2", "xmlrpc"],
)
def test_a_look_up_has_no_transaction_open_while_the_app_hangs(stack, call):
    record = stack.app.create("suppliers", name="Veterinaria Lenta")
    stack.settle()
    match = {"method": "GET", "path": "/api/v1/suppliers/*"}
    rules = [{"kind": "latency", "seconds": 3, "match": match}]
    stack.app.call("POST", "/admin/faults", seed=1, rules=rules)
    arguments = {"entity": "supplier", "external_ids": [record["id"]]}
    looks = []
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(call, stack, "lookup", **arguments)
        wait_until(stack.app.fault_hits, TIMEOUT, "the app is asked")
        while not asked.done():
            looks.append(stack.query(OPEN_TRANSACTIONS))
            time.sleep(0.05)
    (result,) = asked.result()["results"]
    assert (result["source"], result["value"]["name"]) == ("app", record["name"])
    assert len(looks) > 10
    assert [look for look in looks if look] == []


def test_a_look_up_serves_what_odoo_has_while_the_app_fails(stack):
    record = stack.app.create("suppliers", name="Veterinaria Caída")
    mapping = "SELECT id FROM sync_mapping WHERE external_id = %s"
    wait_until(lambda: stack.query(mapping, record["id"]), TIMEOUT, "it is in Odoo")
    stack.settle()
    match = {"method": "GET", "path": "/api/v1/suppliers/*"}
    rules = [{"kind": "error", "status": 503, "match": match, "count": 1}]
    stack.app.call("POST", "/admin/faults", seed=1, rules=rules)
    arguments = {"entity": "supplier", "external_ids": [record["id"], "sup_nobody"]}
    answer = by_json2(stack, "lookup", correlation_id="app-is-down", **arguments)
    known, unknown = answer["results"]
    assert known["success"], answer
    assert (known["source"], known["stale"]) == ("odoo", True)
    assert known["value"]["name"] == record["name"]
    assert not unknown["success"]
    errors = stack.query(
        "SELECT type, work FROM sync_error "
        "WHERE correlation_id = 'app-is-down' ORDER BY id"
    )
    assert [(error["type"], error["work"]) for error in errors] == [
        ("service_unavailable", "lookup"),
        ("service_unavailable", "fallback"),  # nothing served for the second one
    ]


def _outcomes(answer):
    assert answer["success"], answer
    return [result["operation"] for result in answer["results"]]


def _at_once(stack, records, **arguments):
    """The answers to the same push, made by several threads at the same moment."""
    barrier = Barrier(TWINS)

    def push(__):
        barrier.wait()
        return by_json2(stack, entity="purchase_order", records=records, **arguments)

    before = stack.odoo.log.stat().st_size
    with ThreadPoolExecutor(TWINS) as pool:
        answers = list(pool.map(push, range(TWINS)))
    # Those who come second are replayed: that is no error.
    log = stack.odoo.log.read_bytes()[before:].decode()
    assert "bad query" not in log
    return answers
