from odoo import models
from odoo.exceptions import AccessError


class SyncShared(models.AbstractModel):
    """A setting that holds for all companies, unless it names a backend.

    One that does is its company's. One that does not is changed by people alone who
    work in every company that has a backend, and by administrators of Odoo.
    """

    _name = "sync.shared"
    _description = "Setting of All Companies"

    def write(self, vals):
        result = super().write(vals)
        if "backend_id" in vals:
            # It may be everybody's from now on.
            self.check_access("write")
        return result

    def _check_access(self, operation):
        refused = super()._check_access(operation)
        if refused or operation == "read" or not any(self._ids):
            return refused
        shared = self._out_of_reach()
        return (shared, self._shared_error) if shared else None

    def _check_in_reach(self):
        """Check what is about to be changed with more rights than the user has.

        :raises AccessError: some of it holds for companies that the user is not in
        """
        if self._out_of_reach():
            raise self._shared_error()

    def _out_of_reach(self):
        """Those of these that hold for companies which the user does not work in."""
        if self._works_everywhere():
            return self.browse()
        shared = self.sudo().filtered(lambda s: not s._only_backend())
        return shared.with_env(self.env)

    def _only_backend(self):
        """The only backend that it holds for, if there is one."""
        return "backend_id" in self._fields and self.backend_id

    def _works_everywhere(self):
        user = self.env.user
        if self.env.su or user.has_group("base.group_system"):
            return True
        backends = self.env["sync.backend"].sudo().with_context(active_test=False)
        # pylint: disable-next=no-search-all
        return backends.search([]).company_id <= user.company_ids

    def _shared_error(self):
        return AccessError(
            self.env._(
                "This holds for all companies. It is changed by people who may work in "
                "each company that has a backend, and by administrators. What holds "
                "for one backend only is yours to add, where it can name a backend."
            )
        )


class SyncRetryPolicy(models.Model):
    """It belongs to all companies, as it names no backend."""

    _name = "sync.retry.policy"
    _inherit = ["sync.retry.policy", "sync.shared"]
