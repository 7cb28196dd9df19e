"""What an app answers because of one record holds up no other."""

from odoo.tests import tagged

from ..common import SyncCase

# The answers that may as well be meant for all that is sent.
ANSWERS = {
    401: {"kind": "refuse_auth"},
    403: {"kind": "forbid"},
    429: {"kind": "rate_limit", "retry_after": 30},
    500: {"kind": "error", "status": 500},
    503: {"kind": "error", "status": 503, "retry_after": 30},
}
REFUSED = (401, 403)


class OneRefused:
    hidden = ()

    def setUp(self):
        super().setUp()
        self.app.call("POST", "/admin/settings", hidden=list(self.hidden))
        self.backend.action_test_connection()
        self.sync()

    def make_suppliers(self, names):
        return self.env["res.partner"].create(
            [{"name": name, "is_company": True, "supplier_rank": 1} for name in names]
        )

    def push_twice(self):
        """The first answer is believed to be about all that was sent."""
        self.push()
        self.make_due()
        self.push()

    def names_at_app(self):
        return {supplier["name"] for supplier in self.app.items("suppliers")}

    def test_the_neighbours_of_one_land(self):
        for status, answer in ANSWERS.items():
            with self.subTest(status):
                self.app.fault(**answer, match={"contains": f"POISON {status}"})
                names = [f"{status} {number}" for number in range(6)]
                made = self.make_suppliers([f"POISON {status}", *names])
                self.push_twice()
                self.assertLessEqual(set(names), self.names_at_app())
                self.assertFalse(self.backend.refused_at)
                (left,) = self.mapping(made[0]).operation_ids
                ended = "dead" if status in REFUSED else "waiting"
                self.assertEqual(left.state, ended)
                self.assertEqual(set(left.error_ids.mapped("http_status")), {status})
                breaker = self.backend._breaker("push")
                self.assertEqual(breaker.state, "closed")
                self.app.heal()
                left._redrive("for the test") if status in REFUSED else self.make_due()
                self.push()
                self.assertIn(made[0].name, self.names_at_app())

    def test_an_app_that_is_busy_is_left_alone(self):
        for status in (429, 503):
            with self.subTest(status):
                self.app.fault(**ANSWERS[status])
                made = self.make_suppliers([f"{status} {n}" for n in range(6)])
                self.app.call("DELETE", "/admin/requests")
                self.push()
                self.assertEqual(len(self.app.requests()), 1)
                self.make_due()
                self.push()
                # The call, and one that looks whether all that is asked is meant.
                self.assertEqual(len(self.app.requests()), 3)
                left = self.mapping(made[0]).operation_ids
                self.assertEqual(left.state, "waiting")
                self.app.heal()
                self.make_due()
                self.push()
                self.assertLessEqual(set(made.mapped("name")), self.names_at_app())

    def test_a_key_that_may_only_read(self):
        made = self.make_suppliers(["One", "Two", "Three"])
        self.app.call(
            "POST",
            "/admin/faults",
            seed=1,
            rules=[
                {"kind": "forbid", "match": {"method": method}}
                for method in ("POST", "PATCH", "DELETE")
            ],
        )
        self.push()
        self.assertTrue(self.backend.refused_at)
        self.assertFalse(self.operations(state="dead"))
        pushes = self.mapping(made[0]).operation_ids
        self.assertEqual((pushes.state, pushes.attempts), ("waiting", 0))
        errors = self.env["sync.error"].search([("backend_id", "=", self.backend.id)])
        self.assertEqual(errors.mapped("http_status"), [403])
        self.app.heal()
        self.backend.action_test_connection()
        self.push()
        self.assertLessEqual(set(made.mapped("name")), self.names_at_app())


@tagged("post_install", "-at_install")
class TestOneOfABatch(OneRefused, SyncCase):
    """The answer to a whole batch is that of one record."""

    def test_one_among_many_is_no_outage(self):
        for status in (429, 500, 503):
            with self.subTest(status):
                self.app.fault(
                    **ANSWERS[status], match={"contains": f"POISON {status}"}
                )
                names = [f"{status} {number}" for number in range(40)]
                self.make_suppliers([f"POISON {status}", *names])
                self.push_twice()
                self.assertLessEqual(set(names), self.names_at_app())
                self.assertEqual(self.backend._breaker("push").state, "closed")


@tagged("post_install", "-at_install")
class TestOneOfSingleCalls(OneRefused, SyncCase):
    """The answer to one call is that record's own."""

    hidden = ("batch",)
