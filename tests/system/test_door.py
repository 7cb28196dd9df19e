"""The API's own routes of a running server, attacked: no answer is a 500, a page or a
traceback, nothing is half written, and the worker stays of its size."""

import http.client
import json
import os
import re
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from attacks import API, ATTACKS, BAD, GOOD, push
from system_databases import connect
from system_servers import wait_until

TIMEOUT = 60
MOST_MEMORY = 200 * 1024**2
SECRETS = ("Traceback", "psycopg2", "SELECT ", "INSERT ", "/odoo/", "system-test-key")
PLAIN = ATTACKS["foreign host"]._replace(headers={})
PROBE = "/pharmacy_sync/health"
CONTRACT = Path(__file__).parent / "contract"
ROWS = """
SELECT (SELECT count(*) FROM res_partner) AS partners,
       (SELECT count(*) FROM purchase_order) AS orders,
       (SELECT count(*) FROM sync_mapping) AS mappings,
       (SELECT count(*) FROM sync_operation) AS operations,
       (SELECT count(*) FROM res_users) AS users
"""
# The connection of whoever writes a row is ended by the server: at once, or when the
# transaction is committed.
LOSE = """
CREATE FUNCTION lose_connection() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
CREATE CONSTRAINT TRIGGER lose_connection AFTER INSERT ON {table}
   DEFERRABLE INITIALLY {when} FOR EACH ROW EXECUTE FUNCTION lose_connection()
"""
FIND_AGAIN = "DROP FUNCTION lose_connection CASCADE"
# Not matched by any route: it is Odoo that answers.
OF_ODOO = ("line break in the path",)


@pytest.fixture(scope="module")
def door(shared_stack):
    """The stack with a high limit of requests; the worker has grown only so much at the
    end."""
    own = [("id", "=", shared_stack.prepared["backend"])]
    former = shared_stack.configure("sync.backend", own, {"rate_limit": 100_000})
    process = shared_stack.odoo.process()
    before = process.memory_info().rss
    yield shared_stack
    grown = process.memory_info().rss - before
    for backend, values in former:
        shared_stack.configure("sync.backend", [("id", "=", backend)], values)
    assert grown < MOST_MEMORY, f"{grown / 1024**2:.0f} MB more"


def send(stack, attack):
    """The answer to a request as it is, whatever a client would make of it:
    ``(status, headers, text)``."""
    parts = urlsplit(stack.odoo.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT)
    key = stack.prepared["api_key"] if attack.key is True else attack.key
    headers = {"Content-Type": "application/json", **attack.headers}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    # It may have answered before all was sent.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request(
            attack.verb,
            attack.path,
            body=iter(attack.body) if isinstance(attack.body, list) else attack.body,
            headers=headers,
            encode_chunked=isinstance(attack.body, list),
        )
    try:
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def check_silent(text):
    assert not [word for word in SECRETS if word in text], text


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_an_answer_that_means_something(door, name):
    before = door.query(ROWS)
    status, headers, text = send(door, ATTACKS[name])
    assert status in ATTACKS[name].statuses, text
    check_silent(text)
    assert "X-Evil" not in headers
    if name not in OF_ODOO and status not in (414, 431, 501):
        said = json.loads(text)
        assert status == 200 or not said["success"]
        assert headers["X-Correlation-ID"] == said["correlation_id"]
    assert door.query(ROWS) == before


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_fails_alone_and_is_named(door, name):
    values, field = BAD[name]
    good = {**GOOD, "id": f"sup_beside_{list(BAD).index(name)}"}
    bad = {**GOOD, "id": "sup_bad", **values}
    partners = door.query(ROWS)[0]["partners"]
    body = push(bad, good)
    status, __, text = send(door, ATTACKS["no JSON"]._replace(body=body))
    assert status == 200, text
    check_silent(text)
    refused, landed = json.loads(text)["results"]
    assert (refused["operation"], landed["operation"]) == ("failed", "created")
    assert refused["error"]["field"].partition("[")[0] == field
    assert door.query(ROWS)[0]["partners"] == partners + 1


