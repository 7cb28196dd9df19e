"""What people do with all dead letters of an error group at once."""

from odoo import fields, models
from odoo.exceptions import UserError

from ..base.actions import open_records


class SyncErrorGroup(models.Model):
    """The dead letters of a group of errors: counted, opened, redriven, discarded and
    assigned together."""

    _inherit = "sync.error.group"

    dead_count = fields.Integer("Failed Changes", compute="_compute_dead_count")

    def _compute_dead_count(self):
        for group in self:
            group.dead_count = self.env["sync.operation"].search_count(
                group._dead_domain()
            )

    def _dead_domain(self):
        return [("state", "=", "dead"), ("error_group_id", "in", self.ids)]

    def action_redrive(self):
        """Redrive all dead letters that died of the groups' errors, at once."""
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

    def action_mend_letters(self):
        """Open the dialog that corrects all the groups' failed changes."""
        return self._dead_letters().action_ask_mend()

    def action_assign_letters(self):
        """Ask for the user to assign all the groups' dead letters to."""
        return self._dead_letters().action_ask_assign()

    def _dead_letters(self):
        self._check_operator()
        dead = self.env["sync.operation"].search(self._dead_domain())
        if not dead:
            raise UserError(self.env._("No failed change is of these errors."))
        return dead
