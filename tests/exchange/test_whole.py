from contextlib import closing
from sqlite3 import connect

from requests import ConnectionError as NoConnection

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ...client.pharmacy import PharmacyClient
from ...core.exceptions import HttpError, InvalidDataError
from ...core.exchange.rounds import FEW
from ..common import WorkCase

LIST, BY_ID = "/suppliers", "/suppliers/"


@tagged("post_install", "-at_install")
class TestWhole(WorkCase):
    """An app that reports no change: its whole list is read, in rounds."""

    def setUp(self):
        super().setUp()
        self.streams = self.backend.stream_ids
        self.at_suppliers = self.stream("supplier")
        self.add("Sentinel")
        self.find()

    def find(self, *hidden):
        hidden = ["change_feed", "updated_since", *hidden]
        self.app.call("POST", "/admin/settings", hidden=hidden)
        self.backend.action_test_connection()
        self.env.invalidate_all()

    def add(self, name, **values):
        return self.app.add("suppliers", name=name, **values)["id"]

    def add_many(self, count):
        return [self.add(f"Supplier {number}") for number in range(count)]

    def forget(self, *external_ids):
        """Let the app know nothing of these records any more."""
        with closing(connect(self.app._file())) as db, db:
            for external_id in external_ids:
                db.execute("DELETE FROM record WHERE id = ?", (external_id,))

    def delete(self, external_id):
        path = f"/api/v1/suppliers/{external_id}"
        self.app.call("DELETE", path, headers={"If-Match": "*"})

    def round(self):
        """Let the time come for the next round, and read it to its end."""
        self.streams._begin_round()
        self.pull()

    def named(self, name):
        found = self.env["res.partner"].with_context(active_test=False)
        return found.search([("name", "=", name)])

    def link(self, external_id):
        own = [("external_id", "=", external_id)]
        return self.env["sync.mapping"].search(
            [("stream_id", "=", self.at_suppliers.id), *own]
        )

    def deleted(self, external_ids):
        return [i for i in external_ids if self.link(i).deleted]

    def asked(self):
        """Paths that the app was asked for, since it was last looked at."""
        requests = self.app.requests()
        self.app.call("DELETE", "/admin/requests")
        return [
            r["path"].removeprefix("/api/v1") for r in requests if r["method"] == "GET"
        ]

    def intercept(self, answer):
        """Have the client meet something else.

        :param answer: function of the real call, method, path and options
        """
        call = PharmacyClient._call

        def intercepted(client, method, path, **options):
            def real():
                return call(client, method, path, **options)

            return answer(real, method, path, options)

        self.patch(PharmacyClient, "_call", intercepted)
        return lambda: self.patch(PharmacyClient, "_call", call)

    def hide(self, *external_ids):
        """Have a filter of the app leave records out of its list."""

        def answer(real, method, path, options):
            found = real()
            if path == LIST and method == "GET":
                items = [i for i in found["items"] if i["id"] not in external_ids]
                return {**found, "items": items}
            return found

        return self.intercept(answer)

    def falsify(self, external_id, **values):
        """Have the app's list say something else of one record."""

        def answer(real, method, path, options):
            found = real()
            for item in found.get("items", ()) if method == "GET" else ():
                if item.get("id") == external_id:
                    item.update(values)
            return found

        return self.intercept(answer)

    # -- The road ----------------------------------------------------------------------

    def test_the_connection_test_finds_the_road(self):
        for rest in ([], ["capabilities"]):
            self.find(*rest)
            self.assertTrue(self.at_suppliers.reads_whole)
            self.assertFalse(self.at_suppliers.reads_list)
            self.assertIn("whole list", self.at_suppliers.roads_cost)
            self.assertNotIn("cannot be read", self.at_suppliers.roads_cost)
            self.app.call("POST", "/admin/settings", hidden=["change_feed", *rest])
            self.backend.action_test_connection()
            self.env.invalidate_all()
            self.assertFalse(self.at_suppliers.reads_whole)

    def test_an_app_whose_list_cannot_be_read_either_says_so(self):
        self.find("capabilities")

        def answer(real, method, path, options):
            if path == LIST and method == "GET":
                raise HttpError(405)
            return real()

        self.intercept(answer)
        # Another entity can be read, or the test would say so itself.
        found = self.at_suppliers._try_abilities(self.backend._client("test"), "try")
        self.at_suppliers.abilities_found = found
        self.assertFalse(self.at_suppliers.reads_whole)
        self.assertIn("cannot be read", self.at_suppliers.roads_cost)

    def test_changes_arrive_both_ways(self):
        order = self.make_order()
        self.sync()
        self.app.edit("suppliers", self.mapping(self.supplier).external_id, city="Ica")
        new = self.add("New")
        self.round()
        self.assertEqual(self.supplier.city, "Ica")
        self.assertTrue(self.named("New"))
        self.app.edit("suppliers", new, city="Lima")
        self.supplier.phone = "+34 600 000 000"
        self.push()
        self.round()
        self.assertEqual(self.named("New").city, "Lima")
        self.assertEqual(self.at_app(self.supplier)["phone"], "+34 600 000 000")
        self.assertEqual(len(self.app.items("purchase-orders")), 1)
        self.assertTrue(self.mapping(order).external_id)
        self.assertFalse(self.operations(state="dead"))

    def test_between_two_rounds_nothing_is_asked(self):
        self.pull()
        self.asked()
        read_at = self.at_suppliers.read_at
        self.add("New")
        self.asked()
        self.pull()
        self.assertEqual(self.asked(), [])
        self.assertEqual(self.at_suppliers.read_at, read_at)
        self.assertFalse(self.named("New"))
        due = self.at_suppliers._next_round_at()
        self.assertEqual(self.at_suppliers.next_read_at, due)
        self.assertFalse(due.microsecond, "it is for people")
        self.at_suppliers.cursor = self.at_suppliers.cursor.replace(
            "whole:2", "whole:1"
        )
        self.pull()
        self.assertTrue(self.named("New"))

    def test_how_often_a_round_begins_is_bounded(self):
        for minutes in (0, 1441):
            with self.assertRaises(ValidationError):
                self.at_suppliers.list_minutes = minutes

    def test_a_person_who_asks_for_it_waits_for_no_round(self):
        self.pull()
        self.add("New")
        self.backend.action_synchronise()
        self.pull()
        self.assertTrue(self.named("New"))

    def test_what_is_listed_as_it_was_is_not_applied_again(self):
        one = self.add("One")
        seen = self.applied()
        self.pull()
        self.assertEqual(seen, ["Sentinel", "One"])
        pulled_at = self.at_suppliers.pulled_at
        self.round()
        self.assertEqual(self.at_suppliers.pulled_at, pulled_at)
        self.add("Two")
        self.app.edit("suppliers", one, city="Lima")
        self.round()
        self.assertEqual(seen, ["Sentinel", "One", "One", "Two"])
        self.at_suppliers.action_read_again()
        self.pull()
        self.assertEqual(len(seen), 7)
        self.assertEqual(len(self.named("One")), 1)

    def test_a_page_that_is_as_it_was_costs_a_handful_of_statements(self):
        self.at_suppliers.batch_size = 200
        ids = [f"s{number}" for number in range(400)]

        def answer(real, method, path, options):
            if path != LIST or method != "GET":
                return real()
            start = int(options["params"].get("after", 0))
            end = start + 200
            return {
                "items": [
                    {"id": i, "version": 1, "name": f"Name {i}"} for i in ids[start:end]
                ],
                "next_after": str(end) if end < len(ids) else None,
            }

        self.intercept(answer)
        self.at_suppliers.cursor = False
        self.pull()
        self.assertEqual(self.at_suppliers.mapping_count, "400")
        self.streams._begin_round()
        counts = []
        stream_class = self.env.registry["sync.stream"]
        store, page = stream_class._store_page, stream_class._list_page

        def counted(method):
            def count(stream, *args):
                stream.env.flush_all()
                before = self.env.cr.sql_log_count
                result = method(stream, *args)
                stream.env.flush_all()
                counts.append(self.env.cr.sql_log_count - before)
                return result

            return count

        self.patch(stream_class, "_store_page", counted(store))
        self.patch(stream_class, "_list_page", counted(page))
        self.env.cr.flush()
        self.at_suppliers._pull()
        # The second page; the first one begins the pull that is seen at work.
        self.assertLessEqual(counts[2] + counts[3], 8, counts)

    def test_another_road_begins_anew(self):
        one = self.add("One")
        self.pull()
        self.app.call("POST", "/admin/settings", hidden=[])
        self.streams.reading_choice = "feed"
        self.delete(one)
        self.pull()
        self.assertTrue(self.link(one).deleted)
        self.assertNotIn("whole", self.at_suppliers.cursor)
        self.streams.reading_choice = "whole"
        seen = self.applied()
        self.pull()
        self.assertIn("Sentinel", seen)
        self.streams.reading_choice = "since"
        self.add("Two")
        self.pull()
        self.assertTrue(self.named("Two"))
        self.assertTrue(self.at_suppliers.cursor.startswith("since:20"))
        self.assertFalse(self.backend.set_back_at)

    # -- What is missing ---------------------------------------------------------------

    def test_what_the_pharmacy_deletes_is_deleted(self):
        reported, forgotten = self.add("Reported"), self.add("Forgotten")
        self.pull()
        self.delete(reported)
        self.forget(forgotten)
        self.round()
        self.assertEqual(self.deleted([reported, forgotten]), [reported, forgotten])
        self.assertFalse(
            self.named("Reported").active or self.named("Forgotten").active
        )
        self.assertFalse(self.backend.set_back_at)
        self.assertFalse(self.operations(state="dead"))
        self.asked()
        self.round()
        self.assertNotIn(f"/suppliers/{reported}", self.asked())

    def test_a_deletion_arrives_in_a_round_in_which_all_else_changed(self):
        ids = self.add_many(4)
        self.pull()
        self.forget(ids[0])
        for external_id in (*ids[1:], self.sentinel()):
            self.app.edit("suppliers", external_id, city="Lima")
        self.round()
        self.assertFalse(self.at_suppliers.trouble)
        self.assertEqual(self.deleted(ids), ids[:1])

    def test_what_a_filter_hides_is_not_deleted_and_its_changes_arrive(self):
        hidden = self.add("Hidden")
        self.pull()
        self.hide(hidden)
        self.asked()
        self.round()
        self.assertIn(f"/suppliers/{hidden}", self.asked())
        self.assertFalse(self.link(hidden).deleted)
        self.assertTrue(self.named("Hidden").active)
        self.app.edit("suppliers", hidden, city="Lima")
        seen = self.applied()
        self.round()
        self.round()
        self.assertEqual(self.named("Hidden").city, "Lima")
        self.assertEqual(seen, ["Hidden"])

    def test_a_row_that_paging_skips_is_not_deleted(self):
        self.at_suppliers.batch_size = 2
        ids = self.add_many(7)
        self.pull()
        gone = ids[0]

        def answer(real, method, path, options):
            """Pages by number: rows move up once one before them is deleted."""
            if path != LIST or method != "GET":
                return real()
            start = int(options["params"].get("after", 0))
            rows = self.app.items("suppliers")
            if start == 4 and not self.deleted_at_app(gone):
                self.delete(gone)
                rows = self.app.items("suppliers")
            more = str(start + 2) if len(rows) > start + 2 else None
            return {"items": rows[start : start + 2], "next_after": more}

        self.intercept(answer)
        self.asked()
        self.round()
        self.assertTrue(self.deleted_at_app(gone))
        # One row has moved up, to a page that was read already.
        self.assertEqual(len([p for p in self.asked() if p.startswith(BY_ID)]), 1)
        self.assertFalse(self.deleted(ids))
        self.round()
        self.assertEqual(self.deleted(ids), [gone])
        active = self.env["res.partner"].search([("name", "like", "Supplier %")])
        self.assertEqual(len(active), 6)

    def deleted_at_app(self, external_id):
        return external_id not in [r["id"] for r in self.app.items("suppliers")]

    def test_a_list_that_lacks_too_much_is_not_believed(self):
        ids = self.add_many(2 * FEW + 4)
        self.pull()
        restore = self.hide(*ids[: FEW + 2])
        self.round()
        self.assertFalse(self.deleted(ids))
        self.assertFalse(self.at_suppliers.trouble)
        restore()
        for hidden in (ids[: FEW + 3], [*ids, self.sentinel()]):
            restore = self.hide(*hidden)
            self.asked()
            self.round()
            self.assertFalse([p for p in self.asked() if p.startswith(BY_ID)])
            self.assertFalse(self.deleted(ids))
            self.assertIn(f"lacks {len(hidden)} of", self.at_suppliers.trouble)
            # Not once a minute.
            self.pull()
            self.assertEqual(self.asked(), [])
            restore()
            self.redrive()
            self.assertFalse(self.at_suppliers.trouble)

    def sentinel(self):
        return self.link(self.mapping(self.named("Sentinel")).external_id).external_id

    def redrive(self):
        """A person has the failed reading tried again."""
        self.operations(kind="pull", state="dead")._redrive("Again.")
        self.pull()

    def test_many_that_are_gone_are_an_app_that_went_back(self):
        ids = self.add_many(4 * FEW)
        self.pull()
        self.forget(*ids[: FEW + 1])
        self.round()
        self.assertTrue(self.backend.set_back_at)
        self.assertIn(
            f"{FEW + 1} of its records any more, such as {ids[0]}",
            self.backend.set_back_reason,
        )
        self.assertFalse(self.deleted(ids))
        self.assertTrue(self.named("Supplier 0").active)
        epoch = self.backend.epoch
        # It did so once: what it has no more is for the comparison.
        for __ in range(2):
            self.round()
        self.assertEqual(self.backend.epoch, epoch)
        self.assertFalse(self.deleted(ids))

    def test_what_was_written_since_the_round_began_is_not_asked_for(self):
        """It was sent while the pages were read, for instance."""
        ids = self.add_many(2)
        self.pull()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sync_mapping SET write_date = write_date + interval '1 day' "
            "WHERE external_id = %s",
            [ids[0]],
        )
        self.hide(*ids)
        self.asked()
        self.round()
        asked = [path for path in self.asked() if path.startswith(BY_ID)]
        self.assertEqual(asked, [f"{BY_ID}{ids[1]}"])

    def test_a_deletion_that_fails_is_one_failed_change(self):
        gone = self.add("Gone")
        self.pull()

        def refusing(adapter, record):
            raise InvalidDataError("It is needed here.")

        self.patch(self.env.registry["sync.entity.supplier"], "_delete", refusing)
        self.forget(gone)
        self.round()
        (kept,) = self.operations(kind="apply")
        attempts, errors = kept.attempts, len(kept.error_ids)
        self.round()
        self.assertEqual(self.operations(kind="apply"), kept)
        self.assertEqual((kept.attempts, len(kept.error_ids)), (attempts, errors))

    def test_as_many_as_are_few_are_deleted(self):
        ids = self.add_many(4 * FEW)
        self.pull()
        self.forget(*ids[:FEW])
        self.round()
        self.assertFalse(self.backend.set_back_at)
        self.assertEqual(self.deleted(ids), ids[:FEW])

    def test_an_app_that_answers_for_no_id_has_nothing_deleted(self):
        hidden = self.add("Hidden")
        self.pull()

        def answer(real, method, path, options):
            if method == "GET" and path.startswith(BY_ID):
                raise HttpError(404)
            found = real()
            if path == LIST and method == "GET":
                items = [i for i in found["items"] if i["id"] != hidden]
                return {**found, "items": items}
            return found

        self.intercept(answer)
        self.round()
        self.assertFalse(self.link(hidden).deleted)
        self.assertIn("by the id that it lists", self.at_suppliers.trouble)

    def test_one_that_the_app_fails_over_keeps_no_other_from_being_read(self):
        broken, gone = self.add("Broken"), self.add("Gone")
        self.pull()
        self.forget(gone)

        def answer(real, method, path, options):
            if path == f"/suppliers/{broken}":
                raise HttpError(500)
            found = real()
            if path == LIST and method == "GET":
                items = [i for i in found["items"] if i["id"] != broken]
                return {**found, "items": items}
            return found

        self.intercept(answer)
        self.round()
        # It may be the app that is broken, and not this one.
        self.assertTrue(self.at_suppliers.trouble)
        self.make_due()
        self.pull()
        self.assertEqual(self.deleted([broken, gone]), [gone])
        self.assertFalse(self.at_suppliers.trouble)
        errors = self.env["sync.error"].search(
            [("stream_id", "=", self.at_suppliers.id)]
        )
        self.assertTrue(errors)

    def test_an_answer_of_another_kind_is_neither_a_deletion_nor_a_failed_reading(self):
        swapped, gone = self.add("Swapped"), self.add("Gone")
        statuses = (400, 403, 405, 409, 422)
        refused = {self.add(f"Refused {status}"): status for status in statuses}
        self.add_many(8)
        self.pull()
        self.forget(gone)

        def answer(real, method, path, options):
            if status := refused.get(path.removeprefix(BY_ID)):
                raise HttpError(status)
            found = real()
            if path == f"/suppliers/{swapped}":
                return {**found, "id": gone}
            if path == LIST and method == "GET":
                hidden = {swapped, *refused}
                items = [i for i in found["items"] if i["id"] not in hidden]
                return {**found, "items": items}
            return found

        self.intercept(answer)
        self.round()
        self.assertEqual(self.deleted([*refused, swapped, gone]), [gone])
        self.assertFalse(self.at_suppliers.trouble)
        errors = self.env["sync.error"].search(
            [("stream_id", "=", self.at_suppliers.id)]
        )
        self.assertEqual(len(errors), len(statuses) + 1)
        records = {f"supplier/{external_id}" for external_id in (*refused, swapped)}
        self.assertEqual({e.context["record"] for e in errors}, records)

    # -- What interrupts a round -------------------------------------------------------

    def pages(self):
        """Where each page of the suppliers began that was asked for."""
        seen = []

        def answer(real, method, path, options):
            if path == LIST and method == "GET":
                seen.append(options["params"].get("after"))
            return real()

        self.intercept(answer)
        return seen

    def test_a_round_that_is_interrupted_goes_on_at_its_page(self):
        self.at_suppliers.batch_size = 2
        ids = self.add_many(7)
        self.pull()
        seen, breaks = self.pages(), [NoConnection("lost")]

        def answer(real, method, path, options):
            if path == LIST and options["params"].get("after") and breaks:
                raise breaks.pop()
            return real()

        self.intercept(answer)
        self.forget(ids[6])
        self.round()
        self.assertTrue(self.at_suppliers.trouble)
        self.assertFalse(self.link(ids[6]).deleted)
        self.make_due()
        self.pull()
        self.assertEqual(seen.count(None), 1)
        self.assertEqual(len(seen), len(set(seen)))
        self.assertTrue(self.link(ids[6]).deleted)
        self.assertFalse(self.at_suppliers.trouble)

    def test_a_job_whose_time_is_over_hands_its_page_on(self):
        self.at_suppliers.batch_size = 1
        ids = self.add_many(3)
        self.pull()
        self.forget(ids[1])
        seen = self.pages()
        self.streams._begin_round()
        self.patch(self.pull_module(), "PAGES_PER_JOB", 1)
        self.env.flush_all()
        self.assertTrue(self.at_suppliers._pull())
        self.env.invalidate_all()
        self.assertIsNone(self.at_suppliers._next_round_at(), "it is under way")
        for __ in range(12):
            self.pull()
        self.assertEqual(seen.count(None), 1)
        self.assertTrue(self.link(ids[1]).deleted)

    def lead_round(self):
        """Have the third page of the list lead to the second, for ever.

        :return: the places that the app is asked for, and how to mend it
        """
        asked, places = [], []

        def answer(real, method, path, options):
            found = real()
            if path != LIST or method != "GET":
                return found
            asked.append(options["params"].get("after"))
            if len(places) < 2:
                places.append(found["next_after"])
                return found
            return {**found, "next_after": places[asked[-1] != places[1]]}

        return asked, self.intercept(answer)

    def test_pages_that_lead_in_a_circle_are_a_fault_of_the_app(self):
        self.at_suppliers.batch_size = 1
        self.add_many(6)
        self.patch(self.pull_module(), "PAGES_PER_JOB", 2)
        asked, mended = self.lead_round()
        for __ in range(9):
            self.pull()
            self.make_due()
        (failed,) = self.operations(kind="pull", state="dead")
        error = failed.error_ids.sorted("id")[-1:]
        self.assertEqual(error.type, "schema_mismatch")
        self.assertIn("circle", error.message)
        often = len(asked)
        self.assertLess(often, 40)
        self.pull()
        self.assertEqual(len(asked), often, "it is not read for ever")
        mended()
        self.redrive()
        for __ in range(9):
            self.pull()
        self.assertTrue(self.named("Supplier 5"))
        self.assertFalse(self.at_suppliers.trouble)

    def pull_module(self):
        from ...models.exchange import pull

        return pull

    def test_a_place_that_the_app_does_not_know_any_more_begins_the_round_anew(self):
        self.at_suppliers.batch_size = 2
        self.add_many(5)
        self.pull()
        for status in (400, 404, 410, 422):
            with self.subTest(status):
                self.check_place_refused(status)

    def check_place_refused(self, status):
        asked = []

        def answer(real, method, path, options):
            """It takes a place again once it was asked from the beginning."""
            if path == LIST and method == "GET":
                asked.append(options["params"].get("after"))
                if asked[-1] and asked.count(None) < 2:
                    raise HttpError(status)
            return real()

        restore = self.intercept(answer)
        self.add(f"New {status}")
        self.round()
        self.assertTrue(self.at_suppliers.trouble)
        self.make_due()
        self.redrive()
        self.assertTrue(self.named(f"New {status}"))
        self.assertFalse(self.at_suppliers.trouble)
        restore()

    # -- Records of other shapes -------------------------------------------------------

    def test_one_that_cannot_be_applied_is_one_failed_change(self):
        self.add("Good")
        self.falsify(self.add("Bad"), version="one")
        self.pull()
        self.assertTrue(self.named("Good"))
        (kept,) = self.operations(kind="apply")
        attempts, errors = kept.attempts, len(kept.error_ids)
        self.round()
        self.round()
        self.assertEqual(self.operations(kind="apply"), kept)
        self.assertEqual((kept.attempts, len(kept.error_ids)), (attempts, errors))

    def test_ids_that_are_numbers_are_refused_once(self):
        self.add("Good")
        self.falsify(self.add("Numbered"), id=7)
        self.falsify(self.add("Nameless"), id=None)
        self.pull()
        self.round()
        self.assertTrue(self.named("Good"))
        self.assertFalse(self.named("Numbered"))
        self.assertEqual(len(self.operations(kind="apply")), 2)
        self.assertIn("id", self.operations(kind="apply")[0].last_error)

    def test_where_records_have_no_version_the_checksum_decides(self):
        one = self.add("One")

        def answer(real, method, path, options):
            found = real()
            for item in found.get("items", ()) if method == "GET" else ():
                item.pop("version", None)
            if method == "GET" and path.startswith(BY_ID):
                found.pop("version", None)
            return found

        self.intercept(answer)
        seen = self.applied()
        self.pull()
        self.round()
        self.assertEqual(seen, ["Sentinel", "One"])
        self.app.edit("suppliers", one, city="Lima")
        self.round()
        self.assertEqual(self.named("One").city, "Lima")
        self.forget(one)
        self.round()
        self.assertEqual(self.deleted([one]), [one])

    # -- Beside other work -------------------------------------------------------------

    def compare(self, *late):
        """Compare suppliers, of which the app forgets some after the round was read,
        and before both sides are compared."""
        work = self.env["sync.reconciliation"].create(
            {"stream_id": self.at_suppliers.id}
        )
        begin = type(work)._begin

        def forgetting(record):
            self.forget(*late)
            return begin(record)

        self.patch(self.env.registry["sync.reconciliation"], "_begin", forgetting)
        work.action_start()
        self.run_job(work)
        self.assertEqual(work.state, "done")
        return work

    def test_a_comparison_reads_the_list_first_and_takes_few_for_deleted(self):
        changed, gone, late = self.add("Changed"), self.add("Gone"), self.add("Late")
        self.sync()
        self.app.edit("suppliers", changed, city="Lima")
        self.forget(gone)
        work = self.compare(late)
        self.assertEqual(self.named("Changed").city, "Lima")
        self.assertEqual(self.deleted([gone, late]), [gone])
        self.assertFalse(self.backend.set_back_at)
        drift = work.drift_ids.filtered(lambda d: d.mapping_id == self.link(late))
        self.assertEqual((drift.kind, drift.repair), ("missing_pharmacy", "pull"))

    def test_a_comparison_takes_many_that_are_gone_for_an_app_that_went_back(self):
        ids = self.add_many(4 * FEW)
        self.sync()
        self.at_suppliers.auto_repair = True
        work = self.compare(*ids[: FEW + 1])
        self.assertTrue(self.backend.set_back_at)
        self.assertEqual(work.drift_ids.mapped("repair"), ["push"] * (FEW + 1))
        self.assertFalse(self.deleted(ids))
        self.assertTrue(self.named("Supplier 0").active)
        self.sync()
        there = [item["name"] for item in self.app.items("suppliers")]
        self.assertEqual(there.count("Supplier 0"), 1, "it is made there again")

    def test_a_comparison_takes_as_many_as_are_few_for_deleted(self):
        ids = self.add_many(4 * FEW)
        self.sync()
        work = self.compare(*ids[:FEW])
        self.assertFalse(self.backend.set_back_at)
        self.assertEqual(work.drift_ids.mapped("repair"), ["pull"] * FEW)

    def test_what_an_initial_synchronisation_leaves_goes_over_when_it_changes(self):
        left = self.add("Left")
        work = self.env["sync.initial"].create({"backend_id": self.backend.id})
        work.action_preview()
        self.run_job(work)
        lines = work.line_ids.grouped("external_id")
        lines[left].action_leave()
        work.action_start()
        self.run_job(work)
        self.assertEqual(work.state, "done")
        self.pull()
        self.round()
        self.assertTrue(self.named("Sentinel"))
        self.assertFalse(self.named("Left"))
        self.assertFalse(any(self.streams.mapped("trouble")))
        self.app.edit("suppliers", left, city="Lima")
        self.round()
        self.assertEqual(self.named("Left").city, "Lima")

    def test_a_preview_hides_nothing_from_a_round(self):
        one = self.add("One")
        self.pull()
        self.link(one).unlink()
        self.add("Two")
        work = self.env["sync.initial"].create({"backend_id": self.backend.id})
        work.action_preview()
        self.run_job(work)
        self.assertIn(one, work.line_ids.mapped("external_id"))
        self.round()
        self.assertTrue(self.named("Two"))

    def test_an_initial_synchronisation_hides_no_change_of_what_is_linked(self):
        one = self.add("One")
        self.pull()
        self.streams.cursor = False
        self.app.edit("suppliers", one, city="Lima")
        work = self.env["sync.initial"].create({"backend_id": self.backend.id})
        work.action_preview()
        self.run_job(work)
        work.action_start()
        self.run_job(work)
        self.assertEqual(work.state, "done")
        self.round()
        self.assertEqual(self.named("One").city, "Lima")

    def test_what_was_listed_goes_with_its_stream_and_with_time(self):
        Listed = self.env["sync.listed"]
        own = [("stream_id", "=", self.at_suppliers.id)]
        gone = self.add("Gone")
        self.pull()
        count = Listed.search_count(own)
        self.forget(gone)
        self.round()
        self.assertEqual(Listed.search_count(own), count - 1)
        self.env.cr.execute("UPDATE sync_listed SET round = '2001-01-01'")
        self.env["sync.retention"]._gc_expired()
        self.assertFalse(Listed.search_count([]))
