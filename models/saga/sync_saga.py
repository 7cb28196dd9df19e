import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...core import saga as core, said
from ...core.api.caller_advice import caller_advice
from ...core.taxonomy import ErrorType
from ...entities.sentence import Sentence
from ..base.actions import open_record, open_records
from ..base.rights import OPERATOR, check_may
from ..error.sync_error import selection

ACTIVE = ("pending", "running", "compensating")
# The columns of the board: what a person must look at comes first.
BOARD = ("needs_attention", *ACTIVE, "compensated", "completed")


class SyncSaga(models.Model):
    """A transaction of several steps over both sides, each with what takes it back.

    The order of things is in ``core/saga.py``, what the steps do in
    ``order_reservation.py``, how they are worked off in ``saga_work.py``.
    """

    _name = "sync.saga"
    _description = "Reservation"
    _inherit = ["mail.thread"]
    _order = "id desc"

    backend_id = fields.Many2one(
        "sync.backend",
        "Pharmacy",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    company_id = fields.Many2one(related="backend_id.company_id", store=True)
    state = fields.Selection(
        selection(core.SagaState),
        required=True,
        default="pending",
        readonly=True,
        tracking=True,
        group_expand="_expand_state",
        help="Compensated: what was done is taken back. Needs attention: something "
        "could not be taken back, and a person is to look.",
    )
    step_ids = fields.One2many("sync.saga.step", "saga_id", "Steps", readonly=True)
    picture = fields.Json(compute="_compute_picture")
    order_id = fields.Many2one(
        "purchase.order", readonly=True, ondelete="set null", index="btree_not_null"
    )
    record = fields.Json(
        readonly=True, help="The order as the pharmacy app asked for it."
    )
    record_text = fields.Text("Asked For", compute="_compute_record_text")
    key = fields.Char(
        required=True,
        readonly=True,
        default=lambda self: str(uuid.uuid4()),
        help="By it the pharmacy app knows what was reserved.",
    )
    correlation_id = fields.Char(
        required=True, readonly=True, index=True, default=lambda self: uuid.uuid4().hex
    )
    error_type = fields.Selection(selection(ErrorType), readonly=True)
    error = Sentence(readonly=True, help="Why it failed.")
    withdrawn = fields.Boolean(
        readonly=True, help="It will be taken back as soon as its step has ended."
    )
    job_uuid = fields.Char("Job", readonly=True)
    eta = fields.Datetime("Next Attempt", readonly=True)
    reason = Sentence(readonly=True, help="Why it waits.")
    worked_at = fields.Datetime("Last Worked On", readonly=True)
    ended_at = fields.Datetime(readonly=True)
    settled_by_id = fields.Many2one("res.users", readonly=True)
    settled_reason = fields.Char(readonly=True, tracking=True)

    _order_uniq = models.UniqueIndex(
        "(order_id) WHERE state IN ('pending', 'running', 'compensating')",
        "An order has one reservation under way.",
    )
    _state_idx = models.Index("(state, id)")

    @api.model
    def _expand_state(self, states, domain):
        return list(BOARD)

    @api.depends("order_id", "record")
    def _compute_display_name(self):
        # Also for users who see no purchase orders.
        for saga in self.sudo():
            record = saga.record or {}
            saga.display_name = (
                saga.order_id.name
                or record.get("reference")
                or record.get("id")
                or self.env._("Reservation %s", saga.id)
            )

    @api.depends("record")
    def _compute_record_text(self):
        for saga in self:
            saga.record_text = self.env["sync.error"]._as_text(
                saga.record, saga.backend_id
            )

    @api.depends("step_ids.state", "step_ids.compensation", "step_ids.message")
    def _compute_picture(self):
        for saga in self:
            saga.picture = [step._pictured() for step in saga.step_ids]

    @api.model_create_multi
    def create(self, vals_list):
        sagas = super().create(vals_list)
        names = self.env["sync.saga.step"]._names()
        self.env["sync.saga.step"].create(
            [
                {"saga_id": saga.id, "sequence": sequence, "name": name}
                for saga in sagas
                for sequence, name in enumerate(names)
            ]
        )
        return sagas

    @api.model
    def _start(self, backend, correlation_id=None, **values):
        """Begin a saga; jobs work it off.

        :param values: ``record`` (the order as the app asks for it) or ``order_id``
        """
        saga = self.create(
            {
                "backend_id": backend.id,
                "correlation_id": correlation_id or uuid.uuid4().hex,
                **values,
            }
        )
        saga._schedule()
        return saga

    # -- Actions ----------------------------------------------------------------------

    def action_continue(self):
        """Go on now: with the next step, or with what could not be taken back."""
        self._check_operator()
        for saga in self.sudo():
            if saga.state == "needs_attention":
                saga._store(core.compensate(saga._core()))
            elif saga.state not in ACTIVE:
                raise UserError(self.env._("This reservation has ended."))
            if not saga._is_at_work():
                saga._schedule()
        return True

    def action_compensate(self):
        """Take back what was done, as soon as the step under way has ended."""
        self._check_operator()
        for saga in self.sudo():
            if saga.state in ("compensating", "compensated"):
                raise UserError(self.env._("This reservation is taken back already."))
            saga.write(
                {
                    "withdrawn": True,
                    "error": saga.error or said.say(said.WITHDRAWN, self.env.user.name),
                }
            )
            if not saga._is_at_work():
                saga._withdraw()
                saga._schedule()
        return True

    def action_settle(self):
        """Ask for the reason why nothing is left to be done."""
        self._check_operator()
        return self.env["ir.actions.act_window"]._for_xml_id(
            "pharmacy_sync.action_sync_saga_settle"
        )

    def action_open_order(self):
        self.check_access("read")
        self.ensure_one()
        return open_record(self.order_id)

    def action_view_calls(self):
        self.check_access("read")
        self.ensure_one()
        domain = [("correlation_id", "=", self.correlation_id)]
        return open_records(self.env, "action_sync_call", domain)

    def _settle(self, reason):
        """A person has put in order what could not be taken back.

        :raises UserError: the saga does not need attention
        """
        self._check_operator()
        if self.filtered(lambda saga: saga.state != "needs_attention"):
            raise UserError(
                self.env._("Only reservations that need attention are settled.")
            )
        self.sudo().write(
            {
                "state": "compensated",
                "settled_by_id": self.env.uid,
                "settled_reason": reason,
            }
        )

    def _check_operator(self):
        check_may(
            self,
            OPERATOR,
            self.env._("Only operators may continue or take back reservations."),
        )

    # -- State ------------------------------------------------------------------------

    def _core(self):
        """The saga as :mod:`...core.saga` sees it."""
        self.ensure_one()
        return core.Saga(
            tuple(
                core.Step(
                    core.StepState(step.state),
                    core.CompensationState(step.compensation),
                )
                for step in self.step_ids
            ),
            core.SagaState(self.state),
        )

    def _store(self, saga):
        """Write what :mod:`...core.saga` made of it, and emit an event at its end."""
        self.ensure_one()
        for step, known in zip(self.step_ids, saga.steps, strict=True):
            values = {
                "state": str(known.state),
                "compensation": str(known.compensation),
            }
            if step.compensation == "failed" and values["compensation"] != "failed":
                # Taken back once more: its attempts are counted anew.
                values["undoing"] = False
            if any(step[name] != value for name, value in values.items()):
                step.write(values)
        if self.state == str(saga.state):
            return
        self.state = str(saga.state)
        if saga.state in core.ENDED:
            self.write({"ended_at": fields.Datetime.now(), "eta": False})
            self.env["sync.event"]._emit(
                [
                    {
                        "type": f"saga_{saga.state}",
                        "backend_id": self.backend_id.id,
                        "res_model": self._name,
                        "res_id": self.id,
                        "correlation_id": self.correlation_id,
                        "data": {"cause": self.error or ""},
                    }
                ]
            )

    def _withdraw(self):
        self.withdrawn = False
        self._store(core.compensate(self._core()))

    # -- For the pharmacy app ---------------------------------------------------------

    def _as_answer(self):
        """The saga as the API returns it to the app."""
        self.ensure_one()
        error = None
        if self.error_type:
            error = {
                "type": self.error_type,
                "message": self.error,
                "field": None,
                "retryable": False,
                "suggested_action": caller_advice(ErrorType(self.error_type), False),
            }
        return {
            "success": not error,
            "error": error,
            "saga": self.id,
            "state": self.state,
            "odoo_id": self.order_id.id,
            "order": self.order_id.name,
            "steps": [
                {
                    "step": step.name,
                    "state": step.state,
                    "compensation": step.compensation,
                    "external_id": step.external_id,
                }
                for step in self.step_ids
            ],
        }

    @api.model
    def _recover(self):
        """Continue sagas whose job is gone; take back those that took too long.

        :return: how many
        """
        rows = self.env.execute_query(
            SQL(
                """SELECT s.id FROM sync_saga s
                    JOIN sync_backend b ON b.id = s.backend_id
                     AND b.paused IS NOT TRUE AND b.refused_at IS NULL
                     AND b.maintained IS NOT TRUE
                    WHERE s.state = ANY(%s) AND NOT EXISTS (
                        SELECT 1 FROM queue_job j WHERE j.uuid = s.job_uuid
                           AND j.state IN ('pending', 'enqueued', 'started'))
                    FOR NO KEY UPDATE OF s SKIP LOCKED""",
                list(ACTIVE),
            )
        )
        for saga in self.browse(row[0] for row in rows):
            saga._schedule()
        return len(rows)
