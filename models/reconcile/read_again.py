from odoo import fields, models

from ...core import said


class SyncStream(models.Model):
    """A stream whose reading fails says so, and can be read from the beginning."""

    _inherit = "sync.stream"

    trouble = fields.Char(
        "Reading Fails",
        compute="_compute_trouble",
        help="Why the app's changes cannot be read now. Records of other streams that "
        "refer to what has not come wait for it; everything else goes on.",
    )

    def action_read_again(self):
        """Forget how far the app was read, and read everything again; what did not
        change since is left alone.

        :raises AccessError: the user is no operator
        """
        self.backend_id._check_operator()
        self.sudo()._read_again()
        return self.env["sync.backend"]._notify(
            self.env._("Under way"),
            self.env._("Everything is read again from the beginning."),
        )

    def _read_again(self):
        self.cursor = False
        for stream in self:
            operation = stream._pull_operation()
            if operation.state in ("dead", "waiting"):
                operation._redrive(said.READ_AGAIN)
        self.backend_id._schedule_pull()

    def _compute_trouble(self):
        Operation = self.env["sync.operation"].sudo()
        failed = Operation.search(
            [("stream_id", "in", self.ids), *Operation.OPEN_PULL]
        ).grouped("stream_id")
        for stream in self:
            operation = failed.get(stream.sudo(), Operation)[:1]
            failing = operation.state in ("dead", "waiting")
            stream.trouble = failing and (operation.last_error or operation.why)
