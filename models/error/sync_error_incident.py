from odoo import api, fields, models
from odoo.tools import SQL

from ...core.taxonomy import Category, ErrorType
from ..base.own_transaction import apart
from .sync_error import selection

# When incident i ended: with the last of its group's errors that was resolved. NULL
# while one of them is not.
ENDED = """(SELECT GREATEST(e.resolved_at, i.opened_at) FROM sync_error e
             WHERE e.group_id = i.group_id AND e.resolved_at IS NOT NULL
               AND NOT EXISTS (
                   SELECT FROM sync_error e
                    WHERE e.group_id = i.group_id AND e.resolved_at IS NULL)
             ORDER BY e.resolved_at DESC LIMIT 1)"""


class SyncErrorIncident(models.Model):
    """A time in which a failure was there: from the first error of a group until none
    of its errors is left unresolved, however they were resolved.

    It is opened where the group's errors are counted. Nothing writes to it when errors
    are resolved, which many workers do at once: a scheduled action closes it, and
    :meth:`_intervals` gives the same before that. What recurs between two looks
    is the same incident.
    """

    _name = "sync.error.incident"
    _description = "Incident"
    _order = "opened_at desc, id desc"
    _rec_name = "group_id"

    group_id = fields.Many2one(
        "sync.error.group",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="Gone with its last error; the incident is kept for a year.",
    )
    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", readonly=True)
    type = fields.Selection(selection(ErrorType), "Error Type", readonly=True)
    category = fields.Selection(selection(Category), readonly=True)
    opened_at = fields.Datetime("Began", required=True, readonly=True)
    ended_at = fields.Datetime(
        "Ended",
        readonly=True,
        help="When the last of its errors was resolved; noticed every 15 minutes.",
    )
    seconds = fields.Float(
        "Lasted", readonly=True, aggregator="avg", help="Seconds until it ended."
    )

    _open_uniq = models.UniqueIndex(
        "(group_id) WHERE ended_at IS NULL", "An error group has one open incident."
    )
    _ended_idx = models.Index("(ended_at)")
    _opened_idx = models.Index("(opened_at)")

    @api.model
    def _intervals(self, backend_ids, start, end):
        """Incidents that were there between ``start`` and ``end``.

        :param backend_ids: of these backends; with None among them also those of none
        :return: a list of dicts of ``group_id``, ``backend_id``, ``type``,
            ``opened_at`` and ``ended_at``, which is None while it goes on
        """
        return self.env.execute_query_dict(
            SQL(
                """WITH incidents AS MATERIALIZED (
                       SELECT i.group_id, i.backend_id, i.type, i.opened_at,
                              coalesce(i.ended_at, %(ended)s) AS ended_at
                         FROM sync_error_incident i
                        WHERE (i.backend_id = ANY(%(ids)s)
                               OR i.backend_id IS NULL AND %(none)s)
                          AND (i.ended_at >= %(start)s
                               OR i.ended_at IS NULL AND i.group_id IS NOT NULL)
                          AND i.opened_at < %(end)s)
                   SELECT * FROM incidents
                    WHERE ended_at >= %(start)s OR ended_at IS NULL
                    ORDER BY opened_at""",
                ended=SQL(ENDED),
                ids=[id_ for id_ in backend_ids if id_],
                none=None in backend_ids,
                start=start,
                end=end,
            )
        )

    @api.model
    def _end_resolved(self):
        """Note which incidents are over, in a transaction of its own: in turn with
        workers that count errors, which may open the next."""
        apart(self._end_resolved_now, read_committed=True)

    @api.model
    def _end_resolved_now(self):
        # Once its group is deleted, the end of an incident cannot be known.
        self.env.cr.execute(
            """DELETE FROM sync_error_incident
                WHERE ended_at IS NULL AND group_id IS NULL"""
        )
        self.env.cr.execute(
            """SELECT id FROM sync_error_group WHERE id IN (
                   SELECT group_id FROM sync_error_incident WHERE ended_at IS NULL)
                ORDER BY id FOR NO KEY UPDATE"""
        )
        # A group whose errors have all recovered is open no longer.
        self.env.cr.execute(
            SQL(
                """WITH looked_at AS (
                       SELECT i.id, %s AS at FROM sync_error_incident i
                        WHERE i.ended_at IS NULL),
                   ended AS (UPDATE sync_error_incident i
                      SET ended_at = l.at,
                          seconds = extract(epoch FROM l.at - i.opened_at)
                     FROM looked_at l WHERE l.id = i.id AND l.at IS NOT NULL
                   RETURNING i.group_id)
                   UPDATE sync_error_group g SET state = 'resolved'
                     FROM ended
                    WHERE g.id = ended.group_id
                      AND g.state IN ('new', 'acknowledged')""",
                SQL(ENDED),
            )
        )
