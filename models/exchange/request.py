from odoo import models


class SyncOperation(models.Model):
    """What follows once an operation has carried its record over."""

    _inherit = "sync.operation"

    def _applied(self, arrival):
        """The arrived record that the operation keeps was applied. Rooms above add
        what follows.

        :param arrival: :class:`.apply.Arrival`
        """

    def _carried_over(self):
        """These have brought the state of their records to the pharmacy. Rooms above
        add what follows."""
