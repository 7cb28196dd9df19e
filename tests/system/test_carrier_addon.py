"""Another addon uses the toolkit without a backend: ``tests/addons``. Real jobs, real
transactions, a carrier that answers over HTTP."""

import json

import odoorpc
import pytest
from system_databases import run_odoo
from system_servers import PharmacyApp, wait_until
from system_stack import Stack

from odoo.addons.pharmacy_sync.tests.receivers import receiver

ADDON = "pharmacy_sync_carrier"
SECONDS = 40
# The kind of failure, what is kept of it, and whether it is over.
ERRORS = """
SELECT e.attempt, e.retry_reason, e.resolved, e.correlation_id, e.company_id,
       g.count AS times
  FROM sync_error e JOIN sync_error_group g ON g.id = e.group_id
 WHERE e.work = %s ORDER BY e.id
"""


@pytest.fixture(scope="module")
def carrier():
    with receiver() as found:
        yield found


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
    carrier.got.clear()
    carrier.status, carrier.answers = 200, None
    carrier.body = json.dumps({"number": "C-1"}).encode()
    return stack.model("carrier.parcel")


def test_a_parcel_is_booked_at_a_later_attempt(stack, carrier, parcels):
    refusals = iter([503, 503])
    carrier.answers = lambda *__: (code, b"") if (code := next(refusals, 0)) else None
    (parcel,) = parcels.create([{"name": "Vaccines"}])
    parcels.action_book([parcel])

    def told():
        return stack.value("SELECT told FROM carrier_parcel WHERE id = %s", parcel)

    wait_until(told, SECONDS, "the event of the booked parcel reaches its handler")
    assert stack.value("SELECT number FROM carrier_parcel WHERE id = %s", parcel) == (
        "C-1"
    )
    assert len(carrier.got) == 3
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
    carrier.status = 503
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
    carrier.status = 422
    assert not parcels.action_print([parcel])
    assert len(stack.query(ERRORS, "print a label")) == 1
    alert = "SELECT state, severity, res_id FROM sync_alert WHERE condition = 'raised'"
    (row,) = stack.query(alert)
    assert tuple(row.values()) == ("open", "high", parcel)
    title = stack.model("sync.alert").search_read(
        [("condition", "=", "raised")], ["title"]
    )[0]["title"]
    assert title == "Another addon reports: Labels cannot be printed"
    carrier.status = 200
    assert parcels.action_print([parcel])
    assert stack.query(alert)[0]["state"] == "resolved"


def test_nobody_calls_it_over_rpc(stack):
    for login in ("buyer", "manager"):
        toolkit = stack.model("sync.toolkit", login)
        with pytest.raises(odoorpc.error.RPCError, match="rivate"):
            toolkit.alert("key", "Title")
