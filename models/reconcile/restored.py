from odoo import models
from odoo.tools import SQL


class SyncBackend(models.Model):
    """An app that was set back is compared record by record; when that is done and
    repaired, all is as it was."""

    _inherit = "sync.backend"

    def _app_went_back(self):  # pylint: disable=missing-return
        super()._app_went_back()
        if self._is_at_work():
            for stream in self.stream_ids:
                stream._reconcile()

    def _end_set_back_if_done(self):
        """End the state once every stream was compared since, and nothing is left to
        repair."""
        self.ensure_one()
        if not self.set_back_at:
            return
        Drift = self.env["sync.drift"]
        compared = self.env["sync.reconciliation"].search(
            [
                ("backend_id", "=", self.id),
                ("epoch", "=", self.epoch),
                ("state", "=", "done"),
            ]
        )
        left = Drift.search_count(
            [("backend_id", "=", self.id), ("state", "in", Drift.OPEN)], limit=1
        )
        if left or self.stream_ids - compared.stream_id:
            return
        self._begin_epoch()
        self._end_set_back()

    def _begin_epoch(self):
        """What the comparison found alike is as agreed, at a version yet to be read."""
        self.env.flush_all()
        self.env.execute_query(
            SQL(
                """UPDATE sync_mapping
                      SET epoch = %(epoch)s,
                          version = CASE WHEN deleted THEN version ELSE 0 END
                    WHERE backend_id = %(backend)s AND epoch < %(epoch)s
                      AND state <> 'conflict' RETURNING id""",
                epoch=self.epoch,
                backend=self.id,
            )
        )
        self.env["sync.mapping"].invalidate_model(["epoch", "version"])
