from odoo import fields, models
from odoo.exceptions import UserError

from ..base.actions import open_records


class SyncOperation(models.Model):
    _inherit = "sync.operation"

    def action_plan_redrive(self):
        """See what a redrive would do; nothing is redriven yet.

        For one letter the dialog opens with what the pharmacy has now. For several the
        dry run is a job, whose page opens.
        """
        self._check_operator()
        Redrive = self.env["sync.redrive"]
        if len(self) > 1:
            source = self.env.context.get("redrive_source") or self.env._("a selection")
            redrives = Redrive._plan(self, source)
            redrives.action_start()
            return redrives.with_env(self.env)._open()
        # Asked before anything is written: no business transaction is open yet.
        found, silence = self.backend_id.sudo()._look_up(
            self.sudo()._lookups(), self.correlation_id
        )
        return self._open_plan(found, silence)

    def _open_plan(self, found, silence):
        redrive = self.env["sync.redrive"]._plan(self, self.display_name)
        redrive._note_dry_run(found, silence)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "pharmacy_sync.action_sync_redrive_one"
        )
        return {**action, "res_id": redrive.id}


class SyncErrorGroup(models.Model):
    _inherit = "sync.error.group"

    dead_count = fields.Integer("Dead Letters", compute="_compute_dead_count")

    def _compute_dead_count(self):
        for group in self:
            group.dead_count = self.env["sync.operation"].search_count(
                group._dead_domain()
            )

    def _dead_domain(self):
        return [("state", "=", "dead"), ("error_group_id", "in", self.ids)]

    def action_redrive(self):
        """Redrive all dead letters that died of the groups' errors, at once."""
        self._check_operator()
        return self._dead_letters().action_redrive()

    def action_view_dead_letters(self):
        self.check_access("read")
        return open_records(self.env, "action_sync_dead_letter", self._dead_domain())

    def action_plan_redrive(self):
        """See what a redrive of all the groups' dead letters would do.

        :raises UserError: there are none
        """
        return self._dead_letters().action_plan_redrive()

    def action_discard_letters(self):
        """Ask for the reason to discard all the groups' dead letters."""
        return self._dead_letters().action_ask_discard()

    def action_assign_letters(self):
        """Ask for the user to assign all the groups' dead letters to."""
        return self._dead_letters().action_ask_assign()

    def _dead_letters(self):
        self._check_operator()
        dead = self.env["sync.operation"].search(self._dead_domain())
        if not dead:
            raise UserError(self.env._("No dead letter is of these errors."))
        return dead.with_context(redrive_source=", ".join(self.mapped("display_name")))