@pytest.mark.parametrize(
    ("table", "when"),
    [
        ("res_partner", "IMMEDIATE"),
        ("sync_mapping", "IMMEDIATE"),
        ("sync_mapping", "DEFERRED"),
    ],
)
def test_a_connection_that_is_lost_is_answered(door, table, when):
    """To the database, in the middle of a push or at its end: the next one finds
    another."""
    name = f"sup_lost_{table}_{when}"
    attack = PLAIN._replace(path=f"{API}/push", body=push({**GOOD, "id": name}))
    door.query(LOSE.format(table=table, when=when))
    try:
        status, headers, text = send(door, attack)
    finally:
        door.query(FIND_AGAIN)
    assert status == 503, text
    assert json.loads(text)["error"]["retryable"]
    assert int(headers["Retry-After"]) > 0
    check_silent(text)
    status, __, text = send(door, attack)
    (result,) = json.loads(text)["results"]
    # It may be looked at by itself first: a worker seemed to die of it.
    assert (status, result["operation"]) in ((200, "created"), (200, "queued")), text
    there = "SELECT id FROM sync_mapping WHERE external_id = %s AND res_id IS NOT NULL"
    wait_until(lambda: door.query(there, name), TIMEOUT, "it is in Odoo")


def test_a_database_that_takes_no_connection_is_no_missing_page(door):
    """Odoo has none to look for a route with."""
    webhook = PLAIN._replace(path=f"/pharmacy_sync/webhook/{door.prepared['backend']}")
    own = door.value("SELECT pg_backend_pid()")
    with closing(connect("postgres")) as connection, connection.cursor() as cr:
        cr.execute(f'ALTER DATABASE "{door.database}" ALLOW_CONNECTIONS false')
        try:
            cr.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = %s AND pid <> %s AND backend_type = 'client backend'",
                (door.database, own),
            )
            answers = [send(door, attack) for attack in (PLAIN, webhook)]
            probes = [
                send(door, PLAIN._replace(verb="GET", path=PROBE + name, body=None))
                for name in ("", "/ready", "/live")
            ]
        finally:
            cr.execute(f'ALTER DATABASE "{door.database}" ALLOW_CONNECTIONS true')
    for status, headers, text in answers:
        assert status == 503, text
        assert json.loads(text)["error"]["type"] == "database_connection_failed"
        assert int(headers["Retry-After"]) > 0
    (status, __, text), ready, live = probes
    assert (status, json.loads(text)["status"]) == (503, "down")
    assert json.loads(text)["database"]["ok"] is False
    assert (ready[0], json.loads(ready[2])) == (503, {"status": "down"})
    # Whoever restarts what is not alive would end all of Odoo for it.
    assert (live[0], json.loads(live[2])) == (200, {"status": "ok"})
    wait_until(lambda: send(door, PLAIN)[0] == 200, TIMEOUT, "it answers again")


def test_too_many_are_reported_when_to_come_back(door):
    own = [("id", "=", door.prepared["backend"])]
    door.configure("sync.backend", own, {"rate_limit": 1})
    try:
        answers = [send(door, PLAIN) for __ in "12"]
    finally:
        door.configure("sync.backend", own, {"rate_limit": 100_000})
    assert answers[-1][0] == 429
    assert 0 < int(answers[-1][1]["Retry-After"]) <= 120


def test_forged_webhooks_are_refused_and_stop_nothing(door):
    place = f"{door.odoo.url}/pharmacy_sync/webhook"
    signed = {
        "webhook-id": "msg_forged",
        "webhook-timestamp": str(int(time.time())),
        "webhook-signature": "v1," + "A" * 43 + "=",
    }
    own = door.prepared["backend"]
    for where, headers, body, status in (
        (own, {}, b"{}", 401),
        (own, signed, b"{}", 401),
        (own, {**signed, "webhook-timestamp": "9" * 5_000}, b"{}", 401),
        (own, {**signed, "webhook-signature": "v1," * 5_000}, b"{}", 401),
        (own, signed, (b"x" * 65_536 for __ in range(200)), 413),
        (10**30, signed, b"{}", 401),
        (2**31 - 1, signed, b"{}", 401),
    ):
        answer = requests.post(
            f"{place}/{where}", data=body, headers=headers, timeout=TIMEOUT
        )
        assert answer.status_code == status, answer.text
        check_silent(answer.text)


def test_the_routes_keep_their_document(door, tmp_path):
    """Requests made from the document, and some that it forbids: no server error, and
    every answer is one of those that are documented."""
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", str(CONTRACT / "schemathesis.toml")),
            *("run", f"{door.odoo.url}{API}/openapi.json", "--url", door.odoo.url),
            *("--header", f"Authorization: Bearer {door.prepared['api_key']}"),
            *("--phases", "examples,fuzzing", "--seed", "20261128", "--no-color"),
            *("--max-examples", os.environ.get("PHARMACY_SYNC_EXAMPLES", "5")),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    print(run.stdout, run.stderr)
    assert run.returncode == 0
    assert re.search(r"(\d+) generated, \1 passed", run.stdout)


def test_the_server_is_as_healthy_as_before(door):
    process = door.odoo.process()
    assert process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    status, __, text = send(door, PLAIN)
    assert (status, json.loads(text)["success"]) == (200, True)
