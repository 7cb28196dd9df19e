import os
import tempfile
from pathlib import Path

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import config

from ...models.base import res_config_settings
from ..common import SyncCase

LOGGER = "odoo.addons.pharmacy_sync.models.base.sync_config"
KEPT = ("log", "operations", "errors", "versions", "history")
SLACK = "https://hooks.slack.com/services/T00/B00/topsecret"


@tagged("post_install", "-at_install")
class TestConfig(SyncCase):
    """The environment wins over odoo.conf, that over the records; people see which."""

    def setUp(self):
        super().setUp()
        self.config = self.env["sync.config"]
        self.policies = self.env["sync.retry.policy"]
        self.write_conf("")

    def set_env(self, **variables):
        for name, value in variables.items():
            before = os.environ.get(name)
            restore = (
                (os.environ.pop, name, None)
                if before is None
                else (os.environ.__setitem__, name, before)
            )
            self.addCleanup(*restore)
            os.environ[name] = value
        # A process has one environment all its life.
        self.env.registry.clear_cache()

    def write_conf(self, section):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name, "odoo.conf")
        path.write_text(f"[options]\nworkers = 0\n[pharmacy_sync]\n{section}\n")
        self.addCleanup(config.__setitem__, "config", config["config"])
        config["config"] = str(path)
        self.env.registry.clear_cache()

    def origin(self, name):
        found = self.config._resolve(name)
        return found.value, str(found.origin)

    def test_environment_wins_over_conf_over_record(self):
        name = "retry_max_attempts"
        self.policies._default_policy().max_attempts = 4
        self.assertEqual(self.origin(name), (4, "record"))
        self.write_conf("ERROR_RETRY_MAX_ATTEMPTS = 6")
        self.assertEqual(self.origin(name), (6, "odoo.conf"))
        self.set_env(ERROR_RETRY_MAX_ATTEMPTS="8")
        self.assertEqual(self.origin(name), (8, "environment"))
        self.set_env(ERROR_RETRY_MAX_ATTEMPTS="eight")
        self.assertEqual(self.origin(name), (6, "odoo.conf"))

    def test_retry_variables_change_the_default_policy(self):
        self.set_env(ERROR_RETRY_MAX_ATTEMPTS="7", ERROR_RETRY_BASE_DELAY="20000")
        policy = self.policies._for("data_corrupted")
        self.assertEqual((policy.max_attempts, policy.base), (7, 20.0))
        # The longest delay is never below the first.
        self.assertEqual(policy.cap, 20.0)
        self.assertEqual(self.policies._for("network_timeout").max_attempts, 5)

    def test_failed_push_has_the_attempts_of_the_environment(self):
        self.set_env(ERROR_RETRY_MAX_ATTEMPTS="1")
        self.policies.search([("error_type", "=", "connection_refused")]).unlink()
        self.move_app("http://127.0.0.1:9")
        self.make_order()
        self.push()
        parked = self.operations(state="waiting", parked=True)
        self.assertEqual({len(each.error_ids) for each in parked}, {1})

    def test_a_policy_says_in_words_what_its_numbers_come_to(self):
        policy = self.policies._default_policy()
        for attempts, cap, words in (
            (1, 60, "Fails at once."),
            (2, 60, "Waits 1.5 s, then fails."),
            (4, 5, "Waits 1.5, 3, 5 s, then fails."),
            (7, 60, "Waits 1.5, 3, 6, 12, 24, 48 s, then fails."),
            (8, 60, "Waits 1.5, 3, 6, 12, 24, 48, ... s, then fails."),
        ):
            with self.subTest(words):
                policy.write(
                    {"base": 1.5, "factor": 2, "cap": cap, "max_attempts": attempts}
                )
                self.assertEqual(policy.sentence, words)

    def test_value_of_a_record_nearer_to_the_matter_is_the_default(self):
        self.assertEqual(self.config._value("breaker_threshold"), 5)
        self.assertEqual(self.config._value("breaker_threshold", 9), 9)
        self.set_env(ERROR_CIRCUIT_BREAKER_THRESHOLD="2")
        self.assertEqual(self.config._value("breaker_threshold", 9), 2)
        self.assertIsNone(self.config._value("linear_api_key"))

    def test_what_cannot_be_used_is_reported_at_start_without_its_value(self):
        self.set_env(
            ERROR_RETRY_MAX_ATTEMPTS="many",
            NOTIFICATION_SLACK_WEBHOOK="topsecret",
            LINEAR_API_KEY="top secret",
            NOTIFICATION_EMAIL_SMTP_HOTS="mail.example.com",
        )
        self.write_conf("error_retry_base_delay = 0\ncodegen_key = topsecret")
        with self.assertLogs(LOGGER, "WARNING") as logs:
            self.config._register_hook()
        reported = "\n".join(logs.output)
        self.assertIn(
            "ERROR_RETRY_MAX_ATTEMPTS (environment) must be a whole", reported
        )
        self.assertIn("NOTIFICATION_SLACK_WEBHOOK (environment) must be", reported)
        self.assertIn("LINEAR_API_KEY (environment) must be", reported)
        self.assertIn("error_retry_base_delay (odoo.conf) must be", reported)
        self.assertIn("no setting NOTIFICATION_EMAIL_SMTP_HOTS", reported)
        self.assertIn("no setting codegen_key", reported)
        self.assertEqual(len(logs.output), 6)
        for value in ("many", "topsecret", "top secret", "mail.example.com"):
            self.assertNotIn(value, reported)

    def test_nothing_is_reported_of_good_settings(self):
        self.set_env(ERROR_RETRY_MAX_ATTEMPTS="2", NOTIFICATION_SLACK_WEBHOOK=SLACK)
        with self.assertNoLogs(LOGGER, "WARNING"):
            self.config._register_hook()

    def test_unreadable_conf_is_reported_without_its_text(self):
        self.write_conf("linear_api_key = a\ntopsecret")
        with self.assertLogs(LOGGER, "ERROR") as logs:
            self.assertIsNone(self.config._value("linear_api_key"))
        self.assertNotIn("topsecret", logs.output[0])

    def test_page_shows_origins_and_problems_and_no_secret(self):
        self.set_env(
            NOTIFICATION_SLACK_WEBHOOK=SLACK,
            CODEGEN_API_KEY="topsecret",
            LINEAR_TEAM_ID="TEAM-7",
            ERROR_ALERT_RATE_LIMIT="soon",
        )
        page = self.env["res.config.settings"].create({}).pharmacy_sync_origins
        self.assertNotIn("topsecret", page)
        self.assertIn("https://hooks.slack.com/********", page)
        self.assertIn("TEAM-7", page)
        self.assertIn("environment", page)
        self.assertIn("ERROR_ALERT_RATE_LIMIT (environment) must be a whole", page)
        self.assertNotIn("soon", page)

    def test_retry_switched_off_leaves_one_attempt(self):
        self.env["ir.config_parameter"].set_param(
            "pharmacy_sync.feature_retry", "False"
        )
        for error_type in ("network_timeout", "data_corrupted"):
            self.assertEqual(self.policies._for(error_type).max_attempts, 1)

    def test_features_are_on_but_the_automated_fix(self):
        self.assertTrue(self.config._feature("retry"))
        self.assertTrue(self.config._feature("notifications"))
        self.assertFalse(self.config._feature("automated_fix"))
        with self.assertRaises(KeyError):
            self.config._feature("retries")

    def test_choosing_a_profile_sets_numbers_and_switches_together(self):
        admin = self.env.ref("base.user_admin")
        with Form(self.env["res.config.settings"].with_user(admin)) as form:
            form.pharmacy_sync_profile = "development"
            self.assertFalse(form.pharmacy_sync_notifications)
            self.assertEqual(form.pharmacy_sync_retry_max_attempts, 2)
            form.pharmacy_sync_profile = "production"
            self.assertEqual(form.pharmacy_sync_retry_max_attempts, 3)
            form.pharmacy_sync_profile = "development"
            form.pharmacy_sync_escalation = True
        form.record.execute()
        self.assertFalse(self.config._feature("notifications"))
        self.assertTrue(self.config._feature("escalation"))
        self.assertEqual(self.policies._for("data_corrupted").max_attempts, 2)
        self.assertEqual(self.origin("breaker_threshold"), (20, "record"))
        self.assertEqual(
            set(self.env["sync.breaker"].search([]).mapped("consecutive_failures")),
            {20},
        )
        self.assertEqual(self.origin("alert_rate_limit"), (60.0, "record"))
        again = Form(self.env["res.config.settings"].with_user(admin))
        self.assertEqual(again.pharmacy_sync_profile, "development")
        self.assertTrue(again.pharmacy_sync_escalation)

    def test_saving_other_settings_changes_nothing_of_ours(self):
        policy = self.policies._default_policy()
        policy.write({"max_attempts": 4, "base": 2.0, "cap": 8.0})
        breakers = self.env["sync.breaker"].search([])
        breakers[0].consecutive_failures = 7
        self.env["res.config.settings"].create({}).execute()
        self.assertEqual((policy.max_attempts, policy.base, policy.cap), (4, 2.0, 8.0))
        self.assertEqual(breakers[0].consecutive_failures, 7)

    def test_deleted_default_policy_comes_back_with_the_settings(self):
        self.policies.search([]).unlink()
        settings = self.env["res.config.settings"].create({})
        settings.pharmacy_sync_retry_max_attempts = 6
        settings.execute()
        self.assertEqual(self.policies._for("data_corrupted").max_attempts, 6)

    def test_number_that_makes_no_sense_is_refused(self):
        for name in ("retry_max_attempts", "retry_base_delay", "breaker_threshold"):
            settings = self.env["res.config.settings"].create({})
            settings[f"pharmacy_sync_{name}"] = 0
            with self.subTest(name), self.assertRaises(ValidationError):
                settings.execute()

    def test_number_of_a_record_is_refused_by_the_name_of_its_field(self):
        policy = self.policies._default_policy()
        with self.assertRaisesRegex(ValidationError, "Max Attempts must be 1 to 100"):
            policy.max_attempts = 100_000
        # A new one is refused too: not by the database, which names no field.
        with self.assertRaisesRegex(ValidationError, "Max Attempts must be 1 to 100"):
            policy.create({"error_type": "network_timeout", "max_attempts": -1})

    def test_nonsense_is_refused_wherever_a_number_is_set(self):
        backend = self.env["sync.backend"].create(
            {"name": "Bounds", "url": "https://pharmacy.example.com"}
        )
        records = (
            backend,
            backend.stream_ids[:1],
            backend._breaker("push"),
            self.env["sync.pool"].create({"backend_id": backend.id, "name": "bounds"}),
        )
        for record in records:
            for name, (least, most) in record._bounds.items():
                label = record._fields[name]._description_string(self.env)
                for wrong in (least - 1, most * 1000):
                    with (
                        self.subTest(name, wrong=wrong),
                        self.assertRaisesRegex(ValidationError, f"{label} must be"),
                    ):
                        record[name] = wrong

    def test_days_that_things_are_kept_are_refused_by_name(self):
        for name in KEPT:
            for wrong in (-5, 0, 3651, 100_000):
                settings = self.env["res.config.settings"].create({})
                settings[f"pharmacy_sync_keep_{name}"] = wrong
                label = settings._fields[f"pharmacy_sync_keep_{name}"].string
                with (
                    self.subTest(name, wrong=wrong),
                    self.assertRaisesRegex(ValidationError, f"{label} must be 1 to"),
                ):
                    settings.execute()

    def test_who_may_not_see_the_page_neither_reads_nor_saves_it(self):
        operator = new_test_user(self.env, "op", "pharmacy_sync.group_operator")
        settings = self.env["res.config.settings"].create({}).with_user(operator)
        with self.assertRaises(AccessError):
            settings.get_values()
        with self.assertRaises(AccessError):
            settings.set_values()

    def test_the_bounds_themselves_are_good(self):
        days = {f"keep_{name}": (1, 3650) for name in KEPT}
        numbers = {
            "retry_max_attempts": (1, 100),
            "retry_base_delay": (0.001, 3600),
            "breaker_threshold": (1, 1000),
            "alert_rate_limit": (0, 86400),
        }
        self.assertEqual(res_config_settings.BOUNDS, {**numbers, **days})
        for bound in (0, 1):
            settings = self.env["res.config.settings"].create({})
            for name, good in {**numbers, **days}.items():
                settings[f"pharmacy_sync_{name}"] = good[bound]
            settings.execute()
            for name in KEPT:
                stored = self.env["sync.retention"]._days(name)
                self.assertEqual(stored, (1, 3650)[bound], name)

    def test_only_managers_have_the_page(self):
        rights = ("base.group_system", "pharmacy_sync.group_operator")
        operator = new_test_user(self.env, "config_operator", ",".join(rights))
        admin = self.env.ref("base.user_admin")
        Settings = self.env["res.config.settings"]
        view = Settings.with_user(operator).get_view(view_type="form")["arch"]
        self.assertNotIn("pharmacy_sync_origins", view)
        view = Settings.with_user(admin).get_view(view_type="form")["arch"]
        self.assertIn("pharmacy_sync_origins", view)
