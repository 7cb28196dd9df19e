"""No setting and no switch is without effect: each has a reader, and turning it changes
what a person or another program sees."""

import ast
import os
from functools import partial

from odoo.tests import tagged

from ...core.alert.escalation import THRESHOLDS
from ...core.exceptions import HttpError
from ...core.settings import FEATURES, SETTINGS
from ..alert.test_alert import AlertCase
from ..common import ROOT

READERS = ("models", "client", "controllers", "wizards", "hooks.py")


def constants():
    """All texts in code that could read a setting."""
    found = set()
    for name in READERS:
        root = ROOT / name
        for path in root.rglob("*.py") if root.is_dir() else [root]:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return found


@tagged("post_install", "-at_install")
class TestSettingsWalk(AlertCase):
    def test_each_has_a_reader(self):
        there = constants()
        names = set(SETTINGS) | set(FEATURES)
        self.assertEqual(names - there, set())

    def test_each_of_ours_is_tried(self):
        """Those of channels are tried where the channels are."""
        channels = ("alert_", "slack_", "smtp_", "linear_")
        ours = {name for name in SETTINGS if not name.startswith(channels)}
        tried = {name.removeprefix("check_") for name in dir(self)}
        self.assertEqual((ours | set(FEATURES)) - tried, set())

    def test_turning_it_changes_what_is_seen(self):
        for name in sorted(set(SETTINGS) | set(FEATURES)):
            if check := getattr(self, f"check_{name}", None):
                with self.subTest(name):
                    check()
                    self.env.invalidate_all()

    # -- How ---------------------------------------------------------------------------

    def given(self, **variables):
        """Set variables of the environment for the rest of the test."""
        self.patch(os, "environ", {**os.environ, **variables})
        self.env.registry.clear_cache()

    def switched(self, name, look):
        """What is seen with a feature on, and off."""
        seen = []
        for on in (True, False):
            parameters = self.env["ir.config_parameter"]
            parameters.set_param(f"pharmacy_sync.feature_{name}", str(on))
            self.env.registry.clear_cache()
            seen.append(look())
        self.env["ir.config_parameter"].search(
            [("key", "=", f"pharmacy_sync.feature_{name}")]
        ).unlink()
        self.env.registry.clear_cache()
        return seen

    def policy(self):
        return self.env["sync.retry.policy"]._for("data_corrupted")

    def check_retry(self):
        on, off = self.switched("retry", lambda: self.policy().max_attempts)
        self.assertGreater(on, off)
        self.assertEqual(off, 1)

    def check_retry_max_attempts(self):
        self.given(ERROR_RETRY_MAX_ATTEMPTS="7")
        self.assertEqual(self.policy().max_attempts, 7)

    def check_retry_base_delay(self):
        self.given(ERROR_RETRY_BASE_DELAY="250")
        self.assertEqual(self.policy().base, 0.25)

    def check_breaker_threshold(self):
        self.given(ERROR_CIRCUIT_BREAKER_THRESHOLD="2")
        config = self.backend.breaker_ids[0]._config()
        self.assertEqual(config.consecutive_failures, 2)

    def check_breaker(self):
        breaker = self.backend.breaker_ids[0]
        breaker._set_mode("forced_open", "test")
        self.env.flush_all()
        on, off = self.switched("breaker", breaker._rejection)
        breaker._set_mode("normal", "test")
        self.assertTrue(on)
        self.assertIsNone(off)

    def check_encryption_keys(self):
        from cryptography.fernet import Fernet

        self.given(PHARMACY_SYNC_ENCRYPTION_KEYS=Fernet.generate_key().decode())
        settings = self.env["res.config.settings"].create({})
        self.assertTrue(settings.pharmacy_sync_encrypted)
        self.patch(os, "environ", {**os.environ, "PHARMACY_SYNC_ENCRYPTION_KEYS": ""})

    def check_metrics_token(self):
        self.given(PHARMACY_SYNC_METRICS_TOKEN="abc")
        self.assertEqual(self.env["sync.config"]._value("metrics_token"), "abc")

    # -- The ladder --------------------------------------------------------------------

    def climbed(self, error=None):
        """The steps that a new group climbs by ten failures."""
        self.go_wrong(error or HttpError(404, None, "Unknown"), times=10)
        self.env.flush_all()
        self.env["sync.escalation"]._climb()
        steps = self.env["sync.escalation"].search([("live", "=", True)])
        found = set(steps.mapped("rung"))
        steps.live = False
        self.env["sync.error"].search([]).action_resolve()
        return found

    def check_escalation(self):
        on, off = self.switched("escalation", self.climbed)
        self.assertEqual((on, off), ({"activity"}, set()))

    def check_automated_fix(self):
        self.given(CODEGEN_API_URL="http://127.0.0.1:9/fix")
        on, off = self.switched("automated_fix", self.climbed)
        self.assertEqual(on - off, {"fix"})

    def check_reset(self):
        timeout = HttpError(503, None, "Not now")
        look = partial(self.climbed, timeout)
        on, off = self.switched("reset", look)
        self.assertEqual(on - off, {"reset"})
        self.backend.paused = False

    def sent(self):
        """What the service for fixes is sent."""
        from ..alert.test_escalation import Service

        service = Service()
        self.addCleanup(service.close)
        self.given(CODEGEN_API_URL=service.url)
        self.env["sync.escalation"]._call_service({"type": "test", "id": "1"})
        return service.requests[0]

    def check_codegen_api_url(self):
        self.assertEqual(self.sent()[1]["type"], "test")

    def check_codegen_api_key(self):
        self.given(CODEGEN_API_KEY="key-7")
        self.assertEqual(self.sent()[0]["Authorization"], "Bearer key-7")

    def check_codegen_org_id(self):
        self.assertNotIn("org_id", self.sent()[1])
        self.given(CODEGEN_ORG_ID="org-7")
        self.assertEqual(self.sent()[1]["org_id"], "org-7")

    def test_thresholds_of_the_ladder(self):
        parameters = self.env["ir.config_parameter"]
        for rung, default in THRESHOLDS.items():
            self.assertEqual(self.env["sync.config"]._thresholds()[rung], default)
            parameters.set_param(f"pharmacy_sync.escalate_{rung}", "33")
            self.assertEqual(self.env["sync.config"]._thresholds()[rung], 33)

    def check_notifications(self):
        """Off: alerts are raised, and nobody is notified."""

        def reported():
            # What other checks left behind is long ago.
            self.pass_time(7200)
            self.only("error_spike")
            self.go_wrong(times=6)
            self.look()
            alert = self.alerts(condition="error_spike")
            found = bool(alert.notified_at)
            alert.action_resolve()
            self.pass_time(7200)
            return found

        on, off = self.switched("notifications", reported)
        self.assertEqual((on, off), (True, False))
