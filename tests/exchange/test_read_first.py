from odoo import fields
from odoo.tests import tagged

from ...client.pharmacy import PharmacyClient
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestReadFirst(SyncCase):
    """An app that ignores If-Match: records are read before they are sent."""

    def setUp(self):
        super().setUp()
        self.streams = self.backend.stream_ids
        self.stream = self.streams.filtered(lambda s: s.entity == "supplier")
        self.make_order()
        self.sync()
        self.external_id = self.mapping(self.supplier).external_id

    def find(self, *hidden):
        self.app.call("POST", "/admin/settings", hidden=hidden)
        self.backend.action_test_connection()
        self.env.invalidate_all()
        self.app.call("DELETE", "/admin/requests")

    def edit(self, **values):
        self.app.edit("suppliers", self.external_id, **values)

    def now(self):
        return self.app.get("suppliers", self.external_id)

    def reads(self):
        """How often the supplier itself was read."""
        return len(
            [
                request
                for request in self.app.requests()
                if request["path"].endswith(self.external_id)
                and request["method"] == "GET"
            ]
        )

    def errors(self):
        return self.env["sync.error"].search(
            [("stream_id", "=", self.stream.id), ("type", "=", "version_conflict")]
        )

    def race(self, **values):
        """Have a person at the pharmacy save just before Odoo's next change arrives."""
        call, waiting = PharmacyClient._call, [values]

        def raced(client, method, path, **options):
            if method != "GET" and waiting:
                self.edit(**waiting.pop())
            return call(client, method, path, **options)

        self.patch(PharmacyClient, "_call", raced)

    def test_the_connection_test_finds_what_the_app_heeds(self):
        for rest in ([], ["capabilities"]):
            before = self.now()
            # What it has done once is forgotten where it is seen to heed versions now.
            self.streams.overwrote_at = rest and fields.Datetime.now()
            self.find("if_match", *rest)
            self.assertTrue(all(self.streams.mapped("reads_first")))
            self.assertEqual(all(self.streams.mapped("overwrote_at")), bool(rest))
            self.assertIn("read before", self.stream.roads_cost)
            self.assertNotIn("old version", self.stream.abilities)
            self.find(*rest)
            self.assertFalse(any(self.streams.mapped("reads_first")))
            self.assertFalse(self.stream.roads_cost)
            self.assertIn("old version", self.stream.abilities)
            self.assertEqual(self.now(), before, "to try changes nothing")

    def test_a_person_decides_otherwise(self):
        self.find("if_match")
        self.streams.match_choice = "if_match"
        self.assertFalse(any(self.streams.mapped("reads_first")))
        self.find()
        self.streams.match_choice = "read"
        self.assertTrue(all(self.streams.mapped("reads_first")))

    def test_what_the_pharmacy_has_changed_is_not_overwritten(self):
        for rest, city in (([], "Cusco"), (["batch"], "Ica")):
            self.find("if_match", *rest)
            self.edit(city=city, phone="1")
            self.supplier.write({"city": "Tacna", "email": f"{city}@example.com"})
            self.push()
            now = self.now()
            self.assertEqual((now["city"], now["phone"]), (city, "1"))
            conflict = self.mapping(self.supplier)._open_conflict()
            self.assertEqual(conflict.line_ids.mapped("field"), ["city"])
            self.assertEqual(self.supplier.phone, "1")
            self.assertEqual(self.errors()[:1].http_status, 412)
            self.push()
            self.assertEqual(self.now()["email"], f"{city}@example.com")
            conflict.resolve({"city": {"choice": "pharmacy"}})
            self.supplier.phone = False
            self.sync()

    def test_it_costs_one_request_for_each_record(self):
        self.find("if_match")
        self.supplier.city = "Tacna"
        self.sync()
        self.assertEqual(self.reads(), 1)
        self.assertEqual(self.now()["city"], "Tacna")
        self.find()
        self.supplier.city = "Lima"
        self.sync()
        self.assertEqual(self.reads(), 0)

    def test_what_is_deleted_at_the_pharmacy_stays_deleted(self):
        self.find("if_match")
        path = f"/api/v1/suppliers/{self.external_id}"
        self.app.call("DELETE", path, headers={"If-Match": "*"})
        self.supplier.city = "Tacna"
        self.push()
        self.assertTrue(self.mapping(self.supplier).deleted)

    def test_what_is_changed_at_the_pharmacy_is_not_deleted_unseen(self):
        self.find("if_match")
        mapping = self.mapping(self.supplier)
        self.edit(city="Cusco")
        self.env["purchase.order"].search([]).button_cancel()
        self.env["purchase.order"].search([]).unlink()
        self.supplier.unlink()
        self.push()
        self.assertIn("at version 2, not 1", self.errors().message)
        self.assertEqual(mapping.base["city"], "Cusco", "it was seen")

    def test_an_overwritten_change_shows_by_its_version(self):
        """The app says that it heeds If-Match, and does not."""
        for rest in ([], ["batch"]):
            self.find(*rest)
            self.app.call("POST", "/admin/settings", hidden=["if_match", *rest])
            self.streams.overwrote_at = False
            self.assertFalse(self.stream.reads_first)
            self.race(city="Cusco", phone="1")
            self.supplier.city = "Tacna"
            self.push()
            # What was in the same field is gone, and that is said.
            self.assertEqual(self.now()["city"], "Tacna")
            self.assertIn("overwritten: city.", self.errors()[:1].message)
            # What was not is not.
            self.assertEqual(self.supplier.phone, "1")
            self.assertTrue(self.stream.reads_first)
            # The next one is not overwritten any more.
            self.edit(city="Ica")
            self.supplier.city = "Puno"
            self.push()
            self.assertEqual(self.now()["city"], "Ica")
            self.mapping(self.supplier)._open_conflict().resolve(
                {"city": {"choice": "pharmacy"}}
            )
            self.supplier.phone = False
            self.sync()

    def test_the_instant_between_is_reported(self):
        self.find("if_match")
        self.race(city="Cusco")
        unseen = self.now()["version"] + 1
        self.supplier.city = "Tacna"
        self.push()
        self.assertIn("overwritten: city.", self.errors().message)
        self.assertIn(f"over version {unseen},", self.errors().message)

    def test_an_app_that_counts_by_more_than_one_is_believed(self):
        call = PharmacyClient._call

        def counting_by_ten(client, method, path, **options):
            """An app whose versions are ten times those of this one."""
            answer = call(client, method, path, **options)
            for result in answer.get("results", ()) if method == "POST" else ():
                result["version"] *= 10
            return answer

        self.patch(PharmacyClient, "_call", counting_by_ten)
        self.find()
        self.supplier.city = "Tacna"
        self.push()
        self.assertFalse(self.stream.overwrote_at)
        self.assertFalse(self.errors())

    def test_another_app_may_heed(self):
        self.stream.overwrote_at = "2026-01-01"
        self.move_app(self.app.url.replace("127.0.0.1", "localhost"))
        self.assertFalse(self.stream.overwrote_at)
