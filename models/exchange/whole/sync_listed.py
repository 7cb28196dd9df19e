from odoo import api, fields, models
from odoo.tools import SQL

from ....core.exchange.rounds import GONE, UNKNOWN
from ...base.rows import insert_rows


class SyncListed(models.Model):
    """What a round has met: each record that the app listed, or that was asked for by
    its id, and the checksum of what it was then.

    One that is listed alike in the next round is left out of it, without a look at its
    mapping.
    """

    _name = "sync.listed"
    _description = "Listed Record"
    _log_access = False

    stream_id = fields.Many2one(
        "sync.stream", required=True, readonly=True, ondelete="cascade"
    )
    external_id = fields.Char("Pharmacy Id", required=True, readonly=True)
    round = fields.Datetime(
        required=True, readonly=True, help="The beginning of the round that met it."
    )
    checksum = fields.Char(required=True, readonly=True)

    _listed_uniq = models.UniqueIndex(
        "(stream_id, external_id)", "A record is listed once."
    )

    @api.model
    def _known(self, stream, external_ids):
        """Checksums of what an earlier round met: ``{external id: checksum}``."""
        rows = self.env.execute_query(
            SQL(
                """SELECT external_id, checksum FROM sync_listed
                    WHERE stream_id = %s AND external_id = ANY(%s)""",
                stream.id,
                list(external_ids),
            )
        )
        return dict(rows)

    @api.model
    def _note(self, stream, began, sums):
        """Write down what a page has.

        :param began: when its round began
        :param sums: ``{external id: checksum}``
        """
        insert_rows(
            self,
            [
                {
                    "stream_id": stream.id,
                    "external_id": external_id,
                    "round": began,
                    "checksum": checksum,
                }
                for external_id, checksum in sums.items()
            ],
            on_conflict=SQL(
                """(stream_id, external_id) DO UPDATE
                   SET round = excluded.round, checksum = excluded.checksum"""
            ),
        )

    @api.model
    def _forget(self, stream):
        """Compare whatever comes next, whether it changed or not."""
        self.env.execute_query(
            SQL("DELETE FROM sync_listed WHERE stream_id = %s RETURNING id", stream.id)
        )

    @api.model
    def _end(self, stream, began):
        """A round is over: forget what it did not meet."""
        self.env.execute_query(
            SQL(
                """DELETE FROM sync_listed
                    WHERE stream_id = %s AND (round <> %s OR checksum = ANY(%s))
                RETURNING id""",
                stream.id,
                began,
                [GONE, UNKNOWN],
            )
        )

    @api.model
    def _missing(self, stream, began, limit):
        """Which known records a round has not met. One that was written since it began
        is left to the next: it may be newer than the pages; one of before the app was
        set back is for a comparison.

        :param limit: how many to name
        :return: (how many are known, how many of these are missing, ids of the first)
        """
        self.env["sync.mapping"].flush_model()
        query = SQL(
            """SELECT count(*), count(*) FILTER (WHERE l.id IS NULL),
                      (array_agg(m.external_id ORDER BY m.id)
                       FILTER (WHERE l.id IS NULL))[:%(limit)s]
                 FROM sync_mapping m
                 LEFT JOIN sync_listed l
                   ON l.stream_id = m.stream_id AND l.external_id = m.external_id
                  AND l.round = %(began)s
                WHERE m.stream_id = %(stream)s AND m.external_id IS NOT NULL
                  AND m.deleted IS NOT TRUE AND coalesce(m.epoch, 0) = %(epoch)s
                  AND (l.id IS NOT NULL OR m.write_date < %(began)s)""",
            stream=stream.id,
            began=began,
            epoch=stream.backend_id.epoch,
            limit=limit,
        )
        ((known, missing, first),) = self.env.execute_query(query)
        return known, missing, first or []

    @api.model
    def _gone(self, stream, began):
        """What a round found gone, but for records whose deletion is kept as a failed
        change already; and one that it has met, which the app must have by its id.

        :return: (ids that are gone, the id of the other, or None)
        """
        self.env["sync.operation"].flush_model()
        query = SQL(
            """SELECT array_agg(l.external_id ORDER BY l.id)
                          FILTER (WHERE l.checksum = %(gone)s AND o.id IS NULL),
                      min(l.external_id)
                          FILTER (WHERE l.checksum <> ALL(%(none)s)
                                    AND m.id IS NOT NULL)
                 FROM sync_listed l
                 LEFT JOIN sync_mapping m
                   ON m.stream_id = l.stream_id AND m.external_id = l.external_id
                  AND m.deleted IS NOT TRUE
                 LEFT JOIN sync_operation o
                   ON o.stream_id = l.stream_id AND o.external_id = l.external_id
                  AND o.kind = 'apply' AND o.state <> 'done'
                  AND o.payload ->> 'deleted' = 'true'
                WHERE l.stream_id = %(stream)s AND l.round = %(began)s""",
            gone=GONE,
            none=[GONE, UNKNOWN],
            stream=stream.id,
            began=began,
        )
        ((gone, met),) = self.env.execute_query(query)
        return gone or [], met


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        # Each round makes all rows of its stream new.
        return (*super()._expired(), ("sync_listed", "log", "round < %s"))
