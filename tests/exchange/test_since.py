from contextlib import closing
from sqlite3 import connect

from odoo.tests import tagged

from ...client.pharmacy import PharmacyClient
from ..common import WorkCase


@tagged("post_install", "-at_install")
class TestSince(WorkCase):
    """An app without a feed of changes: they are read from its list, by their time."""

    def setUp(self):
        super().setUp()
        self.streams = self.backend.stream_ids
        self.at_suppliers = self.stream("supplier")
        self.find()

    def find(self, *hidden):
        self.app.call("POST", "/admin/settings", hidden=["change_feed", *hidden])
        self.backend.action_test_connection()
        self.env.invalidate_all()

    def add(self, name, **values):
        return self.app.add("suppliers", name=name, **values)["id"]

    def stamp(self, external_id, at):
        """Let the app have changed it at that time."""
        with closing(connect(self.app._file())) as db, db:
            db.execute(
                "UPDATE record SET updated_at = ? WHERE id = ?", (at, external_id)
            )

    def named(self, name):
        return self.env["res.partner"].search([("name", "=", name)])

    def kept(self, state="waiting"):
        return self.operations(kind="apply", state=state)

    def test_the_connection_test_finds_the_road(self):
        for rest in ([], ["capabilities"]):
            self.find(*rest)
            self.assertTrue(all(self.streams.mapped("reads_list")))
            self.assertIn("a comparison finds both", self.at_suppliers.roads_cost)
            self.add("There")
            self.find("updated_since", *rest)
            # An empty list does not show that the app ignores the time.
            self.assertFalse(self.at_suppliers.reads_list)
            self.app.call("POST", "/admin/settings", hidden=rest)
            self.backend.action_test_connection()
            self.env.invalidate_all()
            self.assertFalse(any(self.streams.mapped("reads_list")))

    def test_changes_arrive_both_ways(self):
        order = self.make_order()
        self.sync()
        self.app.edit("suppliers", self.mapping(self.supplier).external_id, city="Ica")
        new = self.add("New")
        self.pull()
        self.assertEqual(self.supplier.city, "Ica")
        self.assertTrue(self.named("New"))
        self.app.edit("suppliers", new, city="Lima")
        self.pull()
        self.assertEqual(self.named("New").city, "Lima")
        self.assertEqual(len(self.app.items("purchase-orders")), 1)
        self.assertTrue(self.mapping(order).external_id)

    def test_what_was_read_is_not_applied_again(self):
        self.add("One")
        seen = self.applied()
        self.pull()
        self.assertEqual(seen, ["One"])
        self.pull()
        self.add("Two")
        self.pull()
        self.assertEqual(seen, ["One", "Two"])
        self.assertEqual(len(self.named("One")), 1)

    def test_a_late_commit_of_an_earlier_second_is_read(self):
        """It was stamped before what was read last, and seen only after."""
        self.stamp(self.add("First"), "2026-01-02T03:10:00Z")
        self.pull()
        self.assertEqual(self.at_suppliers.cursor, "since:2026-01-02T03:10:00Z")
        self.stamp(self.add("Same second"), "2026-01-02T03:10:00Z")
        self.stamp(self.add("Late"), "2026-01-02T03:00:00Z")
        self.stamp(self.add("Too late"), "2026-01-02T02:59:59Z")
        self.pull()
        self.assertTrue(self.named("Same second"))
        self.assertTrue(self.named("Late"))
        self.assertFalse(self.named("Too late"))
        self.at_suppliers.action_read_again()
        self.pull()
        self.assertTrue(self.named("Too late"))

    def test_a_time_that_is_to_come_hides_nothing(self):
        self.stamp(self.add("Ahead"), "2999-01-01T00:00:00Z")
        self.pull()
        self.assertTrue(self.named("Ahead"))
        self.add("Now")
        self.pull()
        self.assertTrue(self.named("Now"))

    def test_another_road_begins_anew(self):
        deleted = self.add("One")
        self.pull()
        mapping = self.mapping(self.named("One"))
        self.app.call("POST", "/admin/settings", hidden=[])
        self.streams.reading_choice = "feed"
        path = f"/api/v1/suppliers/{deleted}"
        self.app.call("DELETE", path, headers={"If-Match": "*"})
        self.pull()
        self.assertTrue(mapping.deleted)
        self.assertNotIn("since", self.at_suppliers.cursor)
        self.streams.reading_choice = "since"
        self.add("Two")
        self.pull()
        self.assertTrue(self.named("Two"))
        self.assertTrue(self.at_suppliers.cursor.startswith("since:20"))
        self.assertFalse(self.backend.set_back_at)

    def test_many_pages_and_a_row_that_is_deleted_meanwhile(self):
        self.at_suppliers.batch_size = 2
        names = [f"Supplier {number}" for number in range(7)]
        ids = [self.add(name) for name in names]
        call, left = PharmacyClient._call, [ids[0], ids[1]]

        def deleting(client, method, path, **options):
            answer = call(client, method, path, **options)
            if path == "/suppliers" and left:
                gone = f"/api/v1/suppliers/{left.pop()}"
                self.app.call("DELETE", gone, headers={"If-Match": "*"})
            return answer

        self.patch(PharmacyClient, "_call", deleting)
        self.pull()
        self.assertFalse(left)
        found = self.env["res.partner"].search([("name", "in", names)])
        self.assertEqual(set(found.mapped("name")), set(names))

    def test_pages_that_lead_in_a_circle_are_read_anew_once_that_is_mended(self):
        self.at_suppliers.batch_size = 1
        for number in range(5):
            self.add(f"Supplier {number}")
        call, places, asked = PharmacyClient._call, [], []

        def leading(client, method, path, **options):
            found = call(client, method, path, **options)
            if path != "/suppliers":
                return found
            asked.append(options["params"].get("after"))
            if len(places) < 2:
                places.append(found["next_after"])
                return found
            return {**found, "next_after": places[asked[-1] != places[1]]}

        self.patch(PharmacyClient, "_call", leading)
        for __ in range(9):
            self.pull()
            self.make_due()
        (failed,) = self.operations(kind="pull", state="dead")
        self.assertIn("circle", failed.error_ids.sorted("id")[-1:].message)
        self.assertLess(len(asked), 40)
        self.assertNotIn("|", self.at_suppliers.cursor, "it begins with the first page")
        self.patch(PharmacyClient, "_call", call)
        self.operations(kind="pull", state="dead")._redrive("It is mended.")
        self.pull()
        found = self.env["res.partner"].search([("name", "=", "Supplier 4")])
        self.assertTrue(found)

    def test_one_that_cannot_be_applied_counts_its_own_attempts_alone(self):
        self.add("Good")
        bad = self.add("Bad")
        self.falsify(bad, version="one")
        self.pull()
        self.assertTrue(self.named("Good"))
        (kept,) = self.operations(kind="apply")
        attempts, errors = kept.attempts, len(kept.error_ids)
        self.pull()
        self.assertEqual((kept.attempts, len(kept.error_ids)), (attempts, errors))

    def test_ids_that_are_numbers_are_refused_once(self):
        self.add("Good")
        self.falsify(self.add("Numbered"), id=7)
        self.falsify(self.add("Nameless"), id=None)
        self.pull()
        self.pull()
        self.assertTrue(self.named("Good"))
        self.assertFalse(self.named("Numbered"))
        self.assertEqual(len(self.operations(kind="apply")), 2)
        self.assertIn("id", self.operations(kind="apply")[0].last_error)

    def falsify(self, external_id, **values):
        """Have the app's list say something else of one record."""
        call = PharmacyClient._call

        def falsifying(client, method, path, **options):
            answer = call(client, method, path, **options)
            for item in answer.get("items", ()) if method == "GET" else ():
                if item.get("id") == external_id:
                    item.update(values)
            return answer

        self.patch(PharmacyClient, "_call", falsifying)

    def test_an_answer_that_is_an_error_inside_moves_nothing(self):
        self.add("One")
        self.pull()
        cursor = self.at_suppliers.cursor
        call = PharmacyClient._call

        def failing(client, method, path, **options):
            if path == "/suppliers":
                return {"error": {"message": "busy"}}
            return call(client, method, path, **options)

        self.patch(PharmacyClient, "_call", failing)
        self.add("Two")
        self.pull()
        self.assertEqual(self.at_suppliers.cursor, cursor)
        self.assertTrue(self.at_suppliers.trouble)
        self.patch(PharmacyClient, "_call", call)
        self.at_suppliers.action_read_again()
        self.pull()
        self.assertTrue(self.named("Two"))

    def test_a_quiet_app_costs_one_request_for_each_stream(self):
        self.add("One")
        self.pull()
        self.app.call("DELETE", "/admin/requests")
        read_at = self.at_suppliers.pulled_at
        self.pull()
        self.assertEqual(len(self.app.requests()), len(self.streams))
        self.assertEqual(self.at_suppliers.pulled_at, read_at)

    def test_what_the_pharmacy_deletes_a_comparison_finds(self):
        external_id = self.add("Gone")
        self.pull()
        path = f"/api/v1/suppliers/{external_id}"
        self.app.call("DELETE", path, headers={"If-Match": "*"})
        self.sync()
        mapping = self.mapping(self.named("Gone"))
        self.assertFalse(mapping.deleted)
        work = self.env["sync.reconciliation"].create(
            {"stream_id": self.at_suppliers.id}
        )
        work.action_start()
        self.run_job(work)
        self.assertEqual(work.state, "done")
        drift = work.drift_ids.filtered(lambda d: d.mapping_id == mapping)
        self.assertEqual((drift.kind, drift.repair), ("missing_pharmacy", "pull"))
