from odoo import models

from ..base.alone import alone


class SyncStream(models.Model):
    _inherit = "sync.stream"

    def _serialise_alone(self, records, directory):
        """Canonical values of Odoo's records, read in bulk; one that cannot be read,
        such as one in a state of another addon, holds up no other.

        :return: (``{res_id: values}``, ``{res_id: exception}``)
        """
        adapter = self._adapter()
        with alone(self.env):
            return adapter._serialise(records, directory), {}
        data, unreadable = {}, {}
        for record in records:
            with alone(self.env) as failure:
                data.update(adapter._serialise(record, directory))
            if failure.error:
                unreadable[record.id] = failure.error
        return data, unreadable
