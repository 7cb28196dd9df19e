from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ...core.exchange.checksum import bucket_count
from ...entities.neutral import neutral
from ..base.actions import open_records
from ..base.own_transaction import apart
from ..base.rights import OPERATOR, check_may
from ..base.sync_retention import BATCH

RETENTION = timedelta(days=30)


class SyncReconciliation(models.Model):
    """One comparison of all records of a stream, on both sides.

    It finds what no event and no change feed announced: a value written by SQL, a
    lost notice, a database that was set back. What it finds are ``sync.drift``
    records, each with a repair that a person may have carried out. A record with an
    operation under way, an open conflict or a dead letter is not drift: a job or a
    person deals with it already.
    """

    _name = "sync.reconciliation"
    _description = "Comparison Run"
    _inherit = ["sync.bounded", "sync.progress"]
    _order = "id desc"

    stream_id = fields.Many2one(
        "sync.stream",
        required=True,
        ondelete="cascade",
        index=True,
        help="The records to compare: one kind, on one backend.",
    )
    backend_id = fields.Many2one(related="stream_id.backend_id", store=True)
    company_id = fields.Many2one(related="stream_id.company_id", store=True)
    stage = fields.Selection(
        [
            ("odoo", "Reading Odoo"),
            ("unmapped", "Looking for Records Never Sent"),
            ("pharmacy", "Reading the Pharmacy"),
            ("verify", "Verifying"),
            ("repair", "Repairing"),
        ],
        readonly=True,
        copy=False,
    )
    position = fields.Integer(
        readonly=True, copy=False, help="Last record looked at in this stage."
    )
    buckets = fields.Integer(readonly=True, copy=False)
    sums = fields.Json(readonly=True, copy=False, help="Sums of what was agreed on.")
    pending_buckets = fields.Json(
        readonly=True, copy=False, help="Buckets that differ and were not read yet."
    )
    sends = fields.Boolean(
        "Sends Odoo's Changes",
        readonly=True,
        copy=False,
        help="It was started because very many records changed in the database at "
        "once. What differs of linked records is sent; what else it finds waits for a "
        "person, as always.",
    )
    method = fields.Selection(
        [("checksum", "Checksums"), ("full", "Full compare")],
        readonly=True,
        copy=False,
        help="Full compare: the app does not offer checksums, or not of all fields, so "
        "all its records were read.",
    )
    epoch = fields.Integer(
        readonly=True,
        copy=False,
        aggregator=None,
        help="How often the app had been set back when it began.",
    )
    drift_ids = fields.One2many("sync.drift", "reconciliation_id")
    drift_count = fields.Integer("Open Drift", compute="_compute_drift_counts")
    found_count = fields.Integer("Drift Found", compute="_compute_drift_counts")

    @api.depends("drift_ids.state")
    def _compute_drift_counts(self):
        counts = {
            (work.id, state): count
            for work, state, count in self.env["sync.drift"]._read_group(
                [("reconciliation_id", "in", self.ids), ("state", "!=", "suspected")],
                ["reconciliation_id", "state"],
                ["__count"],
            )
        }
        for work in self:
            own = {s: n for (work_id, s), n in counts.items() if work_id == work.id}
            work.found_count = sum(own.values())
            work.drift_count = own.get("open", 0) + own.get("failed", 0)

    @api.depends("stream_id", "create_date")
    def _compute_display_name(self):
        for work in self:
            date = work.create_date and fields.Date.to_string(work.create_date)
            name = work.stream_id.display_name or self.env._("New")
            work.display_name = f"{name} ({date})" if date else name

    def action_start(self):
        """Begin, or go on where it was stopped or failed.

        :raises AccessError: the user is no operator
        :raises UserError: the backend is paused, or the stream is compared already
        """
        self._check_operator()
        for work in self:
            if work.backend_id._rests() or not work.backend_id.active:
                raise UserError(
                    self.env._(
                        "%s is paused: a change that was not sent yet would look like "
                        "a difference. Resume it first.",
                        work.backend_id.name,
                    )
                )
            if work._others_running():
                raise UserError(
                    self.env._(
                        "%s is being compared already.", work.stream_id.display_name
                    )
                )
        return super().action_start()

    def action_stop(self):
        self._check_operator()
        return super().action_stop()

    def action_view_drift(self):
        self.check_access("read")
        self.ensure_one()
        own = [("reconciliation_id", "=", self.id), ("state", "!=", "suspected")]
        return open_records(self.env, "action_sync_drift", own)

    def _finish(self):  # pylint: disable=missing-return
        super()._finish()
        if self.backend_id.set_back_at and self.epoch != self.backend_id.epoch:
            # The app was set back while it was at work.
            self.stream_id._reconcile()
        self.backend_id._end_set_back_if_done()

    def _check_operator(self):
        check_may(self, OPERATOR, self.env._("Only operators may reconcile."))

    def _others_running(self):
        self.ensure_one()
        return bool(
            self.search_count(
                Domain("stream_id", "=", self.stream_id.id)
                & Domain("state", "=", "running")
                & Domain("id", "!=", self.id),
                limit=1,
            )
        )

    # -- Steps ------------------------------------------------------------------------

    def _step(self):
        """One piece of the stage that is under way."""
        stage = apart(self._enter)
        if stage is None:
            apart(self.stream_id._begin_round)
            if self._read_feed():
                apart(self._begin)
            return True
        steps = {
            "odoo": self._step_odoo,
            "unmapped": self._step_unmapped,
            "pharmacy": self._step_pharmacy,
            "verify": self._step_verify,
            "repair": self._step_repair,
        }
        return steps[stage]()

    def _enter(self):
        return self.stage or None

    def _read_feed(self):
        """Read the pharmacy's change feed first, so that its changes are not drift.

        :return: whether it was read as far as it can be now; else read on
        """
        stream = self.stream_id
        answered = stream.pulls and stream._pull()
        return not (answered and apart(stream._is_half_read))

    def _begin(self):
        Drift = self.env["sync.drift"]
        # What an earlier comparison found is found again, or is drift no more.
        Drift.search(
            [("stream_id", "=", self.stream_id.id), ("state", "in", Drift.OPEN)]
        ).write({"state": "outdated"})
        total = self.env["sync.mapping"].search_count(
            [("stream_id", "=", self.stream_id.id)]
        )
        self.write(
            {
                "stage": "odoo",
                "position": 0,
                "epoch": self.backend_id.epoch,
                "buckets": bucket_count(total),
                "total": total,
            }
        )

    def _go_to(self, stage):
        self.write({"stage": stage, "position": 0})

    # -- By schedule ------------------------------------------------------------------

    @api.model
    def _cron_reconcile(self):
        """Scheduled: compare every stream with its pharmacy app."""
        with self.env["sync.error"]._watch_over("scheduled comparison"):
            backends = self.env["sync.backend"]._at_work()
            for stream in self.env["sync.stream"].search(
                [("backend_id", "in", backends.ids)]
            ):
                with self.env["sync.error"]._watch_one(
                    "scheduled comparison", stream.backend_id
                ):
                    apart(stream._reconcile)

    @api.autovacuum
    def _gc_reconciliations(self):
        limit = fields.Datetime.now() - RETENTION
        old = self.search(
            [
                ("create_date", "<", limit),
                ("state", "!=", "running"),
                ("drift_ids", "not any", [("state", "in", ("open", "failed"))]),
            ],
            limit=BATCH,
        )
        old.unlink()
        return len(old), int(len(old) == BATCH)


