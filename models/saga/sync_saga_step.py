from odoo import api, fields, models

from ...core import saga as core
from ...entities.sentence import Sentence
from ..error.sync_error import selection


class SyncSagaStep(models.Model):
    """One step of a saga, and what takes it back.

    What a step does are methods named after it: :meth:`_call_app` makes its call, if it
    has one (``_call_<name>``), with no transaction open; :meth:`_write_result` writes
    in Odoo (``_write_<name>``), in the transaction that says it is done. The same for
    what takes it back (``_call_undo_<name>``, ``_write_undo_<name>``).
    """

    _name = "sync.saga.step"
    _description = "Reservation Step"
    _order = "saga_id, sequence"

    saga_id = fields.Many2one(
        "sync.saga", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="saga_id.company_id")
    sequence = fields.Integer(readonly=True)
    name = fields.Selection(
        selection="_select_name", string="Step", required=True, readonly=True
    )
    state = fields.Selection(
        selection(core.StepState),
        required=True,
        default="pending",
        readonly=True,
        help="Running: it was begun, and may have happened. Failed: it was given up, "
        "and may have happened all the same.",
    )
    undo_name = fields.Char("Taken Back By", compute="_compute_undo_name")
    compensation = fields.Selection(
        selection(core.CompensationState),
        required=True,
        default="none",
        readonly=True,
        help="Registered: it is run if the reservation fails.",
    )
    attempts = fields.Integer(
        readonly=True, help="Of the step, or of taking it back once that has begun."
    )
    last_delay = fields.Float(readonly=True, help="Seconds last waited for.")
    begun_at = fields.Datetime(readonly=True)
    undoing = fields.Boolean(readonly=True, help="Attempts are those to take it back.")
    external_id = fields.Char(
        "Pharmacy Id", readonly=True, help="What the step made at the pharmacy."
    )
    message = Sentence(readonly=True, help="What it failed of last.")

    _sequence_uniq = models.Constraint(
        "UNIQUE(saga_id, sequence)", "A saga has one step at a time."
    )

    @api.model
    def _steps(self):
        """The steps in order: ``{name: (label, label of what takes it back)}``; a saga
        adds its own."""
        return {}

    @api.model
    def _names(self):
        return list(self._steps())

    @api.model
    def _select_name(self):
        return [(name, labels[0]) for name, labels in self._steps().items()]

    @api.model
    def _action_name(self, action):
        """What people call an action such as ``reserve run``."""
        name, __, kind = action.partition(" ")
        labels = self._steps().get(name)
        return labels[kind == str(core.Kind.COMPENSATE)] if labels else action

    @api.depends("name")
    def _compute_undo_name(self):
        steps = self._steps()
        for step in self:
            step.undo_name = steps[step.name][1]

    def _pictured(self):
        """What the picture of the saga shows of the step."""
        self.ensure_one()
        states = dict(self._fields["state"]._description_selection(self.env))
        undone = dict(self._fields["compensation"]._description_selection(self.env))
        label, undo_label = self._steps()[self.name]
        return {
            "id": self.id,
            "label": label,
            "state": self.state,
            "state_label": states[self.state],
            "undo_label": undo_label,
            "compensation": self.compensation,
            "compensation_label": undone[self.compensation],
            "external_id": self.external_id or "",
            "message": self.message or "",
        }

    def _call_app(self, action):
        """Make the step's call to the pharmacy app; no transaction is open.

        :param action: what ``_begin_next`` returned
        :return: what is handed to :meth:`_write_result`
        """
        prefix = (
            "_call_undo" if action["kind"] == str(core.Kind.COMPENSATE) else "_call"
        )
        method = getattr(self, f"{prefix}_{action['name']}", None)
        return method(action) if method else None

    def _write_result(self, kind, answer):
        prefix = "_write_undo" if kind == str(core.Kind.COMPENSATE) else "_write"
        method = getattr(self, f"{prefix}_{self.name}", None)
        if method:
            method(answer)
