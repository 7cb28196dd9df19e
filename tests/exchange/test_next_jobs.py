"""What exchange leaves to a job that follows, and what it keeps of an attempt."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from ...core.exceptions import InvalidDataError
from ...core.refusal import KEY_WAIT
from ...core.retry.policy import DEPENDENCY_WAIT, TOTAL_DEADLINE
from ...models.base.own_transaction import apart
from ...models.call import sync_breaker
from ...models.exchange import pull
from ..common import SyncCase

SUPPLIERS = "suppliers"
AGE = timedelta(minutes=5)


class NextJobs(SyncCase):
    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.sync()
        self.suppliers = self.stream("supplier")
        self.forget_jobs()

    def stream(self, entity):
        return self.backend.stream_ids.filtered(lambda s: s.entity == entity)

    def assert_both_at_once(self):
        self.assertEqual(self.etas("_job_push"), [False])
        self.assertEqual(self.etas("_job_pull"), [False])

    def assert_in(self, eta, seconds, begin):
        """A moment is so many seconds after a beginning, but for what a slow machine
        takes."""
        late = (eta - begin).total_seconds() - seconds
        self.assertTrue(-1 <= late < 20, late)

    def queue(self):
        """What was changed waits to be sent."""
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        self.forget_jobs()

    def open_breaker(self, operation):
        """:return: how it refuses to let a call through"""
        breaker = self.backend._breaker(operation)
        breaker._set_mode("forced_open", "for the test")
        self.env.flush_all()
        sync_breaker._read.clear()
        return breaker._rejection()

    def fail_once(self, **rule):
        self.app.fault("error", **{"status": 503, "count": 1, **rule})


@tagged("post_install", "-at_install")
class TestNextReading(NextJobs):
    def read_on(self):
        self.env.flush_all()
        answered = self.suppliers._pull()
        self.env.invalidate_all()
        return answered

    def test_a_reading_that_failed_has_a_job_for_its_time(self):
        self.fail_once()
        begin = fields.Datetime.now()
        self.assertFalse(self.read_on())
        failed = self.operations(kind="pull")
        self.assertEqual((failed.state, failed.attempts), ("waiting", 1))
        (eta,) = self.etas("_job_pull")
        self.assertEqual(eta, failed.eta.replace(microsecond=0) + timedelta(seconds=1))
        self.assertLess(abs(failed.deadline_at - begin - TOTAL_DEADLINE).seconds, 20)

    def test_each_failed_reading_counts_and_has_its_whole_time_anew(self):
        self.fail_once()
        self.read_on()
        failed = self.operations(kind="pull")
        first = failed.correlation_id
        failed.write({"eta": False, "deadline_at": fields.Datetime.now()})
        self.fail_once()
        self.read_on()
        self.assertEqual((failed.state, failed.attempts), ("waiting", 2))
        self.assertGreater(failed.deadline_at, fields.Datetime.now())
        self.assertNotEqual(failed.correlation_id, first)
        self.assertEqual(len(failed.error_ids), 2)

    def test_a_key_that_cannot_be_tested_is_tried_again_and_nothing_has_failed(self):
        rules = [{"kind": "forbid", "count": 1}, {"kind": "error", "status": 503}]
        self.app.call("POST", "/admin/faults", seed=1, rules=rules)
        begin = fields.Datetime.now()
        self.assertFalse(self.read_on())
        self.assertFalse(self.operations(kind="pull"))
        (eta,) = self.etas("_job_pull")
        self.assert_in(eta, KEY_WAIT, begin)

    def read_a_page(self):
        """One of several."""
        self.suppliers.batch_size = 1
        self.patch(pull, "PAGES_PER_JOB", 1)
        for number in range(4):
            self.app.add(SUPPLIERS, name=f"Supplier {number}")
        self.forget_jobs()
        self.assertTrue(self.read_on())

    def test_the_rest_of_a_long_reading_is_for_a_job_at_once(self):
        self.assertFalse(self.suppliers._is_half_read())
        self.read_a_page()
        operation = self.operations(kind="pull")
        self.assertEqual((operation.state, operation.job_uuid), ("pending", False))
        self.assertEqual(self.etas("_job_pull"), [False])
        self.assertTrue(self.suppliers._is_half_read())
        for __ in range(4):
            self.read_on()
        self.assertEqual(operation.state, "done")
        self.assertFalse(self.suppliers._is_half_read())
        named = [("name", "=like", "Supplier _")]
        self.assertEqual(self.env["res.partner"].search_count(named), 4)

    def test_a_page_that_is_not_asked_for_is_the_next_job_s(self):
        """The breaker is open: nothing has failed, and the reader stays where it is."""
        self.read_a_page()
        place = (self.suppliers.cursor, self.suppliers.cursor_course)
        self.forget_jobs()
        rejection = self.open_breaker("pull")
        begin = fields.Datetime.now()
        self.assertFalse(self.read_on())
        (operation,) = self.operations(kind="pull")
        self.assertEqual((operation.state, operation.attempts), ("pending", 0))
        self.assertFalse(operation.error_ids)
        (eta,) = self.etas("_job_pull")
        self.assert_in(eta, rejection.retry_after, begin)
        self.assertEqual((self.suppliers.cursor, self.suppliers.cursor_course), place)

    def test_a_reading_that_died_is_made_again_once_the_connection_changes(self):
        other = self.second_backend()
        for backend in (self.backend, other):
            stream = backend.stream_ids.filtered(lambda s: s.entity == "supplier")
            stream.cursor = "a cursor that no feed gave"
            self.pull(backend)
        dead = self.env["sync.operation"].search(
            [("kind", "=", "pull"), ("state", "=", "dead")]
        )
        self.assertEqual(dead.backend_id, self.backend | other)
        self.forget_jobs()
        self.backend.api_key = "another"
        self.assertEqual(set(dead.mapped("state")), {"dead", "pending"})
        again = dead.filtered(lambda o: o.state != "dead")
        self.assertEqual(again.backend_id, self.backend)
        self.assertEqual(self.etas("_job_pull"), [False])

    def test_a_record_that_waits_for_another_has_a_job_for_its_time(self):
        theirs = {
            **{"id": "po_1", "version": 1, "reference": "R-1"},
            **{"supplier_id": "sup_late", "currency": "EUR", "lines": []},
        }
        begin = fields.Datetime.now()
        orders = self.stream("purchase_order")
        orders._keep_failed(orders._apply([theirs], "page"), "page")
        operation = self.operations(kind="apply")
        self.assertEqual((operation.state, operation.attempts), ("waiting", 0))
        self.assertIn("sup_late", operation.reason)
        self.assert_in(operation.eta, DEPENDENCY_WAIT, begin)
        self.assertEqual(operation.error_ids.retry_delay, DEPENDENCY_WAIT)
        (eta,) = self.etas("_job_pull")
        self.assert_in(eta, DEPENDENCY_WAIT, begin)


@tagged("post_install", "-at_install")
class TestNextPush(NextJobs):
    def operation(self, record=None):
        mapping = self.mapping(record or self.order)
        return mapping.operation_ids.sorted("id")[-1:]

    def test_what_waits_for_a_record_that_is_not_there_has_a_job_for_its_time(self):
        self.stream("product").direction = "pull"
        product = self.env["product.product"].create({"name": "Stays here"})
        order = self.make_order()
        order.order_line[0].product_id = product
        begin = fields.Datetime.now()
        self.push()
        operation = self.operation(order)
        self.assertEqual((operation.state, operation.attempts), ("waiting", 0))
        self.assertIn("Stays here", operation.reason)
        self.assert_in(operation.eta, DEPENDENCY_WAIT, begin)
        late = operation.eta.replace(microsecond=0) + timedelta(seconds=1)
        self.assertIn(late, self.etas("_job_push"))

    def test_the_first_attempt_is_the_first(self):
        """How long it took is from there on."""
        self.order.origin = "PH-1"
        self.fail_once()
        self.push()
        operation = self.operation()
        self.assertLess(fields.Datetime.now() - operation.first_attempt_at, AGE)
        operation.first_attempt_at -= timedelta(hours=1)
        begun = operation.first_attempt_at
        self.fail_once()
        self.make_due()
        self.push()
        self.assertEqual((operation.state, operation.attempts), ("waiting", 2))
        self.assertEqual(operation.first_attempt_at, begun)
        self.make_due()
        self.push()
        self.assertEqual((operation.state, operation.first_attempt_at), ("done", begun))
        self.assertIn("3", operation.reason)

    def test_what_was_sent_before_is_logged_as_a_retry(self):
        self.order.origin = "PH-1"
        self.fail_once()
        self.queue()
        self.env["sync.call"].search([]).unlink()
        self.push()
        self.make_due()
        self.push()
        calls = self.env["sync.call"].search([("operation", "=", "push")], order="id")
        self.assertEqual(calls.mapped("status"), [503, 200])
        self.assertEqual(calls.mapped("retry"), [False, True])

    def claim(self):
        self.order.origin = "PH-1"
        self.queue()
        orders = self.stream("purchase_order")
        __, items = apart(orders._claim_push, None)
        self.env.invalidate_all()
        self.assertEqual(self.operation().state, "running")
        self.assertFalse(self.operation().eta)
        return orders, items

    def test_what_the_breaker_holds_back_goes_once_its_time_is_over(self):
        """It opened once the batch was taken up: the attempt was not made."""
        orders, items = self.claim()
        rejection = self.open_breaker("push")
        self.assertGreater(rejection.retry_after, 1)
        answers, failures = orders._send(items)
        begin = fields.Datetime.now()
        apart(orders._settle_push, items, answers, failures)
        self.env.invalidate_all()
        operation = self.operation()
        self.assertEqual((operation.state, operation.attempts), ("waiting", 0))
        self.assertTrue(operation.parked)
        self.assert_in(operation.eta, rejection.retry_after, begin)
        self.assertFalse(operation.recovery, "it has not failed before")
        (eta,) = self.etas("_job_push")
        self.assert_in(eta, rejection.retry_after, begin)

    def test_what_failed_before_waits_for_the_app_after_all(self):
        orders, items = self.claim()
        operation = self.operation()
        operation.recovery = "retry"
        self.open_breaker("push")
        apart(orders._settle_push, items, *orders._send(items))
        self.env.invalidate_all()
        self.assertEqual((operation.state, operation.recovery), ("waiting", "parked"))

    def test_a_defect_before_anything_is_sent_is_the_failure_of_each(self):
        """Of those of the batch that have no answer yet."""
        orders, items = self.claim()

        def looking_up(stream, *args):
            raise ZeroDivisionError("a defect")

        self.patch(self.env.registry["sync.stream"], "_look_up_uncertain", looking_up)
        answers, failures = orders._send(items)
        self.assertFalse(answers)
        self.assertEqual([str(exc) for exc in failures.values()], ["a defect"])
        apart(orders._settle_push, items, answers, failures)
        self.env.invalidate_all()
        self.assertEqual(self.operation().error_ids.type, "unexpected")

    def test_what_waited_for_the_app_goes_on_once_it_has_taken_a_push(self):
        self.supplier.city = "Lima"
        self.queue()
        waits = self.operation(self.supplier)
        waits._give_back(3600, "It did not answer.")
        self.order.origin = "PH-1"
        self.push()
        self.assertEqual(self.at_app(self.order)["reference"], "PH-1")
        self.assertFalse(waits.parked)
        self.push()
        self.assertEqual(self.at_app(self.supplier)["city"], "Lima")

    def test_what_an_arrival_leaves_to_be_sent_has_a_job(self):
        at_app = self.at_app(self.order)
        self.order.origin = "from here"
        self.env.cr.flush()
        self.forget_jobs()
        record = {**at_app, "version": at_app["version"] + 1, "notes": "from there"}
        (arrival,) = self.stream("purchase_order")._apply([record], "arrives")
        self.assertEqual(arrival.outcome, "updated")
        self.assertEqual(self.etas("_job_push"), [False])
        self.assertEqual(self.operation().state, "pending")
        self.assertFalse(self.etas("_job_look"), "its version is no sign of anything")

    def test_a_push_that_meets_news_of_a_record_yet_to_come_waits_as_they_do(self):
        late = self.app.add(SUPPLIERS, name="Late")
        self.app.edit(
            "purchase-orders",
            self.mapping(self.order).external_id,
            supplier_id=late["id"],
        )
        self.order.origin = "PH-1"
        begin = fields.Datetime.now()
        self.push()
        operation = self.operation()
        self.assertEqual((operation.state, operation.attempts), ("waiting", 0))
        self.assertIn(late["id"], operation.reason)
        self.assert_in(operation.eta, DEPENDENCY_WAIT, begin)
        self.pull()
        self.make_due()
        self.sync()
        self.assertEqual(self.order.partner_id.name, "Late")
        self.assertEqual(self.at_app(self.order)["reference"], "PH-1")

    def test_a_refusal_names_the_field_once(self):
        stream, operation = self.stream("purchase_order"), self.operation()
        for message, shown in (
            ("is too long", "city: is too long"),
            ("city is too long", "city is too long"),
        ):
            error = {"field": "city", "message": message}
            failure = stream._refusal(operation, {"status": 422, "error": error})
            self.assertEqual(failure.classification.message, shown)
        failure = stream._refusal(operation, {"status": 422})
        self.assertEqual(failure.exception.status, 422)
        self.assertFalse(failure.classification.counts_for_breaker)

    def test_who_may_not_is_refused(self):
        looker = self.env["res.users"].browse(
            self.make_user("looker", "pharmacy_sync.group_user")
        )
        operator = self.env["res.users"].browse(
            self.make_user("operator", "pharmacy_sync.group_operator")
        )
        self.forget_jobs()
        with self.assertRaises(AccessError):
            self.backend.with_user(looker).action_synchronise()
        with self.assertRaises(AccessError):
            self.backend.with_user(operator).action_send_all()
        self.assertFalse(self.etas("_job_push") + self.etas("_job_pull"))
        self.backend.with_user(operator).action_synchronise()
        self.assert_both_at_once()

    def test_a_record_that_cannot_be_read_keeps_what_a_person_is_asked(self):
        """Its conflict waits for an answer as before; its push is a failed change."""
        mapping = self.mapping(self.supplier)
        self.app.edit(SUPPLIERS, mapping.external_id, city="Lima")
        self.supplier.city = "Faro"
        self.sync()
        conflict = mapping._open_conflict()
        self.assertEqual(conflict.line_ids.field, "city")
        adapter = self.env.registry["sync.entity.supplier"]
        serialise = adapter._serialise

        def serialising(adapter, records, directory):
            if self.supplier in records:
                raise InvalidDataError("It cannot be read.")
            return serialise(adapter, records, directory)

        self.patch(adapter, "_serialise", serialising)
        self.supplier.phone = "1"
        self.order.origin = "PH-1"
        self.push()
        self.assertEqual(conflict.state, "open")
        self.assertIn("It cannot be read.", self.operation(self.supplier).last_error)
        self.assertEqual(self.operation(self.supplier).attempts, 1)
        self.assertEqual(self.at_app(self.order)["reference"], "PH-1")

    def test_a_record_that_is_deleted_leaves_nobody_to_be_asked(self):
        partner = self.env["res.partner"].create(
            {"name": "Gone", "is_company": True, "supplier_rank": 1}
        )
        self.sync()
        mapping = self.mapping(partner)
        self.app.edit(SUPPLIERS, mapping.external_id, city="Lima")
        partner.city = "Faro"
        self.sync()
        conflict = mapping._open_conflict()
        self.assertTrue(conflict)
        partner.unlink()
        self.queue()
        self.assertNotEqual(conflict.state, "open")

    def test_a_record_deleted_there_leaves_nobody_to_be_asked(self):
        product = self.products[0]
        mapping = self.mapping(product)
        self.app.edit("products", mapping.external_id, name="Theirs")
        product.name = "Ours"
        self.sync()
        conflict = mapping._open_conflict()
        self.assertTrue(conflict)
        path = f"/api/v1/products/{mapping.external_id}"
        self.app.call("DELETE", path, headers={"If-Match": "*"})
        self.pull()
        self.assertFalse(product.active)
        self.assertNotEqual(conflict.state, "open")

    def test_records_that_cannot_be_looked_at_are_failed_pushes(self):
        """Whatever else is kept of them is left as it is."""
        Operation = self.env["sync.operation"]
        other = self.env["res.partner"].create({"name": "Other"})
        mapping = self.mapping(self.supplier)
        arrived = Operation.create(
            {
                "kind": "apply",
                "stream_id": self.suppliers.id,
                "mapping_id": mapping.id,
                "external_id": mapping.external_id,
                "payload": {"id": mapping.external_id},
            }
        )
        changed = {self.supplier.id: "of-one", other.id: "of-another"}
        for attempts in (1, 2):
            error = InvalidDataError("It cannot be looked at.")
            Operation._refuse_push(self.suppliers, changed, error)
            for record in (self.supplier, other):
                dead = self.mapping(record).operation_ids.filtered(
                    lambda o: o.state == "dead"
                )
                self.assertEqual((dead.kind, dead.attempts), ("push", attempts))
                self.assertEqual(dead.correlation_id, changed[record.id])
                self.assertEqual(len(dead.error_ids), attempts)
        self.assertEqual(arrived.state, "pending")

    def test_what_a_push_brings_about_is_delivered_by_its_job(self):
        self.order.origin = "PH-1"
        self.push()
        pending = [("state", "=", "pending"), ("backend_id", "=", self.backend.id)]
        self.assertFalse(self.env["sync.event"].search(pending))

    def test_a_person_who_asks_for_it_begins_both_roads(self):
        self.backend.action_synchronise()
        self.assert_both_at_once()
        self.forget_jobs()
        self.backend.action_send_all()
        self.assert_both_at_once()

    def test_a_link_that_is_broken_begins_both_roads(self):
        mapping = self.mapping(self.supplier)
        mapping.action_break_link()
        self.assert_both_at_once()

    def test_an_app_that_went_back_begins_both_roads_once(self):
        streams, epoch = self.backend.stream_ids, self.backend.epoch
        streams[0].read_until = "2026-01-03T00:00:00Z"
        streams[1].read_until = "2026-01-02T00:00:00Z"
        streams[2].read_until = False
        self.backend._went_back("It forgot.", epoch)
        self.assert_both_at_once()
        self.assertEqual(self.backend.epoch, epoch + 1)
        self.assertEqual(self.backend.set_back_reason, "It forgot.")
        self.assertEqual(self.backend.read_until, "2026-01-03T00:00:00Z")
        self.assertFalse(any(streams.mapped("cursor")))
        # Who has seen it in that epoch as well has nothing to say.
        self.backend._went_back("It forgot again.", epoch)
        self.assertEqual(self.backend.epoch, epoch + 1)
        self.assertEqual(self.backend.set_back_reason, "It forgot.")
        # Of those who do not know the epoch each is believed.
        self.backend._went_back("It forgot more.")
        self.assertEqual(self.backend.epoch, epoch + 2)
