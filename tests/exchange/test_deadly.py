"""Records that a worker died of are sent and received apart from all others, and end as
failed changes after their second death alone."""

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from ...client.pharmacy import PharmacyClient
from ...core.taxonomy import ErrorType
from ...models.base.locks import SUSPECTS
from ...models.base.sync_config import shift
from ..common import DeathCase

NAMES = ("First", "Second", "Third", "Fourth")


class Deadly(DeathCase):
    def assert_successor(self, method, begin):
        """A job follows for the case that this one's worker dies as well, and not
        before that can be told."""
        etas = [eta for eta in self.jobs(method) if eta]
        low, high = (begin + timedelta(seconds=s) for s in (10, 40))
        self.assertTrue([eta for eta in etas if low <= eta <= high], etas)

    def assert_given_up(self, operation, **record):
        """It is a failed change that says why, and of which record."""
        self.assertEqual((operation.state, operation.attempts), ("dead", 1))
        (error,) = operation.error_ids
        self.assertEqual(error.type, ErrorType.RESOURCE_EXHAUSTED)
        self.assertIn("died 2 times", error.message)
        self.assertEqual({**error.context, **record}, error.context)


@tagged("post_install", "-at_install")
class TestDeadlyPush(Deadly):
    def setUp(self):
        super().setUp()
        self.partners = self.env["res.partner"].create(
            [{"name": name, "is_company": True, "supplier_rank": 1} for name in NAMES]
        )
        self.queue()
        self.sent = []
        call = PharmacyClient._call

        def watched(client, method, path, **options):
            found = [name for name in NAMES if f"'{name}'" in str(options)]
            if method != "GET" and found:
                self.sent.append(found)
            return call(client, method, path, **options)

        self.patch(PharmacyClient, "_call", watched)

    def queue(self):
        """Have the events of changes delivered: their pushes are in the queue."""
        self.env.cr.flush()
        self.backend._as_runner()._job_events()
        self.env.invalidate_all()

    def operation(self, partner):
        return self.mapping(partner).operation_ids

    def states(self):
        return [self.operation(partner).state for partner in self.partners]

    def test_those_in_hand_are_sent_singly_after_all_others(self):
        first, second, *__ = self.partners
        self.die("push", first, second)
        begin = fields.Datetime.now()
        self.push()
        self.assertEqual(self.sent, [["Third", "Fourth"], ["First"], ["Second"]])
        self.assertEqual(self.suspects(), {})
        self.assertEqual(set(self.operations(kind="push").mapped("state")), {"done"})
        self.assert_successor("_job_push", begin)

    def test_one_that_had_died_alone_comes_last(self):
        first, second, third, __ = self.partners
        self.die("push", first)
        self.die("push", second, third)
        self.push()
        self.assertEqual(self.sent, [["Fourth"], ["Second"], ["Third"], ["First"]])

    def test_without_a_death_none_is_sent_singly(self):
        self.push()
        self.assertEqual(self.sent, [list(NAMES)])
        self.assertFalse([eta for eta in self.jobs("_job_push") if eta])

    def test_one_of_which_two_workers_died_alone_is_given_up(self):
        first = self.partners[0]
        for __ in range(2):
            self.die("push", first)
        self.push()
        self.assertEqual(self.sent, [list(NAMES[1:])])
        self.assert_given_up(self.operation(first), odoo_id=first.id)
        self.assertEqual(self.mapping(first).state, "dead")
        self.assertEqual(self.suspects(), {str(first.id): 1})
        # Redriven it is tried once more, alone, and is done with if it is survived.
        self.operation(first).action_redrive()
        self.push()
        self.assertEqual(self.sent[1:], [["First"]])
        self.assertEqual(self.operation(first).state, "done")
        self.assertEqual(self.suspects(), {})

    def test_one_more_death_after_it_was_given_up_is_enough(self):
        first = self.partners[0]
        for __ in range(2):
            self.die("push", first)
        self.push()
        self.operation(first).action_redrive()
        self.die("push", first)
        self.push()
        self.assertEqual(self.operation(first).state, "dead")
        self.assertEqual(len(self.operation(first).error_ids), 2)

    def test_one_in_hand_is_marked_alone_before_it_is_sent(self):
        """If the worker dies of it now, that is known of this one, and of no other."""
        first, second, *__ = self.partners
        self.die("push", first, second)
        in_hand = []
        call = PharmacyClient._call

        def watched(client, method, path, **options):
            if "'First'" in str(options):
                markers = self.env["sync.marker"].search([], order="id")
                in_hand.append((markers[-1].keys, markers[-1].step))
            return call(client, method, path, **options)

        self.patch(PharmacyClient, "_call", watched)
        self.push()
        self.assertEqual(in_hand, [([f"out res.partner {first.id}"], "push")])

    def test_job_leaves_them_to_one_that_is_at_them(self):
        first = self.partners[0]
        self.die("push", first)
        with self.another_job(SUSPECTS, self.backend.id):
            self.push()
        self.assertEqual(self.sent, [list(NAMES[1:])])
        self.assertEqual(self.states(), ["waiting", *["done"] * 3])
        self.assertEqual(self.suspects(), {str(first.id): 1})

    def test_job_whose_time_is_over_leaves_them_to_the_next(self):
        first = self.partners[0]
        self.die("push", first)
        self.assertFalse(self.backend._push_suspects(None, True, shift(0)))
        self.assertEqual(self.sent, [])
        self.assertEqual(self.suspects(), {str(first.id): 1})

    def test_while_the_breaker_is_open_they_wait(self):
        first = self.partners[0]
        self.die("push", first)
        self.backend._breaker("push")._set_mode("forced_open", "for the test")
        self.push()
        self.assertEqual(self.sent, [])
        self.assertEqual(self.operation(first).state, "pending")
        self.assertEqual(self.suspects(), {str(first.id): 1})

    def test_one_that_is_on_its_way_is_not_sent_once_more(self):
        first = self.partners[0]
        self.operation(first).copy({"state": "running"})
        self.die("push", first)
        self.push()
        self.assertEqual(self.sent, [list(NAMES[1:])])
        self.assertEqual(self.suspects(), {str(first.id): 1})

    def test_backends_of_others_are_left_alone(self):
        first = self.partners[0]
        other = self.second_backend()
        self.die("push", first, backend=other)
        self.push()
        self.assertEqual(self.sent, [list(NAMES)])
        self.assertEqual(self.suspects(), {})
        self.push(other)
        self.assertEqual(self.suspects(other), {str(first.id): 1})