class SyncStream(models.Model):
    _inherit = "sync.stream"

    auto_repair = fields.Boolean(
        "Repair Differences Automatically",
        help="Carry out the repairs that a reconciliation proposes without asking. "
        "Otherwise they wait for an operator.",
    )
    compare_due = fields.Boolean(
        readonly=True,
        copy=False,
        help="Very many of its records changed at once: all are compared as soon as "
        "the backend is not paused, and no other comparison is under way.",
    )

    def _flooded(self):
        result = super()._flooded()
        self.compare_due = True
        self._compare_due()
        return result

    @api.model
    def _compare_due(self):
        """Start the comparisons that floods of changes ask for, where they may.

        :return: how many
        """
        started = 0
        due = self.search([("compare_due", "=", True)])
        for stream in due.filtered(lambda s: s.pushes and s.backend_id._is_at_work()):
            if not stream._comparison():
                stream.compare_due = False
                stream._reconcile(sends=True)
                started += 1
        return started

    def _comparison(self):
        """The comparison that is under way."""
        running = [("stream_id", "=", self.id), ("state", "=", "running")]
        return self.env["sync.reconciliation"].search(running, limit=1)

    def action_reconcile(self):
        """Compare all records of the stream with the pharmacy app's, and open that."""
        self.check_access("read")
        self.ensure_one()
        self.env["sync.reconciliation"]._check_operator()
        return self._reconcile()._get_records_action()

    def _reconcile(self, sends=False):
        """The reconciliation that is under way, or a new one, started.

        :param sends: whether it has what changed in Odoo on its way
        """
        self.ensure_one()
        stream = neutral(self, self.backend_id)
        work = stream._comparison()
        if not work:
            work = work.create({"stream_id": self.id, "sends": sends})
            work.action_start()
        return work
