import psycopg2

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from ...core.exceptions import HttpError
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestErrorRule(SyncCase):
    """An administrator's rules say what a failure means, before the built-in ones."""

    def rule(self, error_type, **values):
        return self.env["sync.error.rule"].create({"error_type": error_type, **values})

    def type_of(self, status, code=None, message="", backend=None):
        error = HttpError(status, code, message)
        return str(self.env["sync.error"]._classify(error, backend).type)

    def test_rule_decides_what_an_answer_means(self):
        self.assertEqual(self.type_of(422, "closed"), "data_validation_failed")
        self.rule("order_already_processed", http_status=422, code="Closed")
        self.assertEqual(self.type_of(422, "closed"), "order_already_processed")
        self.assertEqual(self.type_of(422, "other"), "data_validation_failed")
        answer = self.env["sync.error"]._classify_response(self.backend, 422, "closed")
        self.assertEqual(answer.type, "order_already_processed")
        self.assertFalse(answer.retryable)

    def test_rule_says_what_comes_with_its_type(self):
        form = Form(self.env["sync.error.rule"])
        self.assertFalse(form.retryable or form.severity or form.advice)
        for error_type, retryable, severity in (
            ("service_unavailable", True, "medium"),
            ("authentication_failed", False, "high"),
        ):
            form.error_type = error_type
            self.assertEqual((form.retryable, form.severity), (retryable, severity))
            self.assertTrue(form.advice)

    def test_rule_finds_its_pattern_in_a_message_of_another_language(self):
        self.rule("insufficient_stock", pattern="nicht (mehr )?lieferbar")
        self.assertEqual(
            self.type_of(500, message="Artikel NICHT lieferbar"), "insufficient_stock"
        )

    def test_rule_of_a_backend_holds_for_it_alone(self):
        other = self.env["sync.backend"].create(
            {"name": "Other", "url": "http://127.0.0.1:9"}
        )
        self.rule("invalid_supplier", http_status=409, backend_id=self.backend.id)
        self.assertEqual(self.type_of(409, backend=self.backend), "invalid_supplier")
        self.assertNotEqual(self.type_of(409, backend=other), "invalid_supplier")
        self.assertNotEqual(self.type_of(409), "invalid_supplier")

    def test_rules_of_a_backend_hold_for_what_its_app_calls(self):
        api = self.env["sync.api"].with_user(self.api_user)
        for field, pattern, kind in (
            ("entity", "^entity must be", "invalid_supplier"),
            ("operation_ids", "^no operation 7 is known", "order_already_processed"),
        ):
            self.rule(kind, pattern=pattern, backend_id=self.backend.id)
            if field == "entity":
                error = api.push("invented", [{"id": "x"}])["error"]
            else:
                (result,) = api.retry([7])["results"]
                error = result["error"]
            self.assertEqual((error["type"], error["field"]), (kind, field))

    def test_first_rule_wins_and_changes_hold_at_once(self):
        last = self.rule("invalid_supplier", http_status=422, sequence=20)
        first = self.rule("insufficient_stock", http_status=422, sequence=5)
        self.assertEqual(self.type_of(422), "insufficient_stock")
        first.active = False
        self.assertEqual(self.type_of(422), "invalid_supplier")
        self.assertEqual(
            self.env["sync.error.rule"]
            .with_context(active_test=False)
            ._rules(self.backend),
            self.env["sync.error.rule"]._rules(self.backend),
        )
        last.http_status = 423
        self.assertEqual(self.type_of(422), "data_validation_failed")
        last.unlink()
        self.assertEqual(self.env["sync.error.rule"]._rules(), ())

    def test_broken_pattern_is_refused_on_saving(self):
        with self.assertRaisesRegex(ValidationError, "no regular expression"):
            self.rule("insufficient_stock", pattern="out of (stock")
        with self.assertRaisesRegex(ValidationError, "busy for ever"):
            self.rule("insufficient_stock", pattern="(a+)+$")
        rule = self.rule("insufficient_stock", pattern="out of stock")
        with self.assertRaises(ValidationError):
            rule.pattern = "*"

    @mute_logger("odoo.sql_db")
    def test_rule_without_a_condition_or_with_no_status_is_refused(self):
        for values in ({}, {"code": "", "http_status": 0}, {"http_status": 42}):
            with (
                self.subTest(values),
                self.assertRaises(psycopg2.IntegrityError),
                self.env.cr.savepoint(),
            ):
                self.rule("insufficient_stock", **values)

    @mute_logger(
        "odoo.sql_db", "odoo.addons.pharmacy_sync.models.error.sync_error_rule"
    )
    def test_failure_is_classified_even_where_rules_cannot_be_read(self):
        with self.assertRaises(psycopg2.Error), self.env.cr.savepoint():
            try:
                self.env.cr.execute("SELECT no_such_column FROM sync_error")
            except psycopg2.Error as exc:
                # The transaction is aborted: nothing can be read in it.
                found = self.env["sync.error"]._classify(exc)
                self.assertEqual(found.type, "unexpected")
                raise

    def test_managers_make_rules_and_users_read_them(self):
        user = new_test_user(self.env, "rule_user", "pharmacy_sync.group_operator")
        manager = new_test_user(self.env, "rule_mgr", "pharmacy_sync.group_manager")
        Rule = self.env["sync.error.rule"]
        rule = Rule.with_user(manager).create(
            {"error_type": "insufficient_stock", "code": "none_left"}
        )
        self.assertEqual(
            rule.with_user(user).display_name, "none_left: Insufficient stock"
        )
        self.assertFalse(Rule.new({}).display_name, "a new one has no name yet")
        with self.assertRaises(AccessError):
            rule.with_user(user).code = "other"