@tagged("post_install", "-at_install")
class TestDeadlyArrivals(Deadly):
    def setUp(self):
        super().setUp()
        self.backend.action_test_connection()
        self.sync()
        self.ids = [self.app.add("suppliers", name=name)["id"] for name in NAMES]

    def arrived(self):
        partners = self.env["res.partner"].search([("name", "in", NAMES)])
        return partners.sorted("id").mapped("name")

    def in_hand(self, *numbers):
        self.die("apply", *(("supplier", self.ids[number]) for number in numbers))

    def operation(self, number):
        return self.operations(kind="apply", external_id=self.ids[number])

    def test_those_in_hand_are_received_singly_after_all_others(self):
        self.in_hand(0, 1)
        self.pull()
        self.assertEqual(self.arrived(), ["Third", "Fourth", "First", "Second"])
        self.assertEqual(self.suspects(), {})
        self.assertEqual(self.operation(0).state, "done")

    def test_one_that_had_died_alone_comes_last(self):
        self.in_hand(0)
        self.in_hand(1, 2)
        self.pull()
        self.assertEqual(self.arrived(), ["Fourth", "Second", "Third", "First"])

    def test_one_of_which_two_workers_died_alone_is_given_up(self):
        for __ in range(2):
            self.in_hand(0)
        begin = fields.Datetime.now()
        self.pull()
        self.assertEqual(self.arrived(), list(NAMES[1:]))
        self.assert_given_up(self.operation(0), pharmacy_id=self.ids[0])
        self.assertEqual(self.suspects(), {self.ids[0]: 1})
        self.assert_successor("_job_pull", begin)
        # Redriven it is tried once more, alone, and is done with if it is survived.
        self.operation(0).action_redrive()
        self.pull()
        self.assertEqual(self.operation(0).state, "done")
        self.assertEqual(self.arrived(), [*NAMES[1:], "First"])
        self.assertEqual(self.suspects(), {})

    def test_job_leaves_them_to_one_that_is_at_them(self):
        self.in_hand(0)
        with self.another_job(SUSPECTS, self.backend.id):
            self.pull()
        self.assertEqual(self.arrived(), list(NAMES[1:]))
        self.assertEqual(self.operation(0).state, "waiting")
        self.assertEqual(self.suspects(), {self.ids[0]: 1})
        self.backend._apply_suspects(shift(0))
        self.assertEqual(self.operation(0).state, "waiting", "no time is left")
