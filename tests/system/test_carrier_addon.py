"""Another addon uses the toolkit without a backend: ``tests/addons``. Real jobs, real
transactions, a carrier that answers over HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import odoorpc
import pytest
from system_databases import run_odoo
from system_servers import PharmacyApp, wait_until
from system_stack import Stack

ADDON = "pharmacy_sync_carrier"
SECONDS = 40
# The kind of failure, what is kept of it, and whether it is over.
ERRORS = """
SELECT e.attempt, e.retry_reason, e.resolved, e.correlation_id, e.company_id,
       g.count AS times
  FROM sync_error e JOIN sync_error_group g ON g.id = e.group_id
 WHERE e.work = %s ORDER BY e.id
"""


class Carrier:
    """Refuses as often as it is set to, then gives a number: ``status`` and
    ``refusals``, which are counted down; ``calls`` counts what came."""

    def __init__(self):
        self.reset()

    def reset(self, status=200, refusals=0):
        self.status, self.refusals, self.calls = status, refusals, 0

    def answer(self):
        self.calls += 1
        self.refusals -= 1
        return self.status if self.refusals >= 0 else 200


@pytest.fixture(scope="module")
def carrier():
    found = Carrier()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            body = json.dumps({"number": "C-1"}).encode()
            self.send_response(found.answer())
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


@pytest.fixture(scope="module")
def stack(make_database, tmp_path_factory, carrier):
    folder = tmp_path_factory.mktemp("carrier")
    app = PharmacyApp(folder)
    database, prepared = make_database("carrier", app)
    run_odoo(database, ["server", "-i", ADDON, "--stop-after-init", "--no-http"])
    stack = Stack(folder, database, app, prepared)
    yield stack.start()
    stack.stop()


@pytest.fixture
def parcels(stack, carrier):
    address = carrier.url + "/parcels"
    stack.model("ir.config_parameter", "manager").set_param("carrier.address", address)
    carrier.reset()
    return stack.model("carrier.parcel")


def test_a_parcel_is_booked_at_a_later_attempt(stack, carrier, parcels):
    carrier.reset(503, refusals=2)
    (parcel,) = parcels.create([{"name": "Vaccines"}])
    parcels.action_book([parcel])

    def reported():
        return stack.value("SELECT notified FROM carrier_parcel WHERE id = %s", parcel)

    wait_until(reported, SECONDS, "the event of the booked parcel reaches its handler")
    assert stack.value("SELECT number FROM carrier_parcel WHERE id = %s", parcel) == (
        "C-1"
    )
    assert carrier.calls == 3
    errors = stack.query(ERRORS, "carrier.parcel._book")
    assert [error["attempt"] for error in errors] == [1, 2]
    assert all(error["resolved"] for error in errors)
    assert {error["times"] for error in errors} == {2}
    calls = stack.query(
        "SELECT correlation_id, status FROM sync_call c JOIN sync_service s "
        "ON s.id = c.service_id WHERE s.name = 'carrier' ORDER BY c.id"
    )
    assert [call["status"] for call in calls] == [503, 503, 200]
    assert {c["correlation_id"] for c in calls} == {errors[0]["correlation_id"]}


def test_what_is_given_up_is_seen(stack, carrier, parcels):
    carrier.reset(503, refusals=100)
    (parcel,) = parcels.create([{"name": "Refused"}])
    parcels.action_book([parcel])

    def failed():
        return stack.value(
            "SELECT count(*) FROM queue_job WHERE model_name = 'sync.toolkit' "
            "AND state = 'failed'"
        )

    wait_until(failed, SECONDS, "the job is given up")
    errors = stack.query(ERRORS, "carrier.parcel._book")[-3:]
    assert errors[-1]["retry_reason"] == "All attempts failed."
    assert not any(error["resolved"] for error in errors)
    company = stack.value("SELECT company_id FROM carrier_parcel WHERE id = %s", parcel)
    assert {error["company_id"] for error in errors} == {company}


def test_a_failure_is_recorded_and_an_alert_raised_and_over(stack, carrier, parcels):
    (parcel,) = parcels.create([{"name": "Without label"}])
    carrier.reset(422, refusals=1)
    assert not parcels.action_print([parcel])
    assert len(stack.query(ERRORS, "print a label")) == 1
    alert = "SELECT state, severity, res_id FROM sync_alert WHERE condition = 'raised'"
    (row,) = stack.query(alert)
    assert tuple(row.values()) == ("open", "high", parcel)
    title = stack.model("sync.alert").search_read(
        [("condition", "=", "raised")], ["title"]
    )[0]["title"]
    assert title == "Another addon reports: Labels cannot be printed"
    assert parcels.action_print([parcel])
    assert stack.query(alert)[0]["state"] == "resolved"


def test_nobody_calls_it_over_rpc(stack):
    for login in ("buyer", "manager"):
        toolkit = stack.model("sync.toolkit", login)
        with pytest.raises(odoorpc.error.RPCError, match="rivate"):
            toolkit.alert("key", "Title")
