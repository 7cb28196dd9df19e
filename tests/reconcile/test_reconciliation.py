from lxml import html

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.sql_db import db_connect
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ...client.pharmacy import PharmacyClient
from ...core.exchange.checksum import bucket_of
from ...models.base.own_transaction import autocommitting
from ...models.reconcile import compare
from ..common import WorkCase


@tagged("post_install", "-at_install")
class TestReconciliation(WorkCase):
    """What differs without anybody's having been reported is found, and is mended."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.suppliers = cls.supplier + cls.env["res.partner"].create(
            [
                {"name": f"Supplier {n}", "is_company": True, "supplier_rank": 1}
                for n in range(12)
            ]
        )

    def setUp(self):
        super().setUp()
        self.backend.action_send_all()
        self.order = self.make_order(note="<p>Ring twice</p>")
        self.sync()
        self.victim = self.suppliers[3]

    def reconcile(self, entity="supplier"):
        """Compare a stream: what was found."""
        work = self.env["sync.reconciliation"].create(
            {"stream_id": self.stream(entity).id}
        )
        work.action_start()
        self.run_job(work)
        error = self.env["sync.error"].search(
            [("correlation_id", "=", work.correlation_id)], limit=1
        )
        self.assertEqual(work.state, "done", str(error.trace))
        return work.drift_ids

    def repair(self, drift, repair=None):
        if repair:
            drift.repair = repair
        drift.action_repair()
        self.run_job(drift.reconciliation_id)
        self.assertEqual(drift.state, "repaired", drift.reason)
        self.push()

    def by_sql(self, record, column, value):
        """A change that no event reports."""
        self.env.flush_all()
        self.env.cr.execute(
            f'UPDATE "{record._table}" SET "{column}" = %s WHERE id = %s',
            (value, record.id),
        )
        self.env.invalidate_all()

    def lose_feed(self, entity="supplier"):
        """Let the stream believe that it has read the change feed to the end."""
        stream = self.stream(entity)
        collection = stream._adapter()._entity_collection
        page = self.app.call("GET", f"/api/v1/changes?entity={collection}&limit=500")
        stream.cursor = page["next_cursor"]

    def edit_unseen(self, record, **values):
        """A change of the pharmacy whose feed entry is lost."""
        mapping = self.mapping(record)
        collection = mapping.stream_id._adapter()._entity_collection
        self.app.edit(collection, mapping.external_id, **values)
        self.lose_feed(mapping.entity)

    def mappings(self, records):
        """The mappings of several records, in their order."""
        return self.env["sync.mapping"].union(*map(self.mapping, records))

    def at_both(self, record, field, key):
        return record[field], self.at_app(record)[key]

    def fetched(self):
        """Ids of the pharmacy's records that were fetched one by one."""
        paths = [r["path"].split("/") for r in self.app.requests()]
        return [path[4] for path in paths if len(path) > 4 and path[4] != "checksums"]

    def count(self, work):
        """How many records have counterparts of a comparison's kind."""
        return self.env["sync.mapping"].search_count(
            [("stream_id", "=", work.stream_id.id)]
        )

    def make_unsent(self, **values):
        """A supplier of which no event says that it was made."""
        made = self.env["res.partner"].create(
            {"name": "By Import", "is_company": True, "supplier_rank": 1, **values}
        )
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.env["sync.event"].search([("res_id", "=", made.id)]).unlink()
        return made

    def suspect(self):
        """Begin a comparison, up to where something is suspected."""
        work = self.env["sync.reconciliation"].create({"stream_id": self.stream().id})
        work.action_start()
        runner = work.with_env(self.backend._as_runner().env)
        self.env.cr.flush()
        while not work.drift_ids:
            self.assertTrue(runner._step())
            self.env.invalidate_all()
        return work

    def assert_no_drift(self, work):
        """What was suspected is none by the time that it is looked at."""
        self.assertEqual(len(work.drift_ids), 1)
        self.run_job(work)
        self.assertEqual(work.state, "done")
        self.assertFalse(work.drift_ids)
        self.assertEqual(work.done_count, work.total)

    # -- What is found ----------------------------------------------------------------

    def test_a_comparison_is_named_after_its_stream_and_day(self):
        Work = self.env["sync.reconciliation"]
        stream = self.stream("supplier")
        day = fields.Date.to_string(fields.Date.today())
        work = Work.create({"stream_id": stream.id})
        self.assertEqual(work.display_name, f"{stream.display_name} ({day})")
        self.assertEqual(Work.new({}).display_name, "New")

    def test_two_sides_in_step_agree_in_every_bucket(self):
        for entity in ("supplier", "product", "purchase_order"):
            self.app.call("DELETE", "/admin/requests")
            self.assertFalse(self.reconcile(entity), entity)
            asked = [r for r in self.app.requests() if "checksums" in r["path"]]
            self.assertEqual(len(asked), 1, entity)
            self.assertNotIn("bucket=", asked[0]["query"])
            self.assertFalse(self.fetched(), "no record is looked at by itself")
            work = self.env["sync.reconciliation"].search([], limit=1)
            count = self.count(work)
            self.assertEqual((work.done_count, work.total), (count, count), entity)

    def test_value_written_by_sql_is_found_and_pushed(self):
        self.by_sql(self.victim, "city", "Lugo")
        drift = self.reconcile()
        self.assertEqual(drift.kind, "differs")
        self.assertEqual(drift.fields_text, "city")
        self.assertEqual(drift.odoo, {"city": "Lugo"})
        self.assertEqual(drift.pharmacy, {"city": ""})
        self.assertEqual(drift.base, {"city": ""})
        self.assertEqual(drift.repair, "push")
        self.assertEqual(drift.outcome, "Odoo's values are sent to the pharmacy.")
        self.assertEqual(drift.summary, "City")
        self.assertIn("Lugo", drift.differences)
        self.assertEqual(self.at_app(self.victim)["city"], "", "nothing by itself")
        jobs = [("method_name", "=", "_job_push")]
        self.env["queue.job"].search(jobs).unlink()
        self.repair(drift)
        self.assertTrue(self.env["queue.job"].search(jobs))
        self.assertEqual(self.at_both(self.victim, "city", "city"), ("Lugo",) * 2)
        self.assertFalse(self.reconcile())

    def test_lost_feed_entry_is_found_and_pulled(self):
        self.edit_unseen(self.victim, city="Vigo")
        self.pull()
        self.assertFalse(self.victim.city, "the feed does not say it")
        drift = self.reconcile()
        self.assertEqual((drift.kind, drift.repair), ("differs", "pull"))
        self.repair(drift)
        self.assertEqual(self.at_both(self.victim, "city", "city"), ("Vigo",) * 2)
        self.assertFalse(self.reconcile())

    def test_what_does_not_travel_is_no_difference(self):
        for field, way in (("city", "none"), ("phone", "push"), ("zip", "pull")):
            self.env["sync.field.direction"].create(
                {
                    "stream_id": self.stream("supplier").id,
                    "field": field,
                    "direction": way,
                }
            )
        self.sync()
        self.edit_unseen(self.victim, city="Vigo", phone="1 23")
        self.by_sql(self.victim, "city", "Lugo")
        self.by_sql(self.victim, "zip", "27001")
        self.assertFalse(self.reconcile())
        self.assertEqual(self.at_both(self.victim, "city", "city"), ("Lugo", "Vigo"))
        self.by_sql(self.victim, "phone", "4 56")
        self.assertEqual(self.reconcile().fields_text, "phone")

    def test_only_buckets_that_differ_are_read(self):
        self.edit_unseen(self.victim, city="Vigo")
        self.app.call("DELETE", "/admin/requests")
        self.reconcile()
        listed = [r["query"] for r in self.app.requests() if "&bucket=" in r["query"]]
        self.assertEqual(len(listed), 1)
        self.assertEqual(listed[0].count("&bucket="), 1)
        self.assertEqual(self.fetched(), [self.mapping(self.victim).external_id])

    def test_buckets_are_listed_so_many_a_call(self):
        self.patch(compare, "BUCKETS_A_CALL", 1)
        edited = self.suppliers[3:6]
        for supplier in edited:
            self.edit_unseen(supplier, city="Vigo")
        self.app.call("DELETE", "/admin/requests")
        drifts = self.reconcile()
        self.assertEqual(drifts.mapping_id, self.mappings(edited))
        work = drifts.reconciliation_id
        buckets = {
            bucket_of(mapping.external_id, work.buckets)
            for mapping in drifts.mapping_id
        }
        self.assertGreater(len(buckets), 1)
        listed = [r["query"] for r in self.app.requests() if "&bucket=" in r["query"]]
        self.assertEqual(len(listed), len(buckets))
        self.assertEqual({query.count("&bucket=") for query in listed}, {1})
        # What was suspected is counted beside what was compared.
        self.assertEqual(work.total, self.count(work) + 3)
        self.assertEqual(work.done_count, work.total)

    def test_what_it_shows_of_three_sides(self):
        self.victim.write({"city": "Ourense", "zip": "32001"})
        self.sync()
        self.by_sql(self.victim, "city", "Lugo")
        self.edit_unseen(self.victim, city="Vigo", phone="981 1")
        drift = self.reconcile()
        self.assertEqual(drift.summary, "Phone, City")
        rows = [
            [cell.text for cell in row]
            for row in html.fromstring(drift.differences).iter("tr")
        ]
        self.assertEqual(rows[0], ["Field", "Odoo", "Before", "Pharmacy"])
        self.assertIn(["City", "Lugo", "Ourense", "Vigo"], rows)
        self.assertEqual(len(rows), 3)

    def test_a_stream_of_one_direction_is_repaired_that_way(self):
        self.edit_unseen(self.victim, city="Vigo")
        self.by_sql(self.suppliers[5], "city", "Lugo")
        for direction, repair in (("push", "push"), ("pull", "pull")):
            self.stream().direction = direction
            with self.subTest(direction):
                self.assertEqual(self.reconcile().mapped("repair"), [repair] * 2)

    def test_what_both_sides_have_alike_by_now_is_agreed_on(self):
        self.by_sql(self.victim, "city", "Vigo")
        self.edit_unseen(self.victim, city="Vigo")
        self.assertFalse(self.reconcile())
        self.assertEqual(self.mapping(self.victim).base["city"], "Vigo")
        self.app.call("DELETE", "/admin/requests")
        self.assertFalse(self.reconcile())
        self.assertFalse(self.fetched(), "it is suspected no more")

    def test_both_drifted_apart_becomes_a_conflict_when_merged(self):
        self.by_sql(self.victim, "city", "Lugo")
        self.edit_unseen(self.victim, city="Vigo", phone="981 1")
        drift = self.reconcile()
        self.assertEqual(drift.repair, "merge")
        self.assertIn("what both changed becomes a conflict", drift.outcome)
        self.repair(drift)
        conflict = self.mapping(self.victim)._open_conflict()
        self.assertEqual(conflict.line_ids.mapped("field"), ["city"])
        self.assertEqual(self.victim.phone, "981 1")
        self.assertFalse(self.reconcile(), "a person is asked already")

    def test_person_may_decide_for_the_other_side(self):
        self.by_sql(self.victim, "city", "Lugo")
        self.repair(self.reconcile(), "pull")
        self.assertEqual(self.at_both(self.victim, "city", "city"), (False, ""))
        self.edit_unseen(self.victim, city="Vigo")
        drift = self.reconcile()
        self.assertIn("Vigo", drift.differences)
        self.repair(drift, "push")
        self.assertEqual(self.at_app(self.victim)["city"], "")
        self.assertFalse(self.reconcile())

    def test_changed_quantity_of_a_line_is_found(self):
        self.by_sql(self.order.order_line[1], "product_qty", 7)
        drift = self.reconcile("purchase_order")
        self.assertEqual((drift.fields_text, drift.summary), ("lines", "Lines"))
        self.assertIn("7.00", drift.differences)
        self.repair(drift)
        self.assertIn(
            "7.00", [line["quantity"] for line in self.at_app(self.order)["lines"]]
        )

    def test_order_of_lines_is_no_difference(self):
        self.by_sql(self.order.order_line[2], "sequence", 1)
        self.assertFalse(self.reconcile("purchase_order"))

    def test_record_that_was_never_sent(self):
        created = self.make_unsent()
        drift = self.reconcile()
        self.assertEqual((drift.kind, drift.repair), ("missing_pharmacy", "push"))
        self.assertEqual(drift.record_name, "By Import")
        self.repair(drift)
        self.assertEqual(self.at_app(created)["name"], "By Import")

    def test_record_of_the_pharmacy_that_never_came(self):
        theirs = self.app.add("suppliers", name="Unheard Of")
        self.lose_feed()
        drift = self.reconcile()
        self.assertEqual((drift.kind, drift.repair), ("missing_odoo", "pull"))
        self.assertEqual(drift.record_name, "Unheard Of")
        self.repair(drift)
        mapping = self.env["sync.mapping"].search([("external_id", "=", theirs["id"])])
        self.assertEqual(mapping._record().name, "Unheard Of")

    def test_the_first_record_of_all_is_compared_as_well(self):
        first = self.env.ref("base.main_partner")
        self.assertEqual(first.id, 1)
        self.by_sql(first, "supplier_rank", 1)
        drift = self.reconcile()
        self.assertEqual((drift.res_id, drift.record_name), (1, first.display_name))

    def test_an_order_that_never_came_goes_by_its_reference(self):
        supplier_id = self.mapping(self.supplier).external_id
        theirs = self.app.add(
            "purchase-orders", supplier_id=supplier_id, reference="PH-7", lines=[]
        )
        self.lose_feed("purchase_order")
        drift = self.reconcile("purchase_order")
        self.assertEqual((drift.external_id, drift.record_name), (theirs["id"], "PH-7"))

    def test_record_that_is_there_under_its_code_is_linked(self):
        mapping = self.mapping(self.victim)
        theirs = mapping.external_id
        self.by_sql(self.victim, "ref", "S-3")
        self.app.edit("suppliers", theirs, reference="S-3", phone="981 2")
        self.lose_feed()
        mapping.unlink()
        drifts = self.reconcile()
        drift = drifts.filtered(lambda d: d.kind == "missing_odoo")
        self.assertEqual((drift.repair, drift.res_id), ("link", self.victim.id))
        self.repair(drift)
        self.assertEqual(self.mapping(self.victim).external_id, theirs)
        self.assertEqual(self.victim.phone, "981 2")
        self.assertFalse(self.reconcile())

    def test_deletion_nobody_reported_of(self):
        mapping = self.mapping(self.victim)
        path = f"/api/v1/suppliers/{mapping.external_id}"
        self.app.call("DELETE", path, headers={"If-Match": "*"})
        self.lose_feed()
        drift = self.reconcile()
        self.assertEqual((drift.kind, drift.repair), ("missing_pharmacy", "pull"))
        self.repair(drift)
        self.assertFalse(self.victim.active)
        self.assertFalse(self.reconcile())

    def test_record_deleted_there_is_made_again_if_a_person_says_so(self):
        former = self.mapping(self.victim).external_id
        path = f"/api/v1/suppliers/{former}"
        self.app.call("DELETE", path, headers={"If-Match": "*"})
        self.lose_feed()
        self.repair(self.reconcile(), "push")
        self.assertNotEqual(self.mapping(self.victim).external_id, former)
        self.assertEqual(self.at_app(self.victim)["name"], self.victim.name)

    def test_record_that_vanished_from_odoo_comes_back(self):
        mapping, name = self.mapping(self.victim), self.victim.name
        external_id = mapping.external_id
        self.env.flush_all()
        self.env.cr.execute("DELETE FROM res_partner WHERE id = %s", (self.victim.id,))
        self.env.invalidate_all()
        drift = self.reconcile()
        self.assertEqual((drift.kind, drift.repair), ("missing_odoo", "pull"))
        self.repair(drift)
        again = self.env["sync.mapping"].search([("external_id", "=", external_id)])
        self.assertEqual(again._record().name, name)

    def test_mapping_whose_records_are_gone_is_forgotten(self):
        mapping = self.mapping(self.victim)
        path = f"/api/v1/suppliers/{mapping.external_id}"
        self.app.call("DELETE", path, headers={"If-Match": "*"})
        self.lose_feed()
        self.env.flush_all()
        self.env.cr.execute("DELETE FROM res_partner WHERE id = %s", (self.victim.id,))
        self.env.invalidate_all()
        drift = self.reconcile()
        self.assertEqual((drift.kind, drift.repair), ("orphan", "forget"))
        self.repair(drift)
        self.assertFalse(mapping.exists())

    def test_app_that_was_set_back_gets_its_values_again(self):
        """Its records have older versions, and none of the values sent since."""
        mapping = self.mapping(self.victim)
        self.victim.city = "Lugo"
        self.push()
        mapping.version += 5
        self.app.edit("suppliers", mapping.external_id, city="", phone="981 3")
        self.lose_feed()
        # It is noticed, and what the app has is asked about and not taken over.
        self.assertFalse(self.reconcile())
        self.assertTrue(self.backend.set_back_at)
        self.assertEqual(self.victim.city, "Lugo")
        conflict = mapping._open_conflict()
        paths = conflict.line_ids.mapped("field")
        self.assertEqual(sorted(paths), ["city", "phone"])
        conflict.action_keep_odoo()
        self.push()
        self.assertEqual(self.at_app(self.victim)["city"], "Lugo")
        self.assertEqual(self.at_app(self.victim)["phone"], "")

    def deleted_and_there_again(self):
        """It was deleted in Odoo and then at the pharmacy, which has it again."""
        mapping = self.mapping(self.victim)
        self.env.flush_all()
        self.env.cr.execute("DELETE FROM res_partner WHERE id = %s", [self.victim.id])
        self.env.invalidate_all()
        mapping.deleted = True
        return mapping

    def test_deleted_record_that_is_there_again_is_deleted_once_more(self):
        mapping = self.deleted_and_there_again()
        drift = self.reconcile()
        self.assertEqual(drift.mapping_id, mapping)
        self.assertEqual((drift.kind, drift.repair), ("missing_odoo", "push"))
        self.assertEqual(drift.outcome, "The record is deleted at the pharmacy.")
        self.assertFalse(drift.summary)
        self.repair(drift)
        listed = [there["id"] for there in self.app.items("suppliers")]
        self.assertNotIn(mapping.external_id, listed)
        self.assertTrue(mapping.deleted)

    # -- What is no drift -------------------------------------------------------------

    def test_deleted_record_that_is_gone_again_meanwhile_is_no_drift(self):
        mapping = self.deleted_and_there_again()
        work = self.suspect()
        self.assertEqual(work.drift_ids.mapping_id, mapping)
        path = f"/api/v1/suppliers/{mapping.external_id}"
        self.app.call("DELETE", path, headers={"If-Match": "*"})
        self.lose_feed()
        self.run_job(work)
        self.assertEqual(work.state, "done")
        self.assertFalse(work.drift_ids)

    def test_what_is_changed_in_odoo_while_it_is_looked_at_is_no_drift(self):
        self.by_sql(self.victim, "city", "Lugo")
        work = self.suspect()
        self.victim.phone = "981 1"
        self.assert_no_drift(work)

    def test_what_arrives_while_it_is_looked_at_is_no_drift(self):
        self.by_sql(self.victim, "city", "Lugo")
        work = self.suspect()
        self.app.edit("suppliers", self.mapping(self.victim).external_id, phone="981")
        self.assert_no_drift(work)
        self.assertEqual(self.victim.phone, "981")

    def test_what_was_not_sent_may_be_on_its_way_by_now_or_gone(self):
        for name in ("on its way", "sent", "gone"):
            made = self.make_unsent()
            work = self.suspect()
            self.assertEqual(work.drift_ids.res_id, made.id)
            if name == "gone":
                made.unlink()
            else:
                made.city = "Lugo"
            if name == "sent":
                self.push()
            with self.subTest(name):
                self.assert_no_drift(work)
            self.push()

    def test_what_never_came_may_have_come_by_now_or_be_gone(self):
        for name in ("came", "deleted", "vanished", "kept"):
            values = {"country_code": "ZZ"} if name == "kept" else {}
            theirs = self.app.add("suppliers", name=name, **values)["id"]
            path = f"/api/v1/suppliers/{theirs}"
            self.lose_feed()
            work = self.suspect()
            self.assertEqual(work.drift_ids.external_id, theirs)
            if name in ("came", "kept"):
                self.app.edit("suppliers", theirs, phone="1")
            else:
                self.app.call("DELETE", path, headers={"If-Match": "*"})
                self.lose_feed()
            if name == "vanished":
                work.drift_ids.external_id = "sup_none"
            with self.subTest(name):
                self.assert_no_drift(work)

    def test_change_under_way_is_no_drift(self):
        self.victim.city = "Lugo"
        self.assertFalse(self.reconcile(), "its event is there")
        self.app.fault("error", status=503)
        self.push()
        self.app.heal()
        self.assertEqual(self.mapping(self.victim).state, "pending")
        self.assertFalse(self.reconcile())

    def test_change_that_the_feed_says_is_taken_over_and_no_drift(self):
        external_id = self.mapping(self.victim).external_id
        self.app.edit("suppliers", external_id, city="Vigo")
        self.assertFalse(self.reconcile())
        self.assertEqual(self.victim.city, "Vigo")

    def test_change_made_meanwhile_is_no_drift(self):
        external_id = self.mapping(self.victim).external_id
        work = self.env["sync.reconciliation"].create({"stream_id": self.stream().id})
        work.action_start()
        runner = work.with_env(self.backend._as_runner().env)
        self.env.cr.flush()
        for city in ("Lugo", "Vigo"):
            runner._step()
            self.app.edit("suppliers", external_id, city=city)
        while runner._step():
            pass
        self.env.invalidate_all()
        self.assertEqual((work.stage, work.found_count), ("repair", 0))
        self.assertEqual(self.victim.city, "Vigo")

    def assert_waits(self, work):
        """The work goes on by itself, later, and nothing failed."""
        self.assertEqual(work.state, "running", work.reason)
        failed = [("correlation_id", "=", work.correlation_id)]
        self.assertFalse(self.env["sync.error"].search_count(failed))
        job = self.env["queue.job"].search([("uuid", "=", work.job_uuid)])
        self.assertGreater(job.eta, fields.Datetime.now())

    def test_it_waits_for_a_slot_of_its_own_pool_and_holds_up_nobody(self):
        reporting = self.backend.pool_ids.filtered(lambda p: p.name == "reporting")
        reporting.concurrency = 1
        self.env.cr.flush()
        work = self.env["sync.reconciliation"].create({"stream_id": self.stream().id})
        work.action_start()
        session = db_connect(self.env.cr.dbname).cursor()
        with session as cr, autocommitting(cr), reporting._slot(cr):
            self.run_job(work)
            self.assert_waits(work)
            self.victim.city = "Lugo"
            self.push()
            self.assertEqual(self.at_app(self.victim)["city"], "Lugo")
        self.run_job(work)
        self.assertEqual(work.state, "done")

    def test_it_waits_for_a_breaker_that_is_open(self):
        breaker = self.backend._breaker("pull")
        breaker._set_mode("forced_open", "drill")
        work = self.env["sync.reconciliation"].create({"stream_id": self.stream().id})
        work.action_start()
        self.run_job(work)
        self.assert_waits(work)
        breaker._set_mode("normal", "drill is over")
        self.run_job(work)
        self.assertEqual(work.state, "done")

    def test_records_left_out_of_the_stream_are_no_drift(self):
        self.env["res.partner"].create({"name": "A Customer", "is_company": True})
        self.assertFalse(self.reconcile())

    def test_next_comparison_replaces_what_the_last_found(self):
        self.by_sql(self.victim, "city", "Lugo")
        first = self.reconcile()
        second = self.reconcile()
        self.assertEqual((first.state, second.state), ("outdated", "open"))

    # -- How it is done ---------------------------------------------------------------

    def test_app_without_checksums_is_read_whole(self):
        self.app.call("POST", "/admin/settings", without_checksums=True)
        self.edit_unseen(self.victim, city="Vigo")
        drift = self.reconcile()
        self.assertEqual(drift.repair, "pull")
        self.assertEqual(drift.reconciliation_id.method, "full")
        self.repair(drift)
        self.assertFalse(self.reconcile())

    def test_an_app_that_is_read_whole_is_read_page_by_page_until_it_is_stopped(self):
        self.app.call("POST", "/admin/settings", without_checksums=True)
        self.patch(compare, "PAGE", 5)
        self.edit_unseen(self.suppliers[1], city="Vigo")
        self.edit_unseen(self.suppliers[11], city="Faro")
        work = self.env["sync.reconciliation"].create({"stream_id": self.stream().id})
        page, pages = PharmacyClient.page, []

        def stopping(client, *args):
            pages.append(page(client, *args))
            if len(pages) == 2:
                work.action_stop()
                self.env.flush_all()
            return pages[-1]

        self.patch(PharmacyClient, "page", stopping)
        work.action_start()
        self.run_job(work)
        self.assertEqual((work.state, work.method), ("stopped", False))
        self.assertEqual(len(pages), 2)
        work.action_start()
        self.run_job(work)
        self.assertEqual((work.state, work.method), ("done", "full"))
        self.assertEqual(len(pages), 2 + 3)
        edited = self.suppliers[1] + self.suppliers[11]
        self.assertEqual(work.drift_ids.mapping_id, self.mappings(edited))

    def test_pages_that_lead_in_a_circle_end_a_comparison(self):
        self.app.call("POST", "/admin/settings", without_checksums=True)
        call, asked = PharmacyClient._call, []

        def leading(client, method, path, **options):
            found = call(client, method, path, **options)
            if path != "/suppliers" or "next_after" not in found:
                return found
            asked.append(options["params"].get("after"))
            return {**found, "next_after": "2" if asked[-1] == "1" else "1"}

        self.patch(PharmacyClient, "_call", leading)
        work = self.env["sync.reconciliation"].create(
            {"stream_id": self.stream("supplier").id}
        )
        work.action_start()
        self.run_job(work)
        self.assertEqual(work.state, "failed")
        error = self.env["sync.error"].search(
            [("correlation_id", "=", work.correlation_id)], limit=1
        )
        self.assertIn("circle", error.message)
        self.assertLess(len(asked), 12)

    def test_one_failing_repair_does_not_hold_up_the_others(self):
        self.by_sql(self.victim, "city", "Lugo")
        theirs = self.app.add("suppliers", name="Odd", country_code="ZZ")
        self.lose_feed()
        drifts = self.reconcile()
        self.assertEqual(len(drifts), 2)
        drifts.action_repair()
        self.run_job(drifts.reconciliation_id)
        bad = drifts.filtered(lambda d: d.external_id == theirs["id"])
        self.assertEqual((drifts - bad).state, "repaired")
        self.assertEqual(bad.state, "failed")
        self.assertIn("ZZ", bad.reason)
        work = bad.reconciliation_id
        self.assertEqual((work.drift_count, work.found_count), (1, 2))
        error = self.env["sync.error"].search([("operation_id", "=", False)], limit=1)
        self.assertIn("country_code", str(error.trace))

    def test_repairs_chosen_one_after_the_other_are_counted_once(self):
        self.by_sql(self.victim, "city", "Lugo")
        self.by_sql(self.suppliers[5], "city", "Vigo")
        first, second = self.reconcile()
        work = first.reconciliation_id
        first.action_repair()
        self.assertEqual((work.state, work.total), ("running", 1))
        job = work.job_uuid
        second.action_repair()
        self.assertEqual((work.total, work.job_uuid), (2, job))
        self.run_job(work)
        self.assertEqual((work.state, work.done_count), ("done", 2))
        self.assertEqual(set((first + second).mapped("state")), {"repaired"})

    def test_repair_counts_what_is_still_to_be_done_and_nothing_else(self):
        for number, city in enumerate(("Lugo", "Vigo", "Faro")):
            self.by_sql(self.suppliers[number + 3], "city", city)
        first, second, third = self.reconcile()
        work = first.reconciliation_id
        third.action_leave()
        first.action_repair()
        work.action_stop()
        second.action_repair()
        self.assertEqual((work.state, work.total), ("running", 2))
        self.run_job(work)
        self.assertEqual((work.state, work.done_count), ("done", 2))
        self.assertEqual(third.state, "left")

    def test_a_link_with_what_is_gone_from_odoo_says_so(self):
        mapping = self.mapping(self.victim)
        self.by_sql(self.victim, "ref", "S-3")
        self.app.edit("suppliers", mapping.external_id, reference="S-3")
        self.lose_feed()
        mapping.unlink()
        drift = self.reconcile().filtered(lambda d: d.repair == "link")
        self.assertEqual(drift.res_id, self.victim.id)
        self.assertIn("become counterparts", drift.outcome)
        self.env.flush_all()
        self.env.cr.execute("DELETE FROM res_partner WHERE id = %s", [self.victim.id])
        self.env.invalidate_all()
        drift.action_repair()
        self.run_job(drift.reconciliation_id)
        self.assertEqual(drift.state, "failed")
        self.assertEqual(drift.reason, "Odoo does not have the record any more.")
        work = drift.reconciliation_id
        self.assertEqual((work.done_count, work.failed_count), (0, 1))

    def assert_gone(self, drift):
        """The repair fails, and says that the pharmacy has no such record."""
        drift.action_repair()
        self.run_job(drift.reconciliation_id)
        self.assertEqual(drift.state, "failed")
        self.assertIn("does not have the record any more", drift.reason)

    def test_what_is_gone_meanwhile_is_neither_linked_nor_merged(self):
        ours = self.mapping(self.victim)
        self.by_sql(self.victim, "ref", "S-3")
        self.app.edit("suppliers", ours.external_id, reference="S-3")
        both = self.mapping(self.suppliers[5])
        self.by_sql(self.suppliers[5], "city", "Lugo")
        self.app.edit("suppliers", both.external_id, city="Vigo", phone="981 1")
        self.lose_feed()
        theirs = ours.external_id
        ours.unlink()
        drifts = self.reconcile()
        found = {
            repair: drifts.filtered(lambda d, r=repair: d.repair == r)
            for repair in ("link", "merge")
        }
        for external_id in (theirs, both.external_id):
            path = f"/api/v1/suppliers/{external_id}"
            self.app.call("DELETE", path, headers={"If-Match": "*"})
        for repair, drift in found.items():
            with self.subTest(repair):
                self.assertEqual(len(drift), 1)
                self.assert_gone(drift)
        self.assertFalse(self.mapping(self.victim))
        self.assertEqual(self.suppliers[5].city, "Lugo", "nothing was taken over")

    def test_what_never_came_and_is_gone_meanwhile_is_not_made(self):
        self.app.add("suppliers", name="Unheard Of")
        self.lose_feed()
        drift = self.reconcile()
        self.app.call("POST", "/admin/reset")
        self.assert_gone(drift)
        self.assertFalse(self.env["res.partner"].search([("name", "=", "Unheard Of")]))

    def test_a_difference_can_be_left_as_it_is(self):
        self.by_sql(self.victim, "city", "Lugo")
        drift = self.reconcile()
        operator = new_test_user(self.env, "op", "pharmacy_sync.group_operator")
        drift.with_user(operator).action_leave()
        self.assertEqual(drift.state, "left")
        self.assertEqual(drift.reason, f"Left by {operator.name}")
        self.assertFalse(drift.reconciliation_id.drift_count)
        self.push()
        self.assertEqual(self.at_both(self.victim, "city", "city"), ("Lugo", ""))
        for action in ("action_leave", "action_repair"):
            with self.subTest(action), self.assertRaisesRegex(UserError, "are open"):
                getattr(drift, action)()

    def test_no_repair_without_a_choice(self):
        self.app.add("suppliers", name="Unheard Of")
        self.lose_feed()
        drift = self.reconcile()
        for repair in (False, "link"):
            drift.repair = repair
            with (
                self.subTest(repair),
                self.assertRaisesRegex(UserError, "Choose how to repair Unheard Of"),
            ):
                drift.action_repair()
            self.assertEqual(drift.state, "open")

    def test_one_that_cannot_be_read_does_not_hold_up_the_others(self):
        self.by_sql(self.victim, "city", "Lugo")
        bad = self.mapping(self.suppliers[5])
        self.app.edit("suppliers", bad.external_id, city="Vigo")
        self.lose_feed()
        path = f"/api/v1/suppliers/{bad.external_id}"
        self.app.fault("wrong_schema", match={"method": "GET", "path": path})
        found = {drift.mapping_id: drift for drift in self.reconcile()}
        self.assertEqual(set(found), {bad, self.mapping(self.victim)})
        drift = found[bad]
        self.assertEqual((drift.kind, drift.external_id), ("differs", bad.external_id))
        self.assertEqual(drift.record_name, self.suppliers[5].name)
        self.assertIn("The answer has no", drift.reason)
        self.repair(found[self.mapping(self.victim)])
        drift.action_repair()
        self.run_job(drift.reconciliation_id)
        self.assertEqual(drift.state, "failed")
        self.assertIn("The answer has no", drift.reason)
        self.app.heal()
        self.repair(drift, "pull")
        self.assertEqual(self.suppliers[5].city, "Vigo")

    def test_one_that_never_came_and_cannot_be_read_is_named_by_its_id(self):
        theirs = self.app.add("suppliers", name="Unheard Of")["id"]
        self.lose_feed()
        path = f"/api/v1/suppliers/{theirs}"
        self.app.fault("wrong_schema", match={"method": "GET", "path": path})
        drift = self.reconcile()
        self.assertEqual((drift.kind, drift.repair), ("missing_odoo", "pull"))
        self.assertEqual((drift.external_id, drift.record_name), (theirs, theirs))

    def test_stream_may_repair_by_itself(self):
        self.stream().auto_repair = True
        self.by_sql(self.victim, "city", "Lugo")
        drift = self.reconcile()
        self.assertEqual(drift.state, "repaired")
        self.push()
        self.assertEqual(self.at_app(self.victim)["city"], "Lugo")

    def test_stopped_comparison_goes_on(self):
        self.by_sql(self.victim, "city", "Lugo")
        work = self.env["sync.reconciliation"].create({"stream_id": self.stream().id})
        work.action_start()
        runner = work.with_env(self.backend._as_runner().env)
        self.env.flush_all()
        self.assertTrue(runner._step())
        self.assertTrue(runner._step())
        self.env.invalidate_all()
        work.action_stop()
        done = work.done_count
        self.run_job(work)
        self.assertEqual((work.state, work.done_count), ("stopped", done))
        work.action_start()
        self.run_job(work)
        self.assertEqual(work.state, "done")
        self.assertEqual(work.drift_ids.fields_text, "city")

    def test_failure_of_the_app_ends_it_and_it_can_be_resumed(self):
        self.edit_unseen(self.victim, city="Vigo")
        work = self.env["sync.reconciliation"].create({"stream_id": self.stream().id})
        work.action_start()
        self.app.fault("error", status=503, match={"path": "*checksums*"})
        self.run_job(work)
        self.assertEqual(work.state, "failed")
        self.assertTrue(work.reason)
        self.app.heal()
        work.action_start()
        self.run_job(work)
        self.assertEqual((work.state, work.drift_count), ("done", 1))

    def test_a_stream_is_compared_once_at_a_time(self):
        stream = self.stream()
        first = stream._reconcile()
        self.assertEqual(stream._reconcile(), first)
        second = first.create({"stream_id": stream.id})
        with self.assertRaisesRegex(UserError, "is being compared already"):
            second.action_start()
        self.assertFalse(second.started_at)
        self.stream("product")._reconcile()

    def test_what_a_flood_asks_for_is_compared_where_it_may_be(self):
        Stream = self.env["sync.stream"]
        supplier, product, order = (
            self.stream(entity) for entity in ("supplier", "product", "purchase_order")
        )
        self.backend.stream_ids.compare_due = True
        product.direction = "pull"
        order._reconcile()
        self.backend.paused = True
        self.assertEqual(Stream._compare_due(), 0)
        self.backend.paused = False
        self.assertEqual(Stream._compare_due(), 1)
        self.assertTrue(supplier._comparison().sends)
        self.assertFalse(product._comparison())
        due = [stream.compare_due for stream in (supplier, product, order)]
        self.assertEqual(due, [False, True, True])
        self.assertEqual(Stream._compare_due(), 0)
        self.assertFalse(order._comparison().sends)

    def test_nightly_run_compares_every_stream_once(self):
        Reconciliation = self.env["sync.reconciliation"]
        Reconciliation._cron_reconcile()
        Reconciliation._cron_reconcile()
        running = Reconciliation.search([("backend_id", "=", self.backend.id)])
        self.assertEqual(running.stream_id, self.backend.stream_ids)
        self.assertEqual(len(running), 3)

    def test_a_stream_that_cannot_be_compared_keeps_no_other_from_it(self):
        Stream = self.env.registry["sync.stream"]
        compare = Stream._reconcile

        def comparing(stream, *args):
            if stream == self.backend.stream_ids[0]:
                raise ZeroDivisionError
            return compare(stream, *args)

        self.patch(Stream, "_reconcile", comparing)
        with mute_logger("odoo.addons.pharmacy_sync"):
            self.env["sync.reconciliation"]._cron_reconcile()
        running = self.env["sync.reconciliation"].search(
            [("backend_id", "=", self.backend.id)]
        )
        self.assertEqual(running.stream_id, self.backend.stream_ids[1:])
        error = self.env["sync.error"].search([("work", "=", "scheduled comparison")])
        self.assertEqual(error.backend_id, self.backend)

    def test_only_operators_may(self):
        user = new_test_user(self.env, "looker", "pharmacy_sync.group_user")
        self.by_sql(self.victim, "city", "Lugo")
        drift = self.reconcile()
        self.assertEqual(drift.with_user(user).fields_text, "city")
        with self.assertRaises(AccessError):
            drift.with_user(user).action_repair()
        with self.assertRaises(AccessError):
            drift.with_user(user).action_leave()
        with self.assertRaises(AccessError):
            self.stream().with_user(user).action_reconcile()
        work = drift.reconciliation_id
        found = self.env["sync.drift"].search(
            work.with_user(user).action_view_drift()["domain"]
        )
        self.assertEqual(found, drift)
        nobody = new_test_user(self.env, "nobody", "base.group_user")
        with self.assertRaises(AccessError):
            work.with_user(nobody).action_view_drift()
        operator = new_test_user(self.env, "op", "pharmacy_sync.group_operator")
        drift.with_user(operator).action_repair()
        with self.assertRaises(AccessError):
            work.with_user(user).action_stop()
        self.run_job(work)
        self.assertEqual(drift.state, "repaired")

    def test_paused_backend_is_not_compared(self):
        self.backend.paused = True
        work = self.env["sync.reconciliation"].create({"stream_id": self.stream().id})
        with self.assertRaises(UserError):
            work.action_start()

    def test_old_comparison_stays_while_its_drift_is_open(self):
        self.by_sql(self.victim, "city", "Lugo")
        open_work = self.reconcile().reconciliation_id
        done = self.env["sync.reconciliation"].create(
            {"stream_id": open_work.stream_id.id}
        )
        done.state = "done"
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sync_reconciliation SET create_date = now() - interval '31 days'"
        )
        new = done.copy()
        new.state = "done"
        self.env.invalidate_all()
        self.assertEqual(self.env["sync.reconciliation"]._gc_reconciliations(), (1, 0))
        self.assertEqual((open_work | done | new).exists(), open_work | new)
