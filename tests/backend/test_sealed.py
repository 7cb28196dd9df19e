import os
from unittest.mock import patch

from cryptography.fernet import Fernet

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from ...core.secrets.sealing import is_sealed
from ..common import KEY, WEBHOOK_SECRET, SyncCase

VARIABLE = "PHARMACY_SYNC_ENCRYPTION_KEYS"
OLD, NEW = (Fernet.generate_key().decode() for __ in range(2))


@tagged("post_install", "-at_install")
class TestSealed(SyncCase):
    """Keys in the database are of no use without the key of the server."""

    def with_keys(self, *keys):
        found = patch.dict(os.environ, {VARIABLE: ",".join(keys)})
        self.addCleanup(found.stop)
        found.start()

    def kept(self):
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT api_key_secret, webhook_secret_secret FROM sync_backend "
            "WHERE id = %s",
            (self.backend.id,),
        )
        return self.env.cr.fetchone()

    def test_what_is_entered_is_encrypted_and_works(self):
        self.with_keys(NEW)
        self.backend.write({"api_key": KEY, "webhook_secret": WEBHOOK_SECRET})
        self.assertTrue(all(map(is_sealed, self.kept())))
        self.assertFalse([t for t in self.kept() if KEY in t or WEBHOOK_SECRET in t])
        self.assertTrue(self.backend.action_test_connection())
        self.assertEqual(self.backend._webhook_secrets(), [WEBHOOK_SECRET])
        self.env.invalidate_all()
        self.assertEqual(self.backend.api_key, "********")

    def test_what_was_entered_before_is_encrypted_by_one_button(self):
        self.assertEqual(self.kept(), (KEY, WEBHOOK_SECRET))
        settings = self.env["res.config.settings"].create({})
        self.assertFalse(settings.pharmacy_sync_encrypted)
        settings.action_pharmacy_sync_encrypt()
        self.assertEqual(self.kept(), (KEY, WEBHOOK_SECRET), "there is no key")
        self.with_keys(OLD)
        settings = self.env["res.config.settings"].create({})
        self.assertTrue(settings.pharmacy_sync_encrypted)
        settings.action_pharmacy_sync_encrypt()
        self.assertTrue(all(map(is_sealed, self.kept())))
        # The key is replaced: the new one first, then the old one goes.
        self.with_keys(NEW, OLD)
        settings.action_pharmacy_sync_encrypt()
        self.with_keys(NEW)
        self.assertTrue(self.backend.action_test_connection())

    def test_only_who_may_change_the_settings_presses_it(self):
        settings = self.env["res.config.settings"].create({})
        manager = self.make_user("manager", "pharmacy_sync.group_manager")
        with self.assertRaises(AccessError):
            settings.with_user(manager).action_pharmacy_sync_encrypt()

    def test_what_cannot_be_read_is_left_as_it_is_and_the_rest_encrypted(self):
        def subscribe():
            values = {"name": "App", "backend_id": self.backend.id, "internal": True}
            address = {"address": self.app.url, "secret": WEBHOOK_SECRET}
            return self.env["sync.subscription"].create({**values, **address})

        plain = subscribe()
        self.with_keys(OLD)
        lost = subscribe()
        kept = lost.secret_secret
        self.with_keys(NEW)
        self.env["res.config.settings"].create({}).action_pharmacy_sync_encrypt()
        self.assertEqual(lost.secret_secret, kept)
        self.assertTrue(is_sealed(plain.secret_secret))
        self.assertEqual(plain._signing(), [WEBHOOK_SECRET])
        self.assertEqual(plain._target(), self.app.url)
        self.assertFalse(plain.secret_previous_secret)

    def test_a_backend_whose_key_cannot_be_read_is_paused_and_keeps_its_changes(self):
        self.with_keys(OLD)
        self.backend.api_key = KEY
        self.with_keys(NEW)
        order = self.make_order()
        self.push()
        self.assertTrue(self.backend.paused)
        self.assertIn("enter the API key anew", self.backend.pause_reason)
        error = self.env["sync.error"].search(
            [("backend_id", "=", self.backend.id), ("work", "=", "connect")]
        )
        self.assertEqual(error.type, "configuration_error")
        self.assertFalse(self.app.requests())
        self.assertFalse(self.operations(state="dead"))
        self.backend.write({"api_key": KEY, "paused": False})
        self.assertFalse(self.backend.pause_reason)
        self.push()
        self.assertTrue(self.mapping(order).external_id)

    def test_a_pull_pauses_it_as_well(self):
        self.with_keys(OLD)
        self.backend.api_key = KEY
        self.with_keys(NEW)
        self.pull()
        self.assertTrue(self.backend.paused)

    def test_an_encrypted_text_is_no_secret(self):
        self.with_keys(NEW)
        self.backend.api_key = KEY
        with self.assertRaisesRegex(ValidationError, "encrypted"):
            self.backend.webhook_secret = self.kept()[0]

    def test_no_dialog_keeps_a_key(self):
        form = Form(self.env["sync.backend.connect"])
        form.name, form.url, form.api_key = "Second", self.app.url, "the-key-of-second"
        form.internal = True
        form.webhook_secret = WEBHOOK_SECRET
        wizard = form.save()
        self.env.flush_all()
        query = "SELECT to_jsonb(t)::text FROM sync_backend_connect t WHERE id = %s"
        self.env.cr.execute(query, (wizard.id,))
        ((row,),) = self.env.cr.fetchall()
        self.assertNotIn("the-key-of-second", row)
        self.assertNotIn(WEBHOOK_SECRET, row)
        self.assertEqual(wizard._secret("api_key"), "the-key-of-second")
        wizard.api_key = KEY
        wizard.action_test()
        self.assertTrue(wizard.passed)
        wizard.action_connect()
        self.assertFalse(wizard.api_key_secret or wizard.webhook_secret_secret)


