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

    allow_inherited_tests_method = True

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
class TestOneItem(SyncCase):
    """The answer to a batch takes all items but one."""

    def setUp(self):
        super().setUp()
        self.sync()

    def push_around(self, status, name="one"):
        """Push suppliers of which the app refuses one.

        :return: the operation of that one
        """
        poison = f"POISON {status} {name}"
        names = [f"{status} {name} {number}" for number in range(6)]
        made = self.env["res.partner"].create(
            [
                {"name": name, "is_company": True, "supplier_rank": 1}
                for name in [*names[:3], poison, *names[3:]]
            ]
        )
        match = {"path": "*/batch", "contains": poison}
        self.app.fault("refuse_item", status=status, match=match)
        self.push()
        self.assertLessEqual(set(names), set(self.names_at_app()))
        self.assertNotIn(poison, self.names_at_app())
        for neighbour in made.filtered(lambda p: p.name in names):
            self.assertEqual(neighbour.sync_state, "synced")
        self.check_app_is_trusted()
        return self.mapping(made[3]).operation_ids

    def names_at_app(self):
        return [supplier["name"] for supplier in self.app.items("suppliers")]

    def check_app_is_trusted(self):
        self.assertFalse(self.backend.refused_at)
        breaker = self.backend._breaker("push")
        self.assertEqual(breaker.state, "closed")
        self.assertFalse(self.operations(parked=True))

    def check_kept(self, left, status):
        """The failure says what it is about, and in whose words."""
        error = left.error_ids.sorted("id")[-1]
        self.assertEqual(error.http_status, status)
        self.assertEqual(error.mapping_id, left.mapping_id)
        self.assertIn(f"POISON {status}", left.mapping_id.record_name)
        self.assertIn("a fault was asked for", error.message)

    def check_heals(self, left):
        self.app.heal()
        if left.state == "dead":
            left._redrive("for the test")
        self.make_due()
        self.push()
        name = left.mapping_id.record_name
        self.assertEqual(self.names_at_app().count(name), 1)
        self.assertEqual(left.state, "done")

    def test_one_that_is_refused_fails_alone(self):
        # A redirect, and codes that Odoo once used for words of its own, among them.
        for status in (302, 303, 400, 401, 402, 403, 407, 422, 451):
            with self.subTest(status):
                left = self.push_around(status)
                self.assertEqual((left.state, left.attempts), ("dead", 1))
                self.check_kept(left, status)
                self.check_heals(left)

    def test_one_that_is_busy_waits_and_is_given_up_alone(self):
        for status in (429, 500, 503):
            with self.subTest(status):
                left = self.push_around(status)
                self.assertEqual((left.state, left.attempts), ("waiting", 1))
                self.check_kept(left, status)
                # The app answers all the while: it is not away.
                for __ in range(20):
                    if left.state == "dead":
                        break
                    self.make_due()
                    self.push()
                    self.check_app_is_trusted()
                self.assertEqual((left.state, left.revivals), ("dead", 0))
                self.check_heals(left)

    def test_one_of_which_the_app_knows_no_more(self):
        for status in (499, 502, 504):
            for applied in (False, True):
                with self.subTest(status, applied=applied):
                    left = self.push_around(status, f"applied: {applied}")
                    mapping = left.mapping_id
                    self.assertEqual(left.state, "waiting")
                    self.assertTrue(mapping.uncertain)
                    self.check_kept(left, status)
                    if applied:
                        about = {"external_ref": mapping.key}
                        self.app.add("suppliers", name=mapping.record_name, **about)
                    self.check_heals(left)


@tagged("post_install", "-at_install")
class TestOneOfSingleCalls(OneRefused, SyncCase):
    """The answer to one call is that record's own."""

    allow_inherited_tests_method = True
    hidden = ("batch",)
