import time
from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

from ...core.event.signature import sign, verify
from ...core.exceptions import ConfigurationError, SignatureError

# Seconds from one reading to the next that notices ask for: an app sends one for each
# record, and a reading brings what all of them are about.
PACE = 1
# Seconds for which one that has begun is believed to have another one behind it.
RECENT = PACE + 1
# No backend has it: what is sent to one that takes no webhooks takes as long to
# refuse.
NO_SECRET = "whsec_bm9ib2R5"


def _is_usable(secret):
    try:
        return bool(sign(secret, "test", 0, b""))
    except ConfigurationError:
        return False


class SyncBackend(models.Model):
    """What the pharmacy app notifies."""

    _inherit = "sync.backend"

    webhook_refusal_ids = fields.One2many(
        "sync.webhook.refusal", "backend_id", "Refused Webhooks"
    )

    def _receive_webhook(self, headers, body):
        """Check a webhook, and have the changes read that it is about. One that was
        accepted before is accepted again, so that its sender rests, and nothing is
        done.

        :param headers: of the request
        :param body: bytes; None: they are too many
        :return: None, or why it is refused: ``too_large``, ``stale``,
            ``from_the_future``, ``mismatch``, ``malformed`` or ``database_copied``
        :raises NotNowError: more were signed rightly than the backend lets in
        """
        backend = self.exists().filtered("active")
        secrets = backend._webhook_secrets()
        backend = backend if secrets else backend.browse()
        signed, reason = None, "too_large"
        if body is not None:
            signed, reason = backend._check_webhook(secrets, headers, body)
        if reason:
            self.env["sync.webhook.refusal"]._refuse(backend, reason)
        elif backend.is_copy:
            return "database_copied"
        elif self.env["sync.webhook"]._is_first(backend, signed):
            backend._schedule_noticed_pull()
        return reason

    def _schedule_noticed_pull(self):
        """Have the changes read at once; where the app was asked a moment ago, in a
        moment, together with what it announces until then."""
        now = fields.Datetime.now()
        ((asked,),) = self.env.execute_query(
            SQL(
                """SELECT (SELECT create_date FROM sync_call
                            WHERE backend_id = %s AND operation = 'pull'
                            ORDER BY id DESC LIMIT 1)""",
                self.id,
            )
        )
        if asked and asked + timedelta(seconds=RECENT) > now:
            # The same moment for all of them, so that one job serves them.
            self._schedule_pull(now + timedelta(seconds=PACE))
        else:
            self._schedule_pull()

    def _check_webhook(self, secrets, headers, body):
        """``(what is signed, None)``, or ``(None, why it is refused)``"""
        try:
            signed = verify(secrets or [NO_SECRET], headers, body, time.time())
        except SignatureError as exc:
            malformed = exc.reason == "missing_header"
            return None, "malformed" if malformed else exc.reason
        except ConfigurationError:
            return None, "mismatch"
        if not self:
            return None, "mismatch"
        # What anybody can send uses nothing up that is the app's.
        self.env["sync.rate"]._admit(self, "webhook")
        return signed, None

    def _webhook_secrets(self):
        """The secrets of which any may have signed a webhook."""
        if not self:
            return []
        secrets = self._readable_secrets("webhook_secret", "webhook_secret_next")
        # One that was mistyped does not keep the other from being used.
        return [*filter(_is_usable, secrets)] or secrets
