from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit

import psycopg2
import requests

from odoo.sql_db import ConnectionPool, connection_info_for, db_connect
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.queue_job.job import Job
from odoo.addons.queue_job.jobrunner.channels import ChannelManager

from ...core.taxonomy import ErrorType as T
from ..common import SyncCase
from ..error_causes import (
    causes,
    closed_port,
    full_host,
    no_file_handles,
    other_app,
    quota_error,
    read_cache,
)

TOUCH = "UPDATE sync_retry_policy SET factor = factor WHERE error_type = 'default'"
LOCK = "SELECT pg_advisory_xact_lock(hashtext('test_error_types'), %s)"
_send = requests.Session.send


@tagged("post_install", "-at_install")
class TestErrorTypes(SyncCase):
    """Every type of failure is met for real, and recorded for what it is. No test here
    raises a failure itself."""

    @classmethod
    def _request_handler(cls, session, request, /, **options):
        # Such a name leads nowhere by definition (RFC 6761): that may be tried.
        if urlsplit(request.url).hostname.endswith(".invalid"):
            return _send(session, request, **options)
        return super()._request_handler(session, request, **options)

    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.push()
        self.assertEqual(self.order.sync_state, "synced")
        self.known = self.env["sync.error"].search([])

    # -- What was recorded ------------------------------------------------------------

    def recorded(self):
        """The errors recorded since the test began."""
        return self.env["sync.error"].search([]) - self.known

    def push_error(self, url=None):
        """Send an edit of the order."""
        if url:
            self.move_app(url)
        self.order.origin = "PH-1"
        self.push()
        return self.recorded()

    def pull_error(self):
        """Read; the error of one stream, since the others go on meanwhile."""
        self.pull()
        return self.recorded().filtered(lambda e: e.stream_id.entity == "supplier")

    def api_error(self, entity, record):
        api = self.env["sync.api"].with_user(self.api_user)
        self.assertFalse(api.push(entity, [record])["success"])
        return self.recorded()

    def record(self, exception):
        """What any part of Odoo does that meets an exception."""
        self.env["sync.error"]._record(exception, operation="test")
        return self.recorded()

    def raised(self, cause, *args, **kwargs):
        with self.assertRaises(Exception) as caught:
            cause(*args, **kwargs)
        return self.record(caught.exception)

    def transaction(self):
        """A real transaction of its own, undone at the end."""
        return closing(db_connect(self.env.cr.dbname).cursor())

    # -- The network ------------------------------------------------------------------

    @causes(T.NETWORK_TIMEOUT, "not_sent")
    def test_host_that_takes_no_connection(self):
        self.backend.connect_timeout = 0.2
        with full_host() as url:
            return self.push_error(url)

    @causes(T.CONNECTION_REFUSED, "not_sent")
    def test_closed_port(self):
        with closed_port() as port:
            return self.push_error(f"http://127.0.0.1:{port}")

    @causes(T.CONNECTION_RESET, "unknown")
    def test_reset_while_reading(self):
        self.app.fault("reset")
        return self.pull_error()

    @causes(T.OUTCOME_UNKNOWN, "unknown")
    def test_reset_while_writing(self):
        self.app.fault("reset")
        return self.push_error()

    @causes(T.OUTCOME_UNKNOWN, "unknown")
    def test_hung_socket(self):
        self.backend.read_timeout = 0.2
        self.app.fault("hang", seconds=1)
        return self.push_error()

    @causes(T.OUTCOME_UNKNOWN, "unknown")
    def test_lost_answer(self):
        self.app.fault("lost_answer")
        return self.push_error()

    @causes(T.NAME_RESOLUTION_FAILED, "not_sent")
    def test_unknown_host(self):
        return self.push_error("http://pharmacy.invalid")

    # -- The app's condition ----------------------------------------------------------

    @causes(T.RATE_LIMIT_EXCEEDED, "answered")
    def test_rate_limit(self):
        self.app.fault("rate_limit", retry_after=9)
        return self.push_error()

    @causes(T.SERVICE_UNAVAILABLE, "answered")
    def test_maintenance(self):
        self.app.fault("error", status=503)
        return self.push_error()

    @causes(T.SERVICE_UNAVAILABLE, "unknown")
    def test_gateway_that_gave_up_waiting(self):
        with other_app(504) as url:
            return self.push_error(url)

    @causes(T.TEMPORARY_SERVER_ERROR, "answered")
    def test_app_that_fails(self):
        self.app.fault("error", status=500)
        return self.push_error()

    @causes(T.DATA_CORRUPTED, "unknown")
    def test_garbled_answer(self):
        self.app.add("suppliers", name="Veterinaria Norte")
        self.app.fault("corrupt_json")
        error = self.pull_error()
        self.assertIn('"entity":"suppliers"', error.context["raw_answer"])
        return error

    @causes(T.OUTCOME_UNKNOWN, "unknown")
    def test_garbled_answer_to_what_was_written(self):
        self.app.fault("corrupt_json")
        return self.push_error()

    @causes(T.SCHEMA_MISMATCH, "unknown")
    def test_answer_of_another_shape(self):
        self.app.add("suppliers", name="Veterinaria Norte")
        self.app.fault("wrong_schema")
        return self.pull_error()

    @causes(T.OUTCOME_UNKNOWN, "unknown")
    def test_result_of_another_shape(self):
        self.app.fault("wrong_schema")
        return self.push_error()

    @causes(T.CONFIGURATION_ERROR, "not_sent")
    def test_certificate_that_nobody_signed(self):
        with other_app(200, certificate="self_signed") as url:
            return self.push_error(url)

    # -- Who may do what --------------------------------------------------------------

    @causes(T.AUTHENTICATION_FAILED, "answered")
    def test_revoked_key(self):
        self.backend.api_key = "revoked"
        return self.push_error()

    @causes(T.INSUFFICIENT_PERMISSIONS, "answered")
    def test_key_without_the_permission(self):
        self.app.fault("forbid")
        return self.push_error()

    @causes(T.INSUFFICIENT_PERMISSIONS, "not_sent")
    def test_caller_outside_the_api_group(self):
        self.api_user.group_ids = self.env.ref("base.group_user")
        return self.api_error("supplier", {"id": "sup_1", "name": "Norte"})

    @causes(T.INVALID_CREDENTIALS, "not_sent")
    def test_wrong_password(self):
        user = self.api_user.with_user(self.api_user)
        wrong = {"type": "password", "password": "wrong"}
        return self.raised(user._check_credentials, wrong, {"interactive": True})

    # -- What is asked for ------------------------------------------------------------

    @causes(T.RESOURCE_NOT_FOUND, "answered")
    def test_record_that_the_app_does_not_know(self):
        client = self.backend._client("test")
        return self.raised(client.get, "suppliers", "sup_none", "x")

    @causes(T.INVALID_SUPPLIER, "answered")
    def test_app_that_lost_its_records(self):
        """It has gone back: the order is sent anew, but its supplier is not there."""
        self.app.reset()
        return self.push_error()

    @causes(T.DATA_VALIDATION_FAILED, "answered")
    def test_value_that_the_app_refuses(self):
        self.make_order(quantity=-1.0)
        self.push()
        return self.recorded()

    @causes(T.BUSINESS_RULE_VIOLATION, "answered")
    def test_confirmed_order_without_lines(self):
        self.order.order_line.unlink()
        self.order.button_confirm()
        return self.push_error()

    @causes(T.INSUFFICIENT_STOCK, "answered")
    def test_more_asked_than_there_is(self):
        line = self.at_app(self.order)["lines"][0]
        self.app.call("POST", "/admin/settings", stock={line["product_id"]: 1})
        reservation = {
            "purchase_order_id": self.mapping(self.order).external_id,
            "lines": [{"product_id": line["product_id"], "quantity": "2"}],
        }
        call = self.backend._client("push")._call
        return self.raised(
            call, "POST", "/reservations", json=reservation, correlation_id="test"
        )

    @causes(T.DUPLICATE_ORDER, "answered")
    def test_barcode_that_another_system_took(self):
        taken = {"name": "Meloxicam", "barcode": "8400000000017"}
        self.app.add("products", external_ref="another system", **taken)
        self.env["product.product"].create(taken)
        self.push()
        return self.recorded()

    @causes(T.DUPLICATE_ORDER, "not_sent")
    @mute_logger("odoo.sql_db")
    def test_unique_constraint(self):
        policy = self.env["sync.retry.policy"].search([], limit=1)
        return self.raised(policy.copy)

    @causes(T.INVALID_SUPPLIER, "not_sent", retryable=True)
    def test_order_of_an_unknown_supplier(self):
        order = {"id": "po_1", "version": 1, "supplier_id": "sup_none", "lines": []}
        return self.api_error("purchase_order", order)

    @causes(T.INVALID_SUPPLIER, "answered")
    def test_order_of_a_supplier_that_the_app_deleted(self):
        supplier = f"/api/v1/suppliers/{self.mapping(self.supplier).external_id}"
        self.app.call("DELETE", supplier, headers={"If-Match": "*"})
        self.make_order()
        self.push()
        return self.recorded()

    @causes(T.ORDER_ALREADY_PROCESSED, "answered")
    def test_order_that_can_no_longer_change(self):
        with other_app(409, "order_already_processed") as url:
            return self.push_error(url)

    @causes(T.VERSION_CONFLICT, "answered")
    def test_both_sides_wrote(self):
        external_id = self.mapping(self.order).external_id
        self.app.edit("purchase-orders", external_id, notes="Cold chain")
        return self.push_error()

    # -- PostgreSQL -------------------------------------------------------------------

    @causes(T.DATABASE_CONNECTION_FAILED, "not_sent")
    def test_no_server_at_the_port(self):
        with closed_port() as port:
            return self.raised(psycopg2.connect, host="127.0.0.1", port=port)

    @causes(T.DATABASE_CONNECTION_FAILED, "not_sent")
    def test_terminated_connection(self):
        with self.transaction() as first, self.transaction() as second:
            first.execute("SELECT pg_backend_pid()")
            second.execute("SELECT pg_terminate_backend(%s, 5000)", first.fetchone())
            return self.raised(first.execute, "SELECT 1", log_exceptions=False)

    @causes(T.DATABASE_CONNECTION_FAILED, "not_sent")
    def test_no_connection_to_spare(self):
        pool = ConnectionPool(maxconn=1)
        __, info = connection_info_for(self.env.cr.dbname)
        connection = pool.borrow(info)
        try:
            return self.raised(pool.borrow, info)
        finally:
            pool.give_back(connection, keep_in_pool=False)

    @causes(T.SERIALIZATION_FAILURE, "not_sent")
    def test_two_transactions_write_one_row(self):
        with self.transaction() as first, self.transaction() as second:
            first.execute("SELECT 1")
            second.execute(TOUCH)
            second.commit()
            return self.raised(first.execute, TOUCH, log_exceptions=False)

    @causes(T.SERIALIZATION_FAILURE, "not_sent")
    def test_two_transactions_wait_for_each_other(self):
        with self.transaction() as first, self.transaction() as second:
            for key, cr in enumerate((first, second)):
                cr.execute(LOCK, [key])
            with ThreadPoolExecutor(2) as threads:
                attempts = [
                    threads.submit(cr.execute, LOCK, [key], log_exceptions=False)
                    for key, cr in enumerate((second, first))
                ]
            (victim,) = filter(None, [attempt.exception() for attempt in attempts])
            return self.record(victim)

    @causes(T.SERIALIZATION_FAILURE, "not_sent")
    def test_row_that_another_transaction_holds(self):
        with self.transaction() as first, self.transaction() as second:
            first.execute(TOUCH)
            statement = "SELECT 1 FROM sync_retry_policy FOR UPDATE NOWAIT"
            return self.raised(second.execute, statement, log_exceptions=False)

    @causes(T.UNEXPECTED, "unknown", retryable=True)
    def test_database_older_than_the_program(self):
        with self.transaction() as cr:
            statement = "SELECT column_of_the_next_version FROM sync_mapping"
            return self.raised(cr.execute, statement, log_exceptions=False)

    @causes(T.CACHE_UNAVAILABLE, "not_sent")
    def test_cache_table_that_is_gone(self):
        with self.transaction() as cr:
            return self.raised(read_cache, cr)

    # -- The job queue ----------------------------------------------------------------

    @causes(T.MESSAGE_QUEUE_FAILED, "not_sent")
    def test_job_that_is_gone(self):
        job = self.backend._as_runner().with_delay()._job_push()
        job.db_record().unlink()
        return self.raised(Job.load, self.env, job.uuid)

    @causes(T.MESSAGE_QUEUE_FAILED, "not_sent")
    def test_channel_that_is_not_configured(self):
        manager = ChannelManager()
        manager.simple_configure("root:2,root.reports:1")
        return self.raised(manager.get_channel_by_name, "root.pharmacy_sync")

    # -- The server's own condition ---------------------------------------------------

    @causes(T.RESOURCE_EXHAUSTED, "not_sent")
    def test_no_file_handle_for_a_connection(self):
        with closed_port() as port, no_file_handles():
            return self.push_error(f"http://127.0.0.1:{port}")

    @causes(T.RESOURCE_EXHAUSTED, "not_sent")
    def test_full_disk(self):
        with open("/dev/full", "wb", buffering=0) as disk:
            return self.raised(disk.write, b"x")

    @causes(T.RESOURCE_EXHAUSTED, "not_sent")
    def test_quota_of_a_process(self):
        return self.record(quota_error())

    @causes(T.RESOURCE_EXHAUSTED, "not_sent")
    def test_quota_of_the_database(self):
        # Only a superuser of PostgreSQL sets a limit.
        said = "'temporary file size exceeds temp_file_limit (64kB)'"
        code = "'configuration_limit_exceeded'"
        raising = f"DO $$BEGIN RAISE {said} USING ERRCODE = {code}; END$$"
        with self.transaction() as cr:
            return self.raised(cr.execute, raising, log_exceptions=False)

    @causes(T.RESOURCE_EXHAUSTED, "not_sent")
    def test_no_memory(self):
        return self.raised(bytearray, 1 << 60)

    @causes(T.UNEXPECTED, "unknown")
    def test_fault_of_a_program(self):
        error = self.raised(self.env["sync.api"].push, "supplier")
        self.assertIn("missing 1 required positional argument", error.message)
        return error

    @causes(T.UNEXPECTED, "unknown")
    def test_fault_of_a_server_action(self):
        action = self.env["ir.actions.server"].create(
            {
                "name": "Reorder",
                "state": "code",
                "model_id": self.env.ref("purchase.model_purchase_order").id,
                "code": "record.reorder_everything()",
            }
        )
        context = {"active_model": "purchase.order", "active_id": self.order.id}
        error = self.raised(action.with_context(**context).run)
        self.assertIn("has no attribute 'reorder_everything'", error.message)
        return error

    # -- None is forgotten ------------------------------------------------------------

    def test_every_type_is_caused(self):
        tests = (getattr(type(self), n) for n in dir(self) if n.startswith("test_"))
        caused = {getattr(test, "error_type", None) for test in tests} - {None}
        self.assertEqual(caused, set(T))
