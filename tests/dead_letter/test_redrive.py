import json
from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.bus.models.bus import channel_with_db, json_dump

from ...models.dead_letter import redrive_work
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestRedrive(SyncCase):
    """Many dead letters are tried again without doing harm: looked at first, then one,
    then ten, then all; never faster than said, and not against a wall."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.operator = new_test_user(
            cls.env, "operator", "pharmacy_sync.group_operator"
        )

    def dead_orders(self, count):
        """Orders that died of a cause which is gone by now."""
        orders = self.env["purchase.order"]
        for __ in range(count):
            orders |= self.make_order()
        self.push()
        self.app.refuse_records()
        for order in orders:
            order.origin = f"PH-{order.id}"
        self.push()
        self.app.refuse_records("")
        self.env["sync.breaker"].search([]).write({"state": "closed"})
        return orders, self.operations(state="dead").with_user(self.operator)

    def plan(self, dead):
        """The redrive of these, its dry run made."""
        action = dead.action_plan_redrive()
        redrive = self.env["sync.redrive"].browse(action["res_id"])
        redrive = redrive.with_user(self.operator)
        if redrive.state == "running":
            self.work(redrive)
        return redrive

    def work(self, redrive):
        """Do what the job runner would: one shift of the redrive's job."""
        self.env.flush_all()
        backend = redrive.sudo().backend_id._as_runner()
        redrive.with_env(backend.env)._job_work()
        self.env.invalidate_all()

    def states(self, redrive):
        counts = {}
        for line in redrive.line_ids:
            counts[line.state] = counts.get(line.state, 0) + 1
        return counts

    def counts(self, redrive):
        """What its page counts of it, beside what is done and what failed."""
        redrive.invalidate_recordset()
        return (
            redrive.under_way_count,
            redrive.left_count,
            redrive.aside_count,
            redrive.skipped_count,
        )

    def notices(self):
        """What was sent to the operator's pages, since it was asked last."""
        self.env.flush_all()
        self.env.cr.precommit.run()
        rows = self.env["bus.bus"].sudo().search([])
        to = json_dump(channel_with_db(self.env.cr.dbname, self.operator.partner_id))
        messages = [json.loads(row.message) for row in rows if row.channel == to]
        rows.unlink()
        return [m["payload"] for m in messages if m["type"] == "pharmacy_sync.notice"]

    def calls(self):
        return [r["method"] for r in self.app.requests()]

    def test_operators_of_another_company_neither_start_nor_see_it(self):
        __, dead = self.dead_orders(1)
        redrive = self.plan(dead)
        company = self.env["res.company"].create({"name": "Other Clinic"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "pharmacy_sync.group_operator",
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )
        phase = redrive.phase
        for name in (
            "action_start",
            "action_stop",
            "action_cancel",
            "action_view_failed",
        ):
            with self.subTest(name), self.assertRaises(AccessError):
                getattr(redrive.with_user(stranger), name)()
        self.assertEqual((redrive.phase, dead.state), (phase, "dead"))

    # -- Dry run ----------------------------------------------------------------------

    def test_the_dry_run_says_what_would_happen_and_changes_nothing(self):
        orders, dead = self.dead_orders(3)
        same, conflicting, other = orders
        self.app.edit(
            "purchase-orders", self.mapping(same).external_id, reference=same.origin
        )
        self.app.edit(
            "purchase-orders", self.mapping(conflicting).external_id, reference="X"
        )
        self.app.call("DELETE", "/admin/requests")
        redrive = self.plan(dead)
        self.assertEqual((redrive.state, redrive.phase), ("draft", "ready"))
        lines = redrive.line_ids.grouped(
            lambda line: line.operation_id.mapping_id.res_id
        )
        self.assertEqual(
            [lines[order.id].verdict for order in orders],
            ["nothing", "conflict", "update"],
        )
        self.assertEqual(lines[other.id].summary, "Sends Reference to the pharmacy.")
        self.assertEqual(self.calls(), ["GET"] * 3)
        self.assertEqual(set(dead.mapped("state")), {"dead"})
        self.assertIn("Changes the record", redrive.forecast_html)
        self.assertEqual((redrive.total, redrive.done_count), (3, 0))

    def test_it_says_how_many_and_which(self):
        __, dead = self.dead_orders(3)
        cause = dead.error_group_id.display_name
        redrive = self.plan(dead)
        self.assertEqual(redrive.display_name, f"Retry of 3: {cause}")
        self.assertEqual(self.plan(dead[:2]).display_name, f"Retry of 2: {cause}")
        self.app.add("products", name="Odd", uom="Barrels of Nowhere")
        self.pull()
        dead = self.operations(state="dead").with_user(self.operator).sorted("id")
        name = dead[0].mapping_id.record_name
        self.assertEqual(self.plan(dead).display_name, f"Retry of 4: {name} and 3 more")
        pair = dead[0] | dead[-1]
        self.assertEqual(self.plan(pair).display_name, f"Retry of 2: {name} and 1 more")
        self.assertEqual(dead[0].action_plan_redrive()["name"], f"Retry of 1: {name}")

    def test_the_dry_run_asks_for_a_bounded_number(self):
        __, dead = self.dead_orders(5)
        self.app.call("DELETE", "/admin/requests")
        action = dead.action_plan_redrive()
        redrive = self.env["sync.redrive"].browse(action["res_id"])
        redrive.sample = 3
        self.patch(redrive_work, "DRY_RUN_BATCH", 2)
        self.env.flush_all()
        redrive.with_env(self.backend._as_runner().env)._step()
        self.env.invalidate_all()
        self.assertEqual((redrive.done_count, redrive.progress), (2, 40))
        self.work(redrive)
        self.assertEqual(self.calls(), ["GET"] * 3)
        self.assertEqual(redrive.line_ids.mapped("asked"), [True] * 3 + [False] * 2)
        self.assertEqual(set(redrive.line_ids.mapped("verdict")), {"update"})

    def test_the_dry_run_says_that_the_app_is_down(self):
        __, dead = self.dead_orders(3)
        self.move_app("http://127.0.0.1:9")
        self.patch(redrive_work, "DRY_RUN_BATCH", 1)
        redrive = self.plan(dead)
        self.assertEqual(redrive.phase, "ready")
        for operation in dead:
            self.assertTrue(operation.comparison["silence"], "also of the later ones")
        self.assertTrue(redrive.silence.startswith("Connection refused"))
        self.assertIn("Connection refused", redrive.forecast_html)
        self.assertEqual(set(redrive.line_ids.mapped("asked")), {False})
        errors = self.env["sync.error"].search(
            [("correlation_id", "=", redrive.correlation_id)]
        )
        self.assertEqual(errors.mapped("type"), ["connection_refused"])

    def test_of_one_the_dialog_shows_both_sides_at_once(self):
        orders, dead = self.dead_orders(1)
        redrive = self.plan(dead)
        self.assertEqual(redrive.phase, "ready")
        self.assertIn(orders.origin, redrive.comparison_html)
        redrive.action_start()
        self.assertEqual(dead.state, "pending")

    # -- Stages -----------------------------------------------------------------------

    def test_a_stage_begins_when_the_one_before_ended_well(self):
        orders, dead = self.dead_orders(13)
        redrive = self.plan(dead)
        redrive.action_start()
        self.assertEqual(self.states(redrive), {"queued": 1, "planned": 12})
        self.assertEqual(self.counts(redrive), (1, 12, 0, 0))
        self.work(redrive)
        self.assertEqual(
            self.states(redrive), {"queued": 1, "planned": 12}, "queued is not done"
        )
        self.push()
        self.work(redrive)
        self.assertEqual(redrive.phase, "ten")
        self.assertEqual(self.states(redrive), {"done": 1, "queued": 10, "planned": 2})
        self.push()
        self.work(redrive)
        self.assertEqual(redrive.phase, "all")
        self.push()
        self.notices()
        self.work(redrive)
        self.assertEqual(redrive.state, "done")
        (notice,) = self.notices()
        self.assertEqual(notice["title"], redrive.display_name)
        self.assertEqual(notice["message"], "13 done, 0 failed again, 0 set aside")
        self.assertEqual((notice["type"], notice["sticky"]), ("success", False))
        self.assertEqual(redrive.progress, 100)
        self.assertEqual((redrive.done_count, redrive.failed_count), (13, 0))
        self.assertEqual(self.counts(redrive), (0, 0, 0, 0))
        for order in orders:
            self.assertEqual(self.at_app(order)["reference"], order.origin)
        self.assertEqual(set(dead.note_ids.mapped("user_id")), {self.operator})

    def test_a_first_one_that_dies_again_stops_it(self):
        __, dead = self.dead_orders(4)
        redrive = self.plan(dead)
        self.app.refuse_records()
        redrive.action_start()
        self.push()
        self.notices()
        self.work(redrive)
        self.assertEqual(redrive.state, "stopped")
        (notice,) = self.notices()
        self.assertIn("1 of the first 1", notice["message"])
        self.assertEqual((notice["type"], notice["sticky"]), ("danger", True))
        self.assertEqual(self.states(redrive), {"failed": 1, "planned": 3})
        again = redrive.line_ids.filtered(lambda line: line.state == "failed")
        error = again.operation_id.error_ids.sorted("id")[-1:]
        self.assertTrue(error.message_text)
        self.assertEqual(again.outcome, error.message_text, "what it died of this time")
        self.assertIn("1 of the first 1", redrive.reason)
        self.assertEqual(set(dead.mapped("state")), {"dead"})
        action = redrive.action_view_failed()
        self.assertEqual(action["domain"], [("id", "in", dead[-1:].ids)])
        # The cause is there still: what failed before does not count.
        redrive.action_start()
        self.push()
        self.work(redrive)
        self.assertEqual(redrive.state, "stopped")
        self.assertIn("1 of the first 1", redrive.reason)
        # The cause is gone: it goes on with another first one.
        self.app.refuse_records("")
        redrive.action_start()
        self.assertEqual(redrive.phase, "one")
        self.assertEqual(self.states(redrive), {"failed": 2, "queued": 1, "planned": 1})
        self.push()
        self.work(redrive)
        self.assertEqual(redrive.phase, "ten")
        self.push()
        self.work(redrive)
        self.assertEqual(redrive.state, "done")
        self.assertEqual((redrive.done_count, redrive.failed_count), (2, 2))

    def test_a_first_one_that_dies_of_something_else_is_set_aside(self):
        """It says nothing of the cause that was mended: the next is tried."""
        orders, dead = self.dead_orders(4)
        first = self.operations(state="dead").sorted("id")[0]
        bad = orders.browse(first.mapping_id.res_id)
        redrive = self.plan(dead)
        bad.order_line[0].product_qty = -1
        redrive.action_start()
        for __ in range(4):
            self.push()
            self.work(redrive)
        self.assertEqual(redrive.state, "done")
        self.assertEqual(self.states(redrive), {"aside": 1, "done": 3})
        self.assertEqual(redrive.aside_count, 1)
        self.assertEqual(first.state, "dead")
        self.assertEqual(
            redrive.action_view_failed()["domain"], [("id", "in", first.ids)]
        )

    def test_nothing_else_is_tried_after_ten_that_died_of_something_else(self):
        orders, dead = self.dead_orders(13)
        redrive = self.plan(dead)
        for order in orders:
            order.order_line[0].product_qty = -1
        redrive.action_start()
        for __ in range(14):
            self.push()
            self.work(redrive)
        self.assertEqual(redrive.state, "stopped")
        self.assertIn("failed of other causes", redrive.reason)
        self.assertEqual(self.states(redrive), {"aside": 10, "planned": 3})
        # A person goes on: those before count no more.
        redrive.action_start()
        self.assertEqual(redrive.state, "running")
        self.assertEqual(self.states(redrive), {"aside": 10, "queued": 1, "planned": 2})

    def test_too_many_failures_among_all_others_stop_it(self):
        orders, dead = self.dead_orders(20)
        redrive = self.plan(dead)
        redrive.failure_minimum = 12
        bad = self.operations(state="dead").sorted("id")[11:]
        redrive.action_start()
        for __ in range(2):
            self.push()
            self.work(redrive)
        self.assertEqual((redrive.phase, redrive.done_count), ("all", 11))
        for order in bad.mapping_id.mapped("res_id"):
            orders.browse(order).order_line[0].product_qty = -1
        redrive.failure_limit = 40
        self.push()
        self.work(redrive)
        self.assertEqual(redrive.state, "stopped")
        self.assertIn("9 of 20 failed again, more than 40 %", redrive.reason)

    def test_it_stops_above_the_limit_and_once_enough_have_ended(self):
        __, dead = self.dead_orders(2)
        redrive = self.plan(dead).sudo()
        redrive.write({"phase": "all", "failure_limit": 40})
        for done, failed, minimum, stops in (
            (11, 9, 20, True),
            (12, 8, 20, False),
            (11, 9, 21, False),
            (0, 1, 1, True),
            (0, 1, 2, False),
            (2, 0, 1, False),
        ):
            with self.subTest(done=done, failed=failed, minimum=minimum):
                redrive.write(
                    {
                        "done_count": done,
                        "failed_count": failed,
                        "failure_minimum": minimum,
                    }
                )
                self.assertEqual(bool(redrive._why_stop()), stops)

    def test_what_is_put_in_the_queue_is_bounded_by_number_stage_and_time(self):
        __, dead = self.dead_orders(3)
        redrive = self.plan(dead).sudo()
        redrive.write({"phase": "all", "rate": 600})
        self.assertEqual([redrive._room(n) for n in (0, 70, 100, 120)], [60, 30, 0, 0])
        redrive.rate = 5000
        self.assertEqual(redrive._room(0), 100)
        redrive.write({"phase": "ten", "stage_left": 4})
        self.assertEqual(redrive._room(0), 4)
        redrive.write({"phase": "all", "rate": 10})
        now = fields.Datetime.now()
        with freeze_time(now):
            for ago, room in ((61, 1), (59, 1), (7, 1), (5, 0), (0, 0)):
                begun = now - timedelta(seconds=ago)
                redrive.line_ids.write({"queued_at": begun})
                self.assertEqual(redrive._room(0), room, ago)
            redrive.rate = 3
            redrive.line_ids.write({"queued_at": now - timedelta(seconds=59)})
            self.assertEqual(redrive._room(0), 0)

    def test_few_failures_among_all_others_do_not_stop_it(self):
        orders, dead = self.dead_orders(13)
        redrive = self.plan(dead)
        bad = self.operations(state="dead").sorted("id")[-1]
        orders.browse(bad.mapping_id.res_id).order_line[0].product_qty = -1
        redrive.action_start()
        for __ in range(3):
            self.push()
            self.work(redrive)
        self.assertEqual(redrive.state, "done")
        self.assertEqual((redrive.done_count, redrive.failed_count), (12, 1))

    def test_no_more_than_the_rate_is_begun_in_a_minute(self):
        __, dead = self.dead_orders(16)
        redrive = self.plan(dead)
        redrive.rate = 13
        start = fields.Datetime.now()
        begun = []
        with freeze_time(start) as clock:
            redrive.action_start()
            for __ in range(40):
                self.push()
                self.work(redrive)
                clock.tick(timedelta(seconds=4))
        begun = sorted(redrive.line_ids.mapped("queued_at"))
        self.assertEqual(redrive.state, "done")
        for moment in begun:
            window = [b for b in begun if moment <= b < moment + timedelta(seconds=60)]
            self.assertLessEqual(len(window), 13)
        self.assertGreater(begun[-1] - begun[0], timedelta(seconds=60))

    def test_no_more_than_a_bound_is_in_the_queue_at_once(self):
        __, dead = self.dead_orders(16)
        redrive = self.plan(dead)
        redrive.rate = 1000
        self.patch(redrive_work, "UNDER_WAY", 4)
        redrive.action_start()
        most = 0
        for __ in range(12):
            self.work(redrive)
            most = max(most, sum(o.state in ("pending", "waiting") for o in dead))
            self.push()
        self.assertEqual(redrive.done_count, 16)
        self.assertEqual(most, 4)

    # -- Stop, resume, neighbours -----------------------------------------------------

    def test_stopped_it_begins_no_more_and_goes_on_later(self):
        __, dead = self.dead_orders(4)
        redrive = self.plan(dead)
        redrive.action_start()
        redrive.action_stop()
        self.push()
        self.work(redrive)
        self.assertEqual(redrive.state, "stopped")
        self.assertIn(self.operator.name, redrive.reason)
        self.assertEqual(sum(o.state == "dead" for o in dead), 3)
        redrive.action_start()
        for __ in range(3):
            self.push()
            self.work(redrive)
        self.assertEqual(redrive.state, "done")
        self.assertEqual(redrive.done_count, 4)

    def test_what_is_under_way_is_neither_begun_again_nor_dropped(self):
        __, dead = self.dead_orders(2)
        redrive = self.plan(dead)
        redrive.action_start()
        with self.assertRaisesRegex(UserError, "under way, or done, already"):
            redrive.action_start()
        with self.assertRaisesRegex(UserError, "stop it instead"):
            redrive.action_cancel()
        self.assertEqual(self.states(redrive), {"queued": 1, "planned": 1})

    def test_one_that_has_not_begun_is_dropped(self):
        __, dead = self.dead_orders(2)
        redrive = self.plan(dead)
        action = redrive.action_cancel()
        self.assertEqual(action["res_model"], "sync.operation")
        self.assertFalse(redrive.exists())
        self.assertEqual(set(dead.mapped("state")), {"dead"})

    def test_what_has_not_failed_is_not_retried(self):
        __, dead = self.dead_orders(1)
        done = self.operations(state="done").with_user(self.operator)
        for operations in (done[:1], done[:2]):
            with self.assertRaisesRegex(UserError, "Only failed changes can be"):
                operations.action_plan_redrive()
        self.assertEqual(len(self.plan(done[:1] | dead).line_ids), 1)

    def test_old_ones_go(self):
        __, dead = self.dead_orders(4)
        plans = [self.env["sync.redrive"]._plan(letter) for letter in dead]
        running, old, older, __ = plans
        running.state = "running"
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sync_redrive SET create_date = now() - interval '91 days' "
            "WHERE id = ANY(%s)",
            [[running.id, old.id, older.id]],
        )
        self.env.invalidate_all()
        self.assertEqual(self.env["sync.redrive"]._gc_redrives(), (2, 0))
        self.assertEqual([len(plan.exists()) for plan in plans], [1, 0, 0, 1])

    def test_a_killed_worker_leaves_it_to_the_recovery(self):
        __, dead = self.dead_orders(4)
        redrive = self.plan(dead)
        redrive.action_start()
        self.env["queue.job"].search([("uuid", "=", redrive.job_uuid)]).unlink()
        former = redrive.job_uuid
        self.env["sync.operation"]._cron_recover()
        self.env.invalidate_all()
        self.assertNotEqual(redrive.job_uuid, former)
        self.assertEqual(redrive.state, "running")

    def test_what_would_fail_again_is_left_alone(self):
        for name in ("Odd", "Odder"):
            self.app.add("products", name=name, uom="Barrels of Nowhere")
        self.pull()
        dead = self.operations(kind="apply").with_user(self.operator)
        redrive = self.plan(dead)
        self.assertEqual(set(redrive.line_ids.mapped("verdict")), {"refused"})
        redrive.action_start()
        self.work(redrive)
        self.assertEqual(redrive.state, "done")
        self.assertEqual(redrive.skipped_count, 2)
        self.assertEqual(set(dead.mapped("attempts")), {1})

    def test_what_was_discarded_meanwhile_is_left_alone(self):
        __, dead = self.dead_orders(2)
        redrive = self.plan(dead)
        dead.action_discard("Not wanted")
        redrive.action_start()
        self.work(redrive)
        self.assertEqual(self.states(redrive), {"skipped": 2})
        self.assertEqual(set(dead.mapped("state")), {"cancelled"})
        for line in redrive.line_ids:
            self.assertIn("Not wanted", line.outcome)

    def test_what_is_gone_or_discarded_in_the_queue_is_left_alone(self):
        __, dead = self.dead_orders(4)
        redrive = self.plan(dead)
        gone, discarded, other, more = redrive.line_ids
        gone.operation_id.sudo().unlink()
        redrive.action_start()
        self.work(redrive)
        self.assertEqual((gone.state, gone.outcome), ("skipped", "It is gone."))
        self.assertEqual((discarded.state, redrive.phase), ("queued", "one"))
        letter = discarded.operation_id
        letter.with_user(self.operator).action_discard("Not wanted")
        self.work(redrive)
        self.assertEqual(discarded.state, "skipped")
        self.assertIn("Not wanted", discarded.outcome)
        self.assertEqual(discarded.operation_id, letter)
        self.assertEqual(redrive.skipped_count, 2)
        # Neither says that the cause has gone: the next is the first one.
        self.assertEqual((redrive.state, redrive.phase), ("running", "one"))
        self.assertEqual((other.state, more.state), ("queued", "planned"))
        self.push()
        self.work(redrive)
        self.assertEqual((other.state, more.state), ("done", "queued"))
        self.push()
        self.work(redrive)
        self.assertEqual((redrive.state, more.state), ("done", "done"))

    def test_while_one_waits_its_page_says_for_what_and_nobody_looks(self):
        __, dead = self.dead_orders(1)
        redrive = self.plan(dead)
        redrive.action_start()
        self.work(redrive)
        line = redrive.line_ids
        self.assertFalse(line.outcome)
        self.app.fault("error", status=503)
        self.push()
        letter = line.operation_id.sudo()
        self.assertEqual(letter.state, "waiting")
        now = fields.Datetime.now()
        with freeze_time(now):
            for left, pause in ((-5, 1), (7, 7), (600, 15), (None, 1)):
                letter.eta = left is not None and now + timedelta(seconds=left)
                self.work(redrive)
                job = self.env["queue.job"].search([("uuid", "=", redrive.job_uuid)])
                self.assertEqual((job.eta - now).total_seconds(), pause)
        self.assertEqual(line.state, "queued")
        self.assertTrue(line.outcome)
        self.assertEqual(line.outcome, letter.why)
        self.app.heal()
        letter.eta = False
        self.push()
        self.work(redrive)
        self.assertEqual((redrive.state, line.state), ("done", "done"))

    def test_what_was_redriven_meanwhile_is_not_redriven_again(self):
        __, dead = self.dead_orders(1)
        redrive = self.plan(dead)
        dead.action_redrive()
        self.push()
        self.assertEqual(dead.state, "done")
        redrive.action_start()
        self.assertEqual(dead.state, "done")
        self.work(redrive)
        self.assertEqual(self.states(redrive), {"done": 1})

    def test_an_edit_made_meanwhile_travels_with_it(self):
        orders, dead = self.dead_orders(1)
        redrive = self.plan(dead)
        orders.origin = "PH-NEWER"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        redrive.action_start()
        self.assertEqual(dead.state, "cancelled")
        self.push()
        self.work(redrive)
        self.assertEqual(redrive.state, "done")
        self.assertEqual(redrive.line_ids.operation_id.state, "done")
        self.assertEqual(self.at_app(orders)["reference"], "PH-NEWER")

    def test_what_was_applied_is_not_sent_twice(self):
        """The answer to a creation was lost, and its attempts are used up; a redrive
        finds it."""
        self.make_order()
        self.push()
        self.app.call("POST", "/admin/settings", ignore_idempotency_keys=True)
        count = len(self.app.items("purchase-orders"))
        order = self.make_order()
        self.env["sync.retry.policy"].search([]).max_attempts = 1
        self.app.fault("lost_answer", count=1, match={"method": "POST"})
        self.push()
        left = self.operations(mapping_id=self.mapping(order).id, state="waiting")
        self.assertEqual(left.error_type, "outcome_unknown")
        # As after the last time that the app's return revives it.
        left._change_states({"state": "dead", "parked": False})
        redrive = self.plan(left.with_user(self.operator))
        self.assertEqual(redrive.line_ids.verdict, "link")
        redrive.action_start()
        self.push()
        self.push()
        self.assertEqual(order.sync_state, "synced")
        self.assertEqual(len(self.app.items("purchase-orders")), count + 1)

    # -- Whole groups, rights ---------------------------------------------------------

    def test_of_two_pharmacies_there_are_two(self):
        other = self.second_backend()
        self.operator.company_ids |= self.other_company
        __, dead = self.dead_orders(2)
        there = self.env["sync.operation"].create(
            {
                "kind": "apply",
                "stream_id": other.stream_ids[0].id,
                "external_id": "sup-1",
                "payload": {"id": "sup-1", "name": "Alba"},
                "state": "dead",
            }
        )
        own = self.env(
            user=self.operator,
            context={"allowed_company_ids": self.operator.company_ids.ids},
        )
        action = (dead | there).with_env(own).action_plan_redrive()
        redrives = self.env["sync.redrive"].search(action["domain"])
        found = {r.backend_id: r.line_ids.operation_id for r in redrives}
        self.assertEqual(found, {self.backend: dead.sudo(), other: there})
        self.assertEqual(redrives.mapped("state"), ["running"] * 2)

    def test_a_group_opens_its_failed_changes_for_those_who_may_read_it(self):
        __, dead = self.dead_orders(1)
        group = dead.error_group_id
        user = new_test_user(self.env, "user", "pharmacy_sync.group_user")
        action = group.with_user(user).action_view_dead_letters()
        found = self.env["sync.operation"].search(action["domain"])
        self.assertEqual(found, dead.sudo())
        nobody = new_test_user(self.env, "nobody", "base.group_user")
        with self.assertRaises(AccessError):
            group.with_user(nobody).action_view_dead_letters()

    def test_a_whole_error_group(self):
        __, dead = self.dead_orders(3)
        action = dead.error_group_id.action_plan_redrive()
        redrive = self.env["sync.redrive"].browse(action["res_id"])
        self.assertEqual(redrive.line_ids.operation_id, dead.sudo())
        self.assertIn("Authentication failed", redrive.display_name)
        dead.action_discard("x")
        with self.assertRaises(UserError):
            dead.error_group_id.action_plan_redrive()

    def test_operators_start_and_only_settings_are_written(self):
        user = new_test_user(self.env, "user", "pharmacy_sync.group_user")
        __, dead = self.dead_orders(2)
        redrive = self.plan(dead)
        for name in ("action_start", "action_stop", "action_cancel"):
            with self.subTest(name), self.assertRaises(AccessError):
                getattr(redrive.with_user(user), name)()
        with self.assertRaises(AccessError):
            redrive.write({"state": "done"})
        redrive.write(
            {"rate": 30, "failure_limit": 5, "failure_minimum": 3, "sample": 2}
        )
        with self.assertRaises(AccessError):
            redrive.with_user(user).rate = 60

    @mute_logger("odoo.sql_db")
    def test_a_failure_of_the_work_itself_is_recorded(self):
        __, dead = self.dead_orders(2)
        action = dead.action_plan_redrive()
        redrive = self.env["sync.redrive"].browse(action["res_id"])
        # Undone with the test's transaction.
        self.env.cr.execute("ALTER TABLE sync_redrive_line RENAME asked TO gone")
        self.work(redrive)
        self.assertEqual(redrive.state, "failed")
        error = self.env["sync.error"].search(
            [("correlation_id", "=", redrive.correlation_id)]
        )
        self.assertEqual(len(error), 1)
        self.assertTrue(redrive.reason)
