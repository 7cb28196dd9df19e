from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..common import SyncCase

MANAGER, OPERATOR = "pharmacy_sync.group_manager", "pharmacy_sync.group_operator"


@tagged("post_install", "-at_install")
class TestShared(SyncCase):
    """A setting that names no backend holds for all companies: who does not work in
    all of them leaves it alone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.second_backend()
        every = cls.env["sync.backend"].with_context(active_test=False).search([])
        cls.of_one = cls.env["res.users"].browse(cls.make_user("of one", MANAGER))
        cls.of_all = cls.work_in("of all", MANAGER, every.company_id)
        cls.policy = cls.env["sync.retry.policy"].search([], limit=1)

    @classmethod
    def work_in(cls, login, groups, companies):
        return new_test_user(
            cls.env,
            login,
            groups,
            company_id=companies[0].id,
            company_ids=[Command.set(companies.ids)],
        )

    def make_rule(self, backend=None):
        values = {"error_type": "network_timeout", "http_status": 422}
        backend_id = backend and backend.id
        return self.env["sync.error.rule"].create({**values, "backend_id": backend_id})

    def assert_refused(self, records, user, **values):
        with self.assertRaisesRegex(AccessError, "all companies"):
            records.with_user(user).write(values)

    @mute_logger("odoo.addons.base.models.ir_rule")
    def test_who_works_in_all_companies_changes_it(self):
        rule = self.make_rule()
        self.assert_refused(self.policy, self.of_one, max_attempts=7)
        self.assert_refused(rule, self.of_one, http_status=423)
        with self.assertRaisesRegex(AccessError, "all companies"):
            rule.with_user(self.of_one).unlink()
        self.policy.with_user(self.of_all).max_attempts = 7
        rule.with_user(self.of_all).http_status = 424
        self.assertEqual((self.policy.max_attempts, rule.http_status), (7, 424))
        self.assertTrue(self.policy.with_user(self.of_one).max_attempts, "it is read")

    def test_an_archived_backends_company_counts(self):
        self.other.active = False
        self.assert_refused(self.policy, self.of_one, max_attempts=7)
        self.other.unlink()
        companies = self.env["sync.backend"].search([]).company_id
        self.of_one.company_ids = [Command.set(companies.ids)]
        self.policy.with_user(self.of_one).max_attempts = 8
        self.assertEqual(self.policy.max_attempts, 8)

    def test_an_administrator_changes_it(self):
        groups = f"base.group_system,{MANAGER}"
        admin = self.work_in("admin of one", groups, self.env.company)
        self.policy.with_user(admin).max_attempts = 7
        self.assertEqual(self.policy.max_attempts, 7)

    def test_what_names_a_backend_is_its_companys_and_stays_so(self):
        rule = self.make_rule(self.backend)
        rule.with_user(self.of_one).http_status = 423
        self.assertEqual(rule.http_status, 423)
        self.assert_refused(rule, self.of_one, backend_id=False)
        # What is refused is rolled back by who calls.
        rule.backend_id = self.backend
        self.assert_refused(rule | self.make_rule(), self.of_one, http_status=425)

    def test_what_all_are_alerted_about_is_not_muted_by_one_company(self):
        rule = self.env["sync.alert.rule"].create(
            {"name": "Dead letters", "condition": "dead_letter"}
        )
        operator = self.env["res.users"].browse(self.make_user("operator", OPERATOR))
        with self.assertRaisesRegex(AccessError, "all companies"):
            rule.with_user(operator).action_silence()
        self.assertFalse(rule.silenced_until)
        operator.company_ids = [Command.set(self.of_all.company_ids.ids)]
        rule.with_user(operator).action_silence()
        self.assertTrue(rule.silenced_until)
        operator.company_ids = [Command.set(self.env.company.ids)]
        with self.assertRaisesRegex(AccessError, "all companies"):
            rule.with_user(operator).action_end_silence()
        self.assertTrue(rule.silenced_until)
