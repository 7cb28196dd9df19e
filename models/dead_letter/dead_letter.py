from odoo import api, fields, models
from odoo.exceptions import UserError

from ...core import said
from ...core.counted import counted
from ...core.error.remedy import Remedy
from ..base.actions import open_record
from .remedy import REMEDIES, refused_texts

# Operations that a person may discard.
DISCARDABLE = ("pending", "waiting", "dead")


class SyncOperation(models.Model):
    """What an operator does with a dead letter: look at it, assign it, discard it, ask
    for its redrive.
    Nothing is removed: one that was discarded stays, with the reason."""

    _inherit = "sync.operation"

    user_id = fields.Many2one(
        "res.users",
        "Assigned To",
        readonly=True,
        index="btree_not_null",
        help="Who looks after it.",
    )
    error_group_id = fields.Many2one(
        "sync.error.group",
        "Failed With",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="Failures of the same kind as its latest one.",
    )
    error_type = fields.Selection(related="error_group_id.type", string="Error Type")
    advice = fields.Char("What to Do", compute="_compute_advice")
    happened = fields.Char(
        "What Happened",
        compute="_compute_happened",
        help="At the latest attempt, with the value that was refused.",
    )
    refused_value = fields.Char(
        compute="_compute_refused_value",
        help="The value that was refused, and the one that both sides had before.",
    )
    about = fields.Char(
        "Order or Record", compute="_compute_about", help="What the record is."
    )
    remedy = fields.Selection(REMEDIES, "What Helps", compute="_compute_remedy")
    discard_reason = fields.Char(
        readonly=True, help="Why the change that it carries was given up."
    )
    discarded_at = fields.Datetime(readonly=True)
    discarded_by_id = fields.Many2one("res.users", readonly=True)
    note_ids = fields.One2many("sync.operation.note", "operation_id", "Done by People")

    _discarded_idx = models.Index("(id) WHERE discarded_at IS NOT NULL")
    # By what pages group and count them, without a look at their rows.
    _dead_idx = models.Index(
        "(id) INCLUDE (error_group_id, backend_id, company_id, mapping_id, user_id, "
        "done_at, requested_at) WHERE state = 'dead'"
    )

    @api.depends("error_group_id.advice")
    @api.depends_context("lang")
    def _compute_advice(self):
        errors = self._latest_errors()
        for operation in self:
            own = errors[operation].advice
            operation.advice = own or operation.error_group_id.advice

    @api.depends("error_ids")
    @api.depends_context("lang", "uid")
    def _compute_happened(self):
        errors = self._latest_errors()
        for operation in self:
            operation.happened = errors[operation].happened

    @api.depends("error_ids", "payload", "note_ids")
    @api.depends_context("lang", "uid")
    def _compute_refused_value(self):
        errors = self._latest_errors()
        found = {operation: errors[operation]._refused() for operation in self}
        texts = refused_texts(self.env, filter(None, found.values()))
        for operation, refused in found.items():
            operation.refused_value = refused and self._refused_text(
                *texts[refused], refused.line
            )

    def _refused_text(self, field, value, had, line):
        """One line of a list: ``Quantity -1.00, before 22.00: Amoxicillin 250 mg``."""
        texts = {"field": field, "value": value, "had": had, "line": line}
        if had and line:
            return self.env._("%(field)s %(value)s, before %(had)s: %(line)s", **texts)
        if had:
            return self.env._("%(field)s %(value)s, before %(had)s", **texts)
        if line:
            return self.env._("%(field)s %(value)s: %(line)s", **texts)
        return self.env._("%(field)s %(value)s", **texts)

    @api.depends("mapping_id")
    @api.depends_context("lang", "uid")
    def _compute_about(self):
        for operation in self:
            operation.about = operation.mapping_id._named_in_few_words()

    @api.depends("state", "error_ids")
    def _compute_remedy(self):
        errors = self._latest_errors()
        for operation in self:
            found, error = False, errors[operation]
            if operation.state == "dead":
                found = error._helps() if error else Remedy.RETRY
                # What is read is no value that a person could correct.
                if found == Remedy.EDIT and operation.kind == "pull":
                    found = Remedy.RETRY
            operation.remedy = found and str(found)

    def _latest_errors(self):
        """The latest error of each; an empty recordset where it has none. One query for
        all of them."""
        Error = self.env["sync.error"]
        latest = dict(
            Error._read_group(
                [("operation_id", "in", self.ids)], ["operation_id"], ["id:max"]
            )
        )
        found = {error.id: error for error in Error.browse(latest.values())}
        return {
            operation: found.get(latest.get(operation._origin), Error)
            for operation in self
        }

    def action_open_pharmacy(self):
        """Open the pharmacy whose connection failed."""
        self.check_access("read")
        self.ensure_one()
        return open_record(self.backend_id)

    # -- Discard ----------------------------------------------------------------------

    def action_discard(self, reason):
        """Give up the changes that these operations carry; they stay, as discarded.

        :param str reason: kept on each of them
        :raises UserError: one is running or ended, or there is no reason
        """
        self._check_operator()
        reason = (reason or "").strip()
        if not reason:
            raise UserError(self.env._("Say why it is discarded; the reason is kept."))
        if self.filtered(lambda o: o.state not in DISCARDABLE):
            raise UserError(
                self.env._("An operation that is running or ended cannot be discarded.")
            )
        operations = self.sudo()
        operations._end(
            "cancelled",
            said.say(said.DISCARDED, user=self.env.user.name, reason=reason),
        )
        operations.write(
            {
                "discard_reason": reason,
                "discarded_at": fields.Datetime.now(),
                "discarded_by_id": self.env.uid,
            }
        )
        operations.mapping_id.given_up = True
        operations._note("discarded", reason)
        return True

    def action_restore(self):
        """Make discarded operations dead letters again.

        :raises UserError: one was not discarded
        """
        self._check_operator()
        if self.filtered(lambda o: not o.discarded_at):
            raise UserError(self.env._("Only what was discarded can be brought back."))
        operations = self.sudo()
        operations.write(
            {
                "state": "dead",
                "done_at": False,
                "discarded_at": False,
                "discarded_by_id": False,
                "discard_reason": False,
                "reason": said.say(said.BROUGHT_BACK, self.env.user.name),
            }
        )
        operations._note("restored")
        return True

    # -- Assign -----------------------------------------------------------------------

    def action_assign(self, user_id):
        """Assign these to a user, and notify that user if it is another.

        :param int user_id: id of the user; falsy: no one
        :raises UserError: the user is of another company
        """
        self._check_operator()
        user = self.env["res.users"].browse(user_id or [])
        if user and self.company_id - user.sudo().company_ids:
            raise UserError(
                self.env._("Choose a user who works for the company of these changes.")
            )
        operations = self.sudo().filtered(lambda o: o.user_id != user)
        operations.write({"user_id": user.id})
        operations._note("assigned", user.name or said.NOBODY)
        if operations and user and user != self.env.user:
            self._notify_assigned(user)
        return True

    def action_assign_to_me(self):
        return self.action_assign(self.env.uid)

    def _notify_assigned(self, user):
        """Send the user one message, however many were assigned."""
        action = self._letters_action()
        self.env["mail.thread"].message_notify(
            partner_ids=user.partner_id.ids,
            subject=self.env._("Failed changes assigned to you: %s", len(self)),
            body=counted(
                len(self),
                self.env._(
                    "%(name)s assigned a failed change to you. You find it in Pharmacy "
                    "Sync, %(menu)s, with the filter Assigned to Me.",
                    name=self.env.user.name,
                    menu=action["name"],
                ),
                self.env._(
                    "%(name)s assigned %(count)s failed changes to you. You find them "
                    "in Pharmacy Sync, %(menu)s, with the filter Assigned to Me.",
                    name=self.env.user.name,
                    count=len(self),
                    menu=action["name"],
                ),
            ),
        )

    # -- Redrive ----------------------------------------------------------------------

    def action_plan_redrive(self):
        """See what a redrive would do; nothing is redriven yet.

        For one letter the dialog opens with what the pharmacy has now. For several the
        dry run is a job, whose page opens.
        """
        self._check_operator()
        Redrive = self.env["sync.redrive"]
        if len(self) > 1:
            redrives = Redrive._plan(self)
            redrives.action_start()
            return redrives.with_env(self.env)._open()
        # Asked before anything is written: no business transaction is open yet.
        found, silence = self.backend_id.sudo()._look_up(
            self.sudo()._lookups(), self.correlation_id
        )
        return self._open_plan(found, silence)

    def _open_plan(self, found, silence):
        redrive = self.env["sync.redrive"]._plan(self)
        redrive._note_dry_run(found, silence)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "pharmacy_sync.action_sync_redrive_one"
        )
        name = redrive.with_env(self.env).display_name
        return {**action, "name": name, "res_id": redrive.id}

    # -- Dialogs and pages ------------------------------------------------------------

    def action_ask_discard(self):
        """Open the dialog that asks for the reason."""
        return self._dialog("action_sync_operation_discard")

    def action_ask_mend(self):
        """Open the dialog that corrects what these have in common."""
        return self._dialog("action_sync_operation_mend")

    def action_ask_assign(self):
        """Open the dialog that asks for the person."""
        return self._dialog("action_sync_operation_assign")

    def _dialog(self, name):
        self._check_operator()
        action = self.env["ir.actions.act_window"]._for_xml_id(f"pharmacy_sync.{name}")
        return {**action, "context": {"default_operation_ids": self.ids}}

    def action_open_error_group(self):
        self.check_access("read")
        self.ensure_one()
        return open_record(self.error_group_id)

    @api.model
    def _letters_action(self, domain=None):
        """The list of dead letters, of those in ``domain`` if given."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "pharmacy_sync.action_sync_dead_letter"
        )
        return action if domain is None else {**action, "domain": domain, "context": {}}

    def _note(self, action, text=False, **values):
        """Keep what the user did with each of these, and when."""
        self.env["sync.operation.note"].sudo().create(
            [
                {"operation_id": operation.id, "action": action, "text": text, **values}
                for operation in self
            ]
        )
