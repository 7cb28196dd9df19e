from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from ...models.backend import sync_stream
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestBackend(SyncCase):
    """What the buttons of a backend do."""

    def setUp(self):
        super().setUp()
        self.other = self.env["sync.backend"].create(
            {"name": "Other", "url": "http://127.0.0.1:9"}
        )
        self.manager = self.make_user("manager", "pharmacy_sync.group_manager")
        self.env.flush_all()
        self.env["queue.job"].search([]).unlink()

    def undo(self, action):
        """Press the button that an action offers."""
        self.assertEqual(action["tag"], "pharmacy_sync.undo")
        offered = action["params"]
        records = self.env[offered["model"]].browse(offered["ids"])
        getattr(records.with_user(self.manager), offered["method"])()
        return records

    def jobs(self, backend):
        return self.env["queue.job"].search(
            [("identity_key", "like", f"pharmacy_sync push {backend.id} ")]
        )

    def test_a_pause_is_undone_and_what_was_kept_goes_out(self):
        action = self.backend.with_user(self.manager).action_pause()
        self.assertTrue(self.backend.paused)
        self.assertFalse(self.other.paused)
        self.assertTrue(self.backend.rests_since)
        self.assertFalse(self.jobs(self.backend))
        self.assertEqual(self.undo(action), self.backend)
        self.assertFalse(self.backend.paused)
        self.assertFalse(self.backend.rests_since)
        self.assertTrue(self.jobs(self.backend))
        self.assertFalse(self.jobs(self.other))

    def test_an_archived_one_comes_back_by_undo(self):
        action = self.backend.with_user(self.manager).action_archive()
        self.assertFalse(self.backend.active)
        self.assertTrue(self.other.active)
        self.undo(action)
        self.assertTrue(self.backend.active)
        self.assertTrue(self.jobs(self.backend))

    def test_only_managers_pause(self):
        operator = self.make_user("operator", "pharmacy_sync.group_operator")
        for paused in (False, True):
            self.backend.paused = paused
            for method in ("action_pause", "action_resume"):
                with self.assertRaises(AccessError):
                    getattr(self.backend.with_user(operator), method)()
            self.assertEqual(self.backend.paused, paused)

    def test_who_may_not_change_it_learns_nothing_of_its_key(self):
        self.backend.api_key = "secret"
        operator = self.make_user("operator", "pharmacy_sync.group_operator")
        with self.assertRaises(AccessError):
            self.backend.with_user(operator).url = "https://elsewhere.example.com"

    def test_why_it_was_paused_is_said_until_it_goes_on(self):
        self.backend.write({"paused": True, "pause_reason": "The disk is full."})
        self.backend.name = "Renamed"
        self.assertEqual(self.backend.pause_reason, "The disk is full.")
        self.backend.action_resume()
        self.assertFalse(self.backend.pause_reason)

    def test_it_rests_from_the_first_reason_to_the_end_of_the_last(self):
        self.make_order()
        self.app.fault("error", status=503, count=9)
        self.push()
        operation = self.operations(state="waiting")[0]
        deadline = operation.deadline_at
        start = fields.Datetime.now() + timedelta(minutes=1)
        for minutes, values in (
            (0, {"paused": True}),
            (10, {"refused_at": start}),
            (20, {"paused": False}),
        ):
            with freeze_time(start + timedelta(minutes=minutes)):
                self.backend.write(values)
            self.assertEqual(self.backend.rests_since, start)
        with freeze_time(start + timedelta(minutes=30)):
            self.backend.refused_at = False
        self.assertFalse(self.backend.rests_since)
        self.assertFalse(self.other.rests_since)
        self.env.invalidate_all()
        self.assertEqual(operation.deadline_at - deadline, timedelta(minutes=30))

    def test_one_that_is_deleted_is_followed_no_more(self):
        Stream = self.env["sync.stream"]
        ids = self.other.ids

        def followed():
            found = Stream._following()["supplier"]
            return [backend for __, backend in found if backend in ids]

        self.assertEqual(followed(), ids)
        self.other.unlink()
        self.assertEqual(followed(), [])

    def test_it_is_another_companys_from_then_on(self):
        company = self.env["res.company"].create({"name": "Other Clinic"})
        stream = self.other.stream_ids.filtered(lambda s: s.entity == "purchase_order")
        self.assertIn("of this company", stream.withheld)
        self.other.company_id = company
        stream.invalidate_recordset(["withheld"])
        self.assertFalse(stream.withheld)
        order = self.make_order()
        found = self.env["sync.stream"]._concerned_streams(
            [("purchase_order", order.id)]
        )
        ((__, backend_id),) = found["purchase_order", order.id]
        self.assertEqual(backend_id, self.backend.id)

    def test_its_buttons_open_what_is_its_own(self):
        streams = (self.backend | self.other).stream_ids
        streams = streams.filtered(lambda s: s.entity == "supplier")
        operations = self.env["sync.operation"].create(
            [
                {"kind": "apply", "stream_id": stream.id, "state": state}
                for stream in streams
                for state in ("dead", "done")
            ]
        )
        own = operations.filtered(lambda o: o.backend_id == self.backend)
        for method, expected in (
            ("action_view_operations", own),
            ("action_view_dead_letters", own.filtered(lambda o: o.state == "dead")),
        ):
            action = getattr(self.backend, method)()
            found = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(found, expected, method)

    def test_a_stream_opens_its_own_linked_records(self):
        self.make_order()
        self.push()
        stream = self.backend.stream_ids.filtered(lambda s: s.entity == "product")
        action = stream.action_view_mappings()
        found = self.env["sync.mapping"].search(action["domain"])
        self.assertEqual(found.mapped("res_model"), ["product.product"] * 3)
        self.assertEqual(stream.mapping_count, "3")
        action = found[0].action_open_record()
        self.assertEqual(action["res_model"], "product.product")
        self.assertIn(action["res_id"], self.products.ids)

    def test_more_linked_records_than_anybody_counts_are_not_counted(self):
        self.make_order()
        self.push()
        stream = self.backend.stream_ids.filtered(lambda s: s.entity == "product")
        for most, said in ((4, "3"), (3, "3"), (2, "2+"), (1, "1+")):
            self.patch(sync_stream, "MOST", most)
            stream.invalidate_recordset(["mapping_count"])
            self.assertEqual(stream.mapping_count, said)
        unlinked = self.other.stream_ids.filtered(lambda s: s.entity == "product")
        self.assertEqual(unlinked.mapping_count, "0")

    def test_a_stream_says_whether_the_app_calls_things_otherwise(self):
        stream = self.backend.stream_ids.filtered(lambda s: s.entity == "product")
        self.assertFalse(stream.calls_otherwise)
        self.assertFalse(self.env["sync.stream"].new({}).calls_otherwise)
        stream.list_path = "results"
        self.assertTrue(stream.calls_otherwise)
        # Being typed.
        typed = self.env["sync.stream"].new({"list_path": "a..b"}, origin=stream)
        self.assertTrue(typed.calls_otherwise)
        stream.list_path = "items"
        self.assertFalse(stream.calls_otherwise)
        self.env["sync.field.name"].create(
            {"stream_id": stream.id, "field": "cost", "path": "price_paid"}
        )
        self.assertTrue(stream.calls_otherwise)

    def test_no_stream_yet_is_of_no_model(self):
        stream = self.env["sync.stream"].new({})
        self.assertEqual((stream.rank, stream.res_model), (0, False))
        self.assertEqual(stream.mapping_count, "0")
