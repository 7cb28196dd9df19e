from odoo import fields
from odoo.tests import tagged

from .test_statistics import HOUR, StatisticsCase


@tagged("post_install", "-at_install")
class TestReliability(StatisticsCase):
    """How long failures lasted, how far they were apart, and what was down."""

    def incidents(self):
        self.commit()
        return self.env["sync.error.incident"].search(
            [("backend_id", "=", self.backend.id)]
        )

    def backend_figures(self, **about):
        (figures,) = self.data(**about)["backends"]
        return figures

    def test_incident_lasts_from_the_first_error_until_all_are_resolved(self):
        self.app.fault("error", status=503, count=2)
        self.order.origin = "PH-1"
        self.push()
        self.commit()
        self.move(2)
        (incident,) = self.incidents()
        self.assertFalse(incident.ended_at)
        self.assertIsNone(self.data()["mttr"])
        self.assertEqual(self.data()["still_open"]["incidents"], 1)
        self.make_due()
        self.push()
        self.commit()
        self.make_due()
        self.push()
        (incident,) = self.incidents()
        errors = incident.group_id.error_ids
        self.assertEqual(len(errors), 2)
        reported = self.data()
        lasted = max(errors.mapped("resolved_at")) - min(errors.mapped("occurred_at"))
        self.assertAlmostEqual(reported["mttr"], lasted.total_seconds(), delta=1)
        self.assertGreaterEqual(reported["mttr"], 2 * 3600)
        self.assertEqual(reported["still_open"]["incidents"], 0)
        # The same when it has been written down.
        self.env["sync.metric"]._cron_roll_up()
        self.assertEqual(self.data()["mttr"], reported["mttr"])
        (incident,) = self.incidents()
        self.assertEqual(incident.ended_at, max(errors.mapped("resolved_at")))
        self.assertAlmostEqual(incident.seconds, reported["mttr"], delta=1)

    def test_an_incident_is_of_the_range_in_which_it_began(self):
        """To the second: its first one is in it, the one after its last is not."""
        self.fail_once()
        self.env["sync.error.incident"]._end_resolved()
        (incident,) = self.incidents()
        now = fields.Datetime.now().replace(minute=0, second=0, microsecond=0)
        start, end = now - 20 * HOUR, now - 10 * HOUR
        for began, ended, begun, still in (
            (start, start + HOUR, 1, 0),
            (start - HOUR, end, 0, 1),
            (start, end - HOUR, 1, 0),
            (end, end + HOUR, 0, 0),
        ):
            self.env.cr.execute(
                """UPDATE sync_error_incident SET opened_at = %s, ended_at = %s
                    WHERE id = %s""",
                [began, ended, incident.id],
            )
            data = self.data("custom", start=start, end=end)
            with self.subTest(began=began, ended=ended):
                self.assertEqual(data["backends"][0]["incidents"], begun)
                self.assertEqual(data["still_open"]["incidents"], still)

    def test_of_a_range_that_is_still_to_come_there_is_nothing(self):
        self.fail_once()
        now = fields.Datetime.now()
        data = self.data("custom", start=now + 48 * HOUR, end=now + 72 * HOUR)
        self.assertEqual(data["totals"]["calls"], 0)
        self.assertEqual(data["backends"][0]["incidents"], 0)

    def test_what_recurs_after_its_end_is_another_incident(self):
        self.fail_once()
        self.commit()
        self.env["sync.error.incident"]._end_resolved()
        self.assertTrue(self.incidents().ended_at)
        self.order.origin = "PH-2"
        self.app.fault("error", status=503, count=1)
        self.push()
        self.assertEqual(len(self.incidents()), 2)
        self.env["sync.error.incident"]._end_resolved()
        last, first = self.incidents()
        self.assertTrue(first.ended_at)
        self.assertFalse(last.ended_at)

    def test_a_person_who_resolves_the_group_ends_it(self):
        self.die()
        (incident,) = self.incidents()
        incident.group_id.action_resolve()
        self.env["sync.error.incident"]._end_resolved()
        self.assertTrue(self.incidents().ended_at)
        self.assertIsNotNone(self.backend_figures()["mttr"])

    def test_incident_of_a_deleted_group_is_not_open_for_ever(self):
        self.die()
        (incident,) = self.incidents()
        incident.group_id.unlink()
        self.assertEqual(self.data()["still_open"]["incidents"], 0)
        self.env["sync.error.incident"]._end_resolved()
        self.assertFalse(self.incidents())

    def test_group_that_is_unresolved_for_longest_is_reported_first(self):
        self.die()
        self.move(3)
        self.app.fault("error", status=503, count=1)
        self.supplier.street = "Calle Mayor 1"
        self.push()
        types = [group["name"] for group in self.data()["groups"]]
        self.assertEqual(len(types), 2)
        self.assertIn("Authentication failed", types[0])
        (longest, __) = self.data()["groups"]
        self.assertTrue(longest["open"])
        self.assertAlmostEqual(longest["unresolved"], 3 * 3600, delta=60)

    def note(self, operation, *history):
        """What a breaker did: (hours ago, state, mode)."""
        breaker = self.backend._breaker(operation)
        before = "closed"
        for hours, after, mode in history:
            self.env["sync.breaker.transition"].create(
                {
                    "breaker_id": breaker.id,
                    "before": before,
                    "after": after,
                    "mode": mode,
                    "at": fields.Datetime.now() - hours * HOUR,
                }
            )
            before = after
        return breaker

    def opened(self, breaker, span="24h"):
        (reported,) = (b for b in self.data(span)["breakers"] if b["id"] == breaker.id)
        return round(reported["open"] / 3600, 2), reported["openings"]

    def test_time_a_breaker_was_open(self):
        breaker = self.note(
            "push",
            (5, "open", "normal"),
            (4, "half_open", "normal"),
            (3.5, "open", "normal"),
            (3, "closed", "normal"),
            # Calls go through, whatever it would do.
            (2, "open", "disabled"),
            (1.5, "closed", "normal"),
            (1, "closed", "forced_open"),
        )
        self.assertEqual(self.opened(breaker), (2.5, 3))

    def test_breaker_that_was_open_before_the_range_and_is_still(self):
        breaker = self.note("push", (40, "open", "normal"))
        reported = self.data()
        (figures,) = (b for b in reported["breakers"] if b["id"] == breaker.id)
        self.assertEqual((figures["share"], figures["openings"]), (100.0, 0))

    def test_time_between_failures_is_time_in_which_it_could_work(self):
        self.note("push", (5, "open", "normal"), (4, "closed", "normal"))
        # At the same time: it was down once.
        self.note("pull", (4.5, "open", "normal"), (3.5, "closed", "normal"))
        self.fail_once()
        self.die()
        # It has been connected for longer than the range.
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sync_backend SET create_date = create_date - interval '100 hours'"
        )
        self.env.invalidate_all()
        figures = self.backend_figures()
        self.assertEqual(figures["incidents"], 2)
        self.assertEqual(round(figures["down"] / 3600, 2), 1.5)
        passed = 23 + fields.Datetime.now().minute / 60
        self.assertAlmostEqual(figures["mtbf"] / 3600, (passed - 1.5) / 2, delta=0.1)

    def test_backend_could_not_fail_before_it_was_connected(self):
        self.fail_once()
        self.assertLess(self.backend_figures()["mtbf"], 600)

    def test_dead_letter_is_open_at_the_end(self):
        self.die()
        self.assertEqual(self.data()["still_open"]["dead_letters"], 1)
        now = fields.Datetime.now()
        past = self.data("custom", start=now - 48 * HOUR, end=now - 24 * HOUR)
        self.assertEqual(past["still_open"]["dead_letters"], 0)