@tagged("post_install", "-at_install")
class TestRotation(SyncCase):
    """Keys and secrets are replaced while both sides change over."""

    def test_the_next_key_takes_over(self):
        self.backend.write({"api_key": "revoked", "api_key_next": KEY})
        order = self.make_order()
        self.push()
        self.assertTrue(self.mapping(order).external_id)
        self.assertEqual(self.backend._secret("api_key"), KEY)
        self.assertFalse(self.backend.api_key_next)

    def test_the_present_key_stays_while_the_app_accepts_it(self):
        self.backend.api_key_next = "not-yet"
        self.make_order()
        self.push()
        self.assertEqual(self.backend._secret("api_key"), KEY)
        self.assertEqual(self.backend._secret("api_key_next"), "not-yet")

    def test_a_connection_test_says_that_the_present_key_is_refused(self):
        self.backend.write({"api_key": "revoked", "api_key_next": KEY})
        with self.assertRaises(UserError):
            self.backend.action_test_connection()

    def test_the_next_key_goes_to_no_other_host(self):
        self.backend.api_key_next = "next-key"
        self.backend.write({"url": self.app.url + "/x", "api_key": KEY})
        self.assertTrue(self.backend.api_key_next)
        self.backend.write({"url": "http://elsewhere.invalid", "api_key": KEY})
        self.assertFalse(self.backend.api_key_next)

    def test_both_webhook_secrets_are_accepted_until_the_change_over_ends(self):
        new = "whsec_" + "A" * 32
        self.backend.webhook_secret_next = new
        self.assertEqual(self.backend._webhook_secrets(), [WEBHOOK_SECRET, new])
        user = new_test_user(self.env, "rotates", "pharmacy_sync.group_operator")
        with self.assertRaises(AccessError):
            self.backend.with_user(user).action_use_next_webhook_secret()
        self.backend.webhook_secret_next = "mistyped!"
        self.assertEqual(self.backend._webhook_secrets(), [WEBHOOK_SECRET])
        self.backend.webhook_secret_next = new
        self.backend.action_use_next_webhook_secret()
        self.assertEqual(self.backend._webhook_secrets(), [new])
        self.backend.action_use_next_webhook_secret()
        self.assertEqual(self.backend._webhook_secrets(), [new])
