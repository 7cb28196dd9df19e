from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import tagged

from ...models.exchange.restored import how_far
from ..common import WorkCase

OPERATOR = "base.group_user,pharmacy_sync.group_operator"
MANAGER = "base.group_user,pharmacy_sync.group_manager"


@tagged("post_install", "-at_install")
class TestRestored(WorkCase):
    """The app's file is set back to a copy, and the app started again."""

    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.quiet = self.make_order()
        self.sync()
        self.external_id = self.mapping(self.order).external_id
        self.app.back_up()

    def agree(self, order=None, **values):
        """Odoo changes the order, and the app has it."""
        (order or self.order).write(values)
        self.sync()

    def queue(self):
        """What was changed waits to be sent."""
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)

    def settle(self):
        """Both ways, all read again, until nothing is due."""
        for __ in range(3):
            self.sync()

    def long_ago(self):
        """All that is in the copy is older than what was read last."""
        self.backend.stream_ids.read_until = "2999-01-01T00:00:00Z"

    def edit(self, order=None, **values):
        external_id = self.mapping(order or self.order).external_id
        return self.app.edit("purchase-orders", external_id, **values)

    def both(self, order=None):
        order = order or self.order
        return order.note and str(order.note), self.at_app(order)["notes"]

    def works(self):
        return self.env["sync.reconciliation"].search(
            [("backend_id", "=", self.backend.id)], order="id"
        )

    def compare(self):
        """Do what the job runner would on the comparisons that began."""
        for work in self.works().filtered(lambda w: w.state == "running"):
            self.run_job(work)

    def watch(self):
        self.env.cr.flush()
        self.env["sync.alert"]._watch()
        self.env.invalidate_all()

    def conflict(self, order=None):
        return self.mapping(order or self.order)._open_conflict()

    # -- What was agreed stays ---------------------------------------------------------

    def test_newer_values_of_odoo_are_sent_again(self):
        self.agree(note="<p>Newer</p>")
        self.assertEqual(self.at_app(self.order)["notes"], "Newer")
        self.long_ago()
        self.app.restore()
        self.settle()
        self.assertIn("Newer", self.order.note)
        self.assertEqual(self.at_app(self.order)["notes"], "Newer")
        self.assertFalse(self.conflict())
        (kept,) = self.mapping(self.order).conflict_ids
        self.assertIn("set back", kept.reason)

    def test_edit_on_top_of_an_old_state_is_asked_about_and_overwrites_nothing(self):
        self.agree(note="<p>Newer</p>")
        self.app.restore()
        # As many versions as before, and more.
        for day in ("2027-01-01", "2027-01-02", "2027-01-03"):
            self.edit(expected_at=f"{day}T08:00:00Z")
        self.settle()
        self.assertIn("Newer", self.order.note)
        paths = set(self.conflict().line_ids.mapped("field"))
        self.assertEqual(paths, {"notes", "expected_at"})
        # It stays so, whatever arrives and whatever the stream's policy says.
        self.order_stream().conflict_policy = "pharmacy"
        self.edit(expected_at="2027-01-04T08:00:00Z")
        self.sync()
        self.assertIn("Newer", self.order.note)
        self.assertTrue(self.conflict())

    def order_stream(self):
        return self.stream("purchase_order")

    def test_conflict_is_decided_and_both_sides_are_equal(self):
        self.agree(note="<p>Newer</p>")
        self.app.restore()
        self.edit(expected_at="2027-01-01T08:00:00Z")
        self.settle()
        self.conflict().action_keep_odoo()
        self.sync()
        self.assertEqual(self.at_app(self.order)["notes"], "Newer")
        self.assertFalse(self.conflict())
        self.edit(notes="Later")
        self.sync()
        self.assertIn("Later", self.order.note)

    def test_edit_with_a_low_version_arrives(self):
        for number in range(4):
            self.agree(note=f"<p>{number}</p>")
        self.long_ago()
        self.app.restore()
        self.settle()
        self.assertEqual(self.at_app(self.order)["notes"], "3")
        self.edit(self.quiet, notes="By hand")
        low = self.at_app(self.quiet)["version"]
        self.assertLess(low, 4)
        self.sync()
        self.assertIn("By hand", self.quiet.note)
        self.edit(notes="Of the other, too")
        self.sync()
        self.assertIn("Of the other, too", self.order.note)

    def test_unsent_changes_are_sent_and_nothing_old_is_pulled_over(self):
        """All that Odoo has in its queue when the app is set back."""
        agreed = self.make_order(origin="Agreed")
        self.sync()
        self.agree(note="<p>Newer</p>", origin="Newer")
        self.agree(self.quiet, note="<p>Quiet</p>")
        self.long_ago()
        made = self.make_order(origin="Made")
        line = self.order.order_line[0]
        self.order.write({"note": "<p>Unsent</p>"})
        line.product_qty = 7
        agreed.origin = "Unsent"
        self.queue()
        self.assertEqual(len(self.operations(kind="push", state="pending")), 3)
        self.app.restore()
        self.settle()
        self.assertIn("Unsent", self.order.note)
        self.assertEqual((self.order.origin, line.product_qty), ("Newer", 7))
        self.assertFalse(self.conflict())
        there = self.at_app(self.order)
        self.assertEqual((there["notes"], there["reference"]), ("Unsent", "Newer"))
        self.assertIn("7.00", [one["quantity"] for one in there["lines"]])
        self.assertEqual(self.both(self.quiet)[1], "Quiet")
        self.assertIn("Quiet", self.quiet.note)
        self.assertEqual(self.at_app(agreed)["reference"], "Unsent")
        self.assertEqual(self.at_app(made)["reference"], "Made")
        self.assertEqual(len(self.app.items("purchase-orders")), 4)
        self.assertFalse(self.operations(state="dead"))

    def test_one_unsent_change_meets_an_app_that_was_set_back(self):
        """The push comes before anything is read."""
        self.agree(note="<p>Newer</p>", origin="Newer")
        self.long_ago()
        self.order.note = "<p>Unsent</p>"
        self.queue()
        self.app.restore()
        self.push()
        self.settle()
        there = self.at_app(self.order)
        self.assertEqual((there["notes"], there["reference"]), ("Unsent", "Newer"))
        self.assertIn("Unsent", self.order.note)
        self.assertEqual(self.order.origin, "Newer")
        self.assertFalse(self.operations(state="dead"))

    def moment(self, order):
        return f"2027-01-1{self.at_app(order)['version']}T08:00:00Z"

    def beside_queued(self, first, versions=(-1, 0, 2)):
        """Somebody edits orders at the app once it was set back, while Odoo has a
        change of each to send.

        :param first: the job that comes first
        :param versions: how far from the known ones those edits are
        """
        orders = {self.make_order(): away for away in versions}
        self.sync()
        self.app.back_up()
        for order in orders:
            self.agree(order, note="<p>Older</p>")
            self.agree(order, note="<p>Newer</p>")
        for order in orders:
            order.origin = "Unsent"
        self.queue()
        self.app.restore()
        for order, away in orders.items():
            version = self.mapping(order).version + away
            while self.at_app(order)["version"] < version:
                self.edit(order, expected_at=self.moment(order))
        before = {order: self.at_app(order) for order in orders}
        first()
        self.settle()
        self.make_due()
        self.settle()
        for order, away in orders.items():
            with self.subTest(away=away):
                self.assertIn("Newer", order.note)
                self.assertEqual(order.origin, "Unsent")
                there = self.at_app(order)
                self.assertEqual(there["reference"], "Unsent")
                self.assertEqual(there["expected_at"], before[order]["expected_at"])
                paths = set(self.conflict(order).line_ids.mapped("field"))
                self.assertEqual(paths, {"notes", "expected_at"})
        self.assertFalse(self.operations(state="dead"))

    def test_edits_beside_queued_changes_if_the_feed_is_read_first(self):
        self.beside_queued(self.pull)

    def test_edits_beside_queued_changes_if_those_are_sent_first(self):
        self.beside_queued(self.push)

    def test_an_edit_that_came_to_the_version_that_is_known(self):
        self.beside_queued(self.push, [0])

    def test_an_edit_that_came_to_a_later_version(self):
        self.beside_queued(self.push, [2])

    # -- How it is noticed -------------------------------------------------------------

    def test_feed_that_passed_the_cursor_again_loses_nothing(self):
        self.agree(note="<p>Newer</p>")
        self.app.restore()
        partner = self.at_app(self.order)["supplier_id"]
        for number in range(12):
            self.app.add(
                "purchase-orders", reference=f"N{number}", supplier_id=partner, lines=[]
            )
        self.settle()
        made = self.env["purchase.order"].search([("partner_ref", "=like", "N%")])
        mapped = self.env["sync.mapping"].search_count(
            [("stream_id", "=", self.order_stream().id)]
        )
        self.assertEqual(mapped, 14, made.mapped("partner_ref"))
        self.assertTrue(self.backend.set_back_at)

    def test_edit_in_odoo_that_meets_an_older_version_goes_through(self):
        self.agree(note="<p>Newer</p>")
        self.long_ago()
        self.app.restore()
        self.order.note = "<p>Newest</p>"
        self.push()
        self.assertTrue(self.backend.set_back_at)
        self.settle()
        self.assertEqual(self.at_app(self.order)["notes"], "Newest")
        self.assertFalse(self.operations(state="dead"))

    def test_edit_in_odoo_of_a_lost_record_makes_it_anew(self):
        late = self.make_order()
        self.sync()
        self.app.restore()
        late.note = "<p>Changed</p>"
        self.push()
        self.assertTrue(self.backend.set_back_at)
        self.settle()
        self.assertEqual(self.at_app(late)["notes"], "Changed")
        self.assertFalse(self.operations(state="dead"))

    def test_who_is_second_to_meet_a_refused_cursor_reads_again(self):
        """Another reading noticed it first, and its next job is through already."""
        jobs = self.env["queue.job"]
        pulls = [("identity_key", "=like", f"pharmacy_sync pull {self.backend.id} %")]
        refuse = type(self.backend)._refuse_cursor

        def refuse_second(backend, stream, cursor):
            refuse(backend, stream, cursor)
            jobs.search(pulls).unlink()
            refuse(backend, stream, cursor)

        self.agree(note="<p>Newer</p>")
        self.app.restore()
        self.patch(self.env.registry["sync.backend"], "_refuse_cursor", refuse_second)
        self.pull()
        self.assertEqual(self.operations(kind="pull").state, "waiting")
        self.assertTrue(jobs.search([*pulls, ("state", "=", "pending")]))

    def test_low_version_in_the_feed_is_noticed(self):
        self.agree(note="<p>Newer</p>")
        self.long_ago()
        self.app.restore()
        # An app that refuses no cursor.
        self.order_stream().cursor = False
        self.pull()
        self.assertIn("version", self.backend.set_back_reason)
        self.assertIn("Newer", self.order.note)

    # -- By other roads than the feed --------------------------------------------------

    def hide(self, *abilities):
        """The app has not these abilities."""
        self.app.call("POST", "/admin/settings", hidden=abilities)

    def look(self):
        """Do what the job runner would: ask the app about versions that are too low."""
        self.env.cr.flush()
        jobs = self.env["queue.job"].search([("method_name", "=", "_job_look")])
        for job in jobs:
            self.backend._as_runner()._job_look(*job.args)
        self.env.invalidate_all()
        return jobs

    def go_back(self, mark=""):
        """Odoo knows later versions than the app, where somebody edits the order."""
        for number in range(4):
            self.agree(note=f"<p>{mark}{number}</p>")
        self.app.restore()
        self.edit(expected_at="2027-01-01T08:00:00Z")

    def check_asked(self):
        """Nothing of Odoo's is replaced, and nothing of the edit is lost."""
        self.assertIn("version", self.backend.set_back_reason)
        before = self.at_app(self.order)["notes"]
        self.settle()
        self.assertIn("3", self.order.note)
        paths = set(self.conflict().line_ids.mapped("field"))
        self.assertEqual(paths, {"notes", "expected_at"})
        self.assertEqual(self.at_app(self.order)["notes"], before)

    def call_in(self, record):
        api = self.env["sync.api"].with_user(self.api_user)
        (result,) = api.push("purchase_order", [record])["results"]
        return result["operation"]

    def test_an_app_that_calls_before_its_feed_is_read(self):
        self.go_back()
        self.assertEqual(self.call_in(self.at_app(self.order)), "unchanged")
        self.assertEqual(len(self.look()), 1)
        self.check_asked()

    def test_an_old_state_that_is_called_in_late_is_no_sign(self):
        late = self.at_app(self.order)
        self.agree(note="<p>Newer</p>")
        self.assertEqual(self.call_in(late), "unchanged")
        self.assertEqual(len(self.look()), 1)
        self.assertFalse(self.backend.set_back_at)
        self.assertEqual(self.at_app(self.order)["notes"], "Newer")

    def test_a_look_at_what_is_not_there_any_more_asks_nothing(self):
        self.go_back()
        changes = [{"id": self.external_id, "version": 1}]
        stream_id = self.order_stream().id

        def look(stream_id, paused):
            self.backend.paused = paused
            self.env.flush_all()
            self.backend._as_runner()._job_look(stream_id, changes)
            self.env.invalidate_all()

        calls = len(self.app.requests())
        look(stream_id + 10**6, paused=False)
        look(stream_id, paused=True)
        self.assertEqual(len(self.app.requests()), calls)
        self.assertFalse(self.backend.set_back_at)
        look(stream_id, paused=False)
        self.assertTrue(self.backend.set_back_at)

    def test_how_far_it_was_read_is_by_the_latest_change_and_no_later_than_now(self):
        stream = self.order_stream()
        stream.read_until = "2026-01-02T00:00:00Z"
        earlier, later = "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"
        unread = [{}, "no record", {"updated_at": "yesterday"}]
        for times, until in (
            ([], stream.read_until),
            ([earlier], stream.read_until),
            ([later, earlier], later),
        ):
            records = [*unread, *({"updated_at": time} for time in times), *unread]
            values = how_far(stream, "c", records)
            self.assertEqual((values["cursor"], values["read_until"]), ("c", until))
            self.assertTrue(values["pulled_at"])
        self.assertNotIn("pulled_at", how_far(stream, "c", []))
        stream.read_until = False
        with freeze_time("2026-01-02 00:00:00"):
            values = how_far(stream, "c", [{"updated_at": later}])
            self.assertEqual(values["read_until"], "2026-01-02T00:00:00Z")
            values = how_far(stream, "c", [{"updated_at": earlier}])
            self.assertEqual(values["read_until"], earlier)

    def test_an_app_that_does_not_answer_is_asked_by_the_next_reading(self):
        self.go_back()
        self.call_in(self.at_app(self.order))
        self.app.fault("error", status=503)
        self.look()
        self.assertFalse(self.backend.set_back_at)
        self.app.heal()
        self.settle()
        self.assertTrue(self.backend.set_back_at)

    def test_an_app_whose_lists_are_read(self):
        for hidden in (["change_feed"], ["change_feed", "updated_since"]):
            with self.subTest(hidden=hidden):
                self.hide(*hidden)
                self.backend.action_test_connection()
                self.env.invalidate_all()
                self.settle()
                self.app.back_up()
                self.go_back(hidden[-1])
                self.hide(*hidden)
                self.backend.stream_ids._begin_round()
                self.pull()
                self.check_asked()
                self.backend.action_end_set_back()
                self.conflict().action_keep_odoo()
                self.settle()

    def test_a_late_state_of_what_a_list_leaves_out_is_no_sign(self):
        """An app that never says what it has deleted may have deleted it since."""
        self.hide("change_feed")
        self.backend.action_test_connection()
        self.env.invalidate_all()
        late = self.at_app(self.order)
        self.agree(note="<p>Newer</p>")
        self.app.fault("error", status=404, match={"path": f"*{self.external_id}"})
        self.assertEqual(self.call_in(late), "unchanged")
        self.assertEqual(len(self.look()), 1)
        self.assertFalse(self.backend.set_back_at)

    def test_an_app_that_takes_whatever_is_sent(self):
        """Its lists are read, and it looks at no version: only its answer shows it."""
        self.hide("change_feed", "if_match")
        self.backend.action_test_connection()
        self.backend.stream_ids.match_choice = "if_match"
        self.settle()
        self.app.back_up()
        for number in range(4):
            self.agree(note=f"<p>{number}</p>")
        self.app.restore()
        self.hide("change_feed", "if_match")
        self.order.origin = "Sent"
        self.push()
        self.assertIn("version", self.backend.set_back_reason)
        self.settle()
        self.assertEqual(self.at_app(self.order)["reference"], "Sent")
        self.assertIn("3", self.order.note)
        self.assertEqual(self.conflict().line_ids.mapped("field"), ["notes"])

    def test_what_died_of_the_old_state_goes_on(self):
        self.agree(note="<p>Newer</p>")
        self.long_ago()
        self.order.note = "<p>Newest</p>"
        self.push()
        (operation,) = self.operations(kind="push").filtered(
            lambda o: o.mapping_id == self.mapping(self.order)
        )[:1]
        error = self.env["sync.error"]._classify_response(
            self.backend, 412, None, "stale"
        )
        operation.attempts = 99
        operation._fail(error, Exception("stale"))
        self.assertEqual(operation.state, "dead")
        self.app.restore()
        self.settle()
        self.assertNotEqual(operation.state, "dead")
        self.assertEqual(self.at_app(self.order)["notes"], "Newest")

    # -- The state ---------------------------------------------------------------------

    def test_all_streams_are_compared_and_the_state_ends(self):
        self.agree(note="<p>Newer</p>")
        self.long_ago()
        self.app.restore()
        self.settle()
        self.assertEqual(len(self.works()), 3)
        self.assertTrue(self.backend.set_back_at)
        self.compare()
        self.assertEqual(set(self.works().mapped("state")), {"done"})
        self.assertFalse(self.backend.set_back_at)

    def test_missing_records_are_proposed_and_end_it_once_they_are_there(self):
        late = self.make_order()
        self.sync()
        self.app.restore()
        self.settle()
        self.compare()
        self.assertTrue(self.backend.set_back_at)
        (drift,) = self.works().drift_ids
        self.assertEqual((drift.kind, drift.repair), ("missing_pharmacy", "push"))
        drift.action_repair()
        self.compare()
        self.push()
        self.assertEqual(self.at_app(late)["reference"], late.name)
        self.assertFalse(self.backend.set_back_at)

    def test_missing_records_that_are_left_end_it_as_well(self):
        late = self.make_order()
        self.sync()
        self.app.restore()
        self.settle()
        self.compare()
        self.assertTrue(self.backend.set_back_at)
        self.works().drift_ids.action_leave()
        self.assertFalse(self.backend.set_back_at)
        self.assertTrue(late.exists())

    def test_comparison_proposes_no_pull_of_what_went_back(self):
        self.agree(note="<p>Newer</p>")
        self.long_ago()
        self.app.restore()
        # Neither a cursor nor the feed shows it.
        page = self.app.call("GET", "/api/v1/changes?entity=purchase-orders")
        self.order_stream().cursor = page["next_cursor"]
        work = self.order_stream()._reconcile()
        self.run_job(work)
        self.assertTrue(self.backend.set_back_at)
        self.assertNotIn("pull", work.drift_ids.mapped("repair"))
        self.settle()
        self.assertIn("Newer", self.order.note)
        self.assertEqual(self.at_app(self.order)["notes"], "Newer")

    def test_record_that_no_feed_says_of_is_merged_and_not_pulled(self):
        self.agree(note="<p>Newer</p>")
        self.long_ago()
        self.app.restore()
        self.settle()
        # As if nothing of it had been read since.
        mapping = self.mapping(self.order)
        self.edit(notes="Of the backup")
        page = self.app.call("GET", "/api/v1/changes?entity=purchase-orders")
        self.order_stream().cursor = page["next_cursor"]
        mapping.epoch -= 1
        self.works().unlink()
        work = self.order_stream()._reconcile()
        self.run_job(work)
        self.assertEqual(work.drift_ids.mapped("repair"), ["merge"])
        work.drift_ids.action_repair()
        self.run_job(work)
        self.settle()
        self.assertEqual(work.drift_ids.mapped("state"), ["repaired"])
        self.assertIn("Newer", self.order.note)
        self.assertEqual(self.at_app(self.order)["notes"], "Newer")

    def test_one_alert_stays_until_it_is_over(self):
        self.agree(note="<p>Newer</p>")
        self.app.restore()
        self.settle()
        self.watch()
        rule = self.env.ref("pharmacy_sync.alert_rule_set_back")
        alerts = self.env["sync.alert"].search([("rule_id", "=", rule.id)])
        self.assertEqual(alerts.mapped("state"), ["open"])
        self.watch()
        self.assertEqual(alerts.state, "open")
        operator = self.env["res.users"].browse(self.make_user("op", OPERATOR))
        with self.assertRaises(AccessError):
            self.backend.with_user(operator).action_end_set_back()
        manager = self.env["res.users"].browse(self.make_user("boss", MANAGER))
        self.backend.with_user(manager).action_end_set_back()
        self.watch()
        self.assertEqual(alerts.state, "resolved")
