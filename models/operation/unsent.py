from odoo import api, models
from odoo.tools import SQL

from ...core import said


class SyncStream(models.Model):
    _inherit = "sync.stream"

    def _sends_no_more(self):
        result = super()._sends_no_more()
        self.env["sync.operation"].sudo()._end_unsent()
        return result


class SyncOperation(models.Model):
    """What was queued for the pharmacy, on a stream that carries nothing there now."""

    _inherit = "sync.operation"

    @api.model
    def _end_unsent(self):
        """End pushes of streams that go to Odoo only, or are archived: no job takes
        them up any more. What is under way ends by itself first. Odoo keeps its values;
        once the way is open again all linked records are compared, and they travel.

        :return: how many operations
        """
        self.flush_model(["kind", "state", "stream_id"])
        self.env["sync.stream"].flush_model(["active", "direction"])
        rows = self.env.execute_query(
            SQL(
                """SELECT o.id, s.active FROM sync_operation o
                     JOIN sync_stream s ON s.id = o.stream_id
                    WHERE o.kind = 'push' AND o.state IN ('pending', 'waiting')
                      AND (s.direction = 'pull' OR NOT s.active)
                      FOR NO KEY UPDATE OF o SKIP LOCKED"""
            )
        )
        for active, reason in ((True, said.SENDS_NO_MORE), (False, said.ARCHIVED)):
            ended = self.browse(i for i, is_active in rows if is_active is active)
            ended._end("cancelled", reason)
        return len(rows)
