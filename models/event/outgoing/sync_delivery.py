import json
import uuid
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models

from ....core import said
from ....core.event.delivery import AT_ONCE
from ....core.retry.moments import AHEAD
from ....entities.neutral import neutral
from ....entities.sentence import Sentence, in_language
from ...base.rights import OPERATOR, check_may

# Seconds after which a delivery whose worker is not heard of is begun again.
LEASE = 60
# What is over.
SETTLED = ("arrived", "failed", "cancelled")
RECOVER_LIMIT = 1000


class SyncDelivery(models.Model):
    """One message to one receiver outside: put on record in the transaction of what it
    reports, carried by a job of its own (``delivering.py``), and kept with what the
    receiver answered.

    It may arrive twice, with the same id each time. Who gets it: :meth:`_receiver`.
    """

    _name = "sync.delivery"
    _description = "Delivery"
    _order = "id desc"

    kind = fields.Selection(
        [
            ("event", "Event"),
            ("opened", "Alert"),
            ("acknowledged", "Alert Acknowledged"),
            ("resolved", "Alert Resolved"),
            ("test", "Test"),
        ],
        required=True,
        readonly=True,
    )
    title = Sentence("Title", readonly=True)
    what = fields.Char(compute="_compute_what")
    state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("sending", "On Its Way"),
            ("arrived", "Arrived"),
            ("failed", "Failed"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        default="waiting",
        readonly=True,
        help="Failed: all attempts failed, or a retry cannot help. Send it "
        "again once the receiver is in order.",
    )
    backend_id = fields.Many2one(
        "sync.backend",
        "Pharmacy",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
    )
    company_id = fields.Many2one("res.company", readonly=True, index=True)
    message_id = fields.Char(
        "Message Id",
        required=True,
        readonly=True,
        default=lambda self: f"msg_{uuid.uuid4().hex}",
        help="The same at each attempt: by it the receiver knows what it has already.",
    )
    payload = fields.Json(readonly=True, help="What is sent.")
    payload_text = fields.Text("Message", compute="_compute_payload_text")
    attempts = fields.Integer(readonly=True)
    eta = fields.Datetime("Next Attempt", readonly=True)
    last_delay = fields.Float(readonly=True, help="Seconds last waited for.")
    lease = fields.Datetime(
        readonly=True, help="The worker that sends it is heard of before."
    )
    http_status = fields.Integer("HTTP Status", readonly=True, aggregator=None)
    seconds = fields.Float(
        "Response Time",
        readonly=True,
        aggregator="avg",
        help="Seconds that the receiver took to answer the latest attempt.",
    )
    took = fields.Float(
        "Delivery Time",
        readonly=True,
        aggregator="avg",
        help="Seconds from when it was due until it arrived, retries included.",
    )
    answer = Sentence(readonly=True, help="What the receiver said, or the failure.")
    reference = fields.Char(readonly=True, help="What the receiver calls it.")
    link = fields.Char(readonly=True, help="Where the receiver shows it.")
    done_at = fields.Datetime("Settled", readonly=True)
    correlation_id = fields.Char(readonly=True, index="btree_not_null")

    _waiting_idx = models.Index("(eta) WHERE state IN ('waiting', 'sending')")
    _done_idx = models.Index("(done_at)")

    @api.depends("title")
    @api.depends_context("lang")
    def _compute_what(self):
        for delivery in self:
            delivery.what = delivery._about()

    @api.depends("what")
    def _compute_display_name(self):
        for delivery in self:
            delivery.display_name = delivery.what

    def _about(self):
        """What it is about, in the reader's language. Rooms above know more."""
        return in_language(self.env, self.title)

    @api.depends("payload")
    def _compute_payload_text(self):
        for delivery in self:
            value = delivery.backend_id._redact(delivery.payload)
            delivery.payload_text = (
                json.dumps(value, indent=2, ensure_ascii=False) if value else ""
            )

    def action_send_again(self):
        """Send these again, now, as new: with all attempts.

        :raises AccessError: the user is no operator
        """
        check_may(self, OPERATOR, self.env._("Only operators may send again."))
        self.sudo().filtered(lambda d: d.state in SETTLED)._begin_anew()
        return True

    def _begin_anew(self):
        self.write(
            {
                "state": "waiting",
                "attempts": 0,
                "last_delay": 0,
                "eta": False,
                "done_at": False,
            }
        )
        self._schedule()

    def action_cancel(self):
        """Send these no more.

        :raises AccessError: the user is no operator
        """
        check_may(self, OPERATOR, self.env._("Only operators may cancel deliveries."))
        waiting = self.sudo().filtered(lambda delivery: delivery.state == "waiting")
        waiting._settle("cancelled", said.say(said.CANCELLED_BY, self.env.user.name))
        return True

    def _receiver(self):
        """Who gets it: a record of ``sync.receiver``. Rooms above add theirs."""
        self.ensure_one()
        return self.subscription_id

    @api.model
    def _enqueue(self, vals_list):
        """Put deliveries on record, in the current transaction, and have a job carry
        each.

        :param vals_list: as for ``create``; ``eta`` is when it is sent
        :return: the deliveries
        """
        deliveries = self.sudo().create(vals_list)
        deliveries._schedule()
        return deliveries

    def _schedule(self):
        """A job for each, at its ``eta``."""
        for delivery in self:
            eta = delivery.eta
            key = f"pharmacy_sync delivery {delivery.id} {delivery.attempts} {eta}"
            delivery._as_runner().with_delay(
                eta=eta and eta.replace(microsecond=0) + timedelta(seconds=1),
                identity_key=key,
                description=self.env._("Deliver: %s", delivery.title or delivery.kind),
            )._job_deliver()

    def _as_runner(self):
        self.ensure_one()
        return neutral(self.with_user(SUPERUSER_ID), self.backend_id)

    def _settle(self, state, answer, **values):
        """These are over, or begin anew by a person."""
        now = fields.Datetime.now()
        self.write(
            {
                **values,
                "state": state,
                "answer": answer,
                "eta": False,
                "lease": False,
                "done_at": now,
            }
        )
        self._settled()

    def _settled(self):
        """What follows once deliveries are over. Rooms above add theirs."""

    @api.model
    def _busy(self, receiver):
        """Whether enough is on its way to a receiver already."""
        found = self.search_count(
            [
                (receiver._delivery_field(), "=", receiver.id),
                ("state", "=", "sending"),
                ("lease", ">", fields.Datetime.now()),
                # Not of a clock that was ahead.
                ("write_date", "<=", self.env.cr.now() + AHEAD),
            ],
            limit=AT_ONCE,
        )
        return found >= AT_ONCE


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        states = ", ".join(f"'{state}'" for state in SETTLED)
        rows = ("sync_delivery", "errors", f"state IN ({states}) AND done_at < %s")
        return (*super()._expired(), rows)
