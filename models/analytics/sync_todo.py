"""One list of all that waits for a person, read from where it waits."""

from odoo import api, fields, models
from odoo.tools import SQL

from ..base.actions import open_records

# Rows that the overview names.
SHOWN = 5


def _amount(alias):
    """SQL of what the orders among the records of a set amount to, each order once, in
    the company's currency. Only mappings of the set are looked up.

    :param alias: of the table whose rows with a ``mapping_id`` make the set
    """
    return f"""
       coalesce(CASE WHEN count({alias}.mapping_id) > 0 THEN (
           SELECT sum(p.amount_total_cc) FROM purchase_order p
            WHERE p.id IN (SELECT m.res_id FROM sync_mapping m
                            WHERE m.id = ANY(array_agg({alias}.mapping_id))
                              AND m.res_model = 'purchase.order')) END, 0)"""


# Changes that failed of one cause. One without an error stands for itself.
_FAILED = f"""
SELECT CASE WHEN g.id IS NULL THEN min(o.id)::bigint * 4 ELSE g.id::bigint * 4 + 1 END
       AS id, 'failed' AS kind, o.backend_id, o.company_id, g.id AS error_group_id,
       NULL AS name, NULL AS entity, count(*) AS count,
       min(coalesce(o.done_at, o.requested_at)) AS since,
       CASE WHEN min(o.user_id) = max(o.user_id) AND count(o.user_id) = count(*)
            THEN min(o.user_id) ELSE g.user_id END AS user_id,
       {_amount("o")} AS amount,
       CASE WHEN g.severity IN ('high', 'critical') THEN 4 ELSE 3 END AS weight
  FROM sync_operation o
  LEFT JOIN sync_error_group g ON g.id = o.error_group_id
 WHERE o.state = 'dead'
 GROUP BY o.backend_id, o.company_id, g.id,
          CASE WHEN g.id IS NULL THEN o.id END
"""
# Records with the same fields in conflict.
_CONFLICTS = f"""
SELECT min(c.id)::bigint * 4 + 2, 'conflict', c.backend_id, c.company_id, NULL,
       c.names, c.entity, count(*), min(c.create_date),
       CASE WHEN min(c.odoo_user_id) = max(c.odoo_user_id)
            THEN min(c.odoo_user_id) END,
       {_amount("c")}, CASE WHEN c.entity = 'purchase_order' THEN 2 ELSE 1 END
  FROM (SELECT c.id, c.backend_id, c.company_id, c.entity, c.create_date,
               c.odoo_user_id, c.mapping_id,
               (SELECT string_agg(DISTINCT l.name, ',' ORDER BY l.name)
                  FROM sync_conflict_line l
                 WHERE l.conflict_id = c.id AND l.choice IS NULL) AS names
          FROM sync_conflict c WHERE c.state = 'open') AS c
 GROUP BY c.backend_id, c.company_id, c.entity, c.names
"""
_DIFFERENCES = f"""
SELECT min(d.id)::bigint * 4 + 3, 'drift', d.backend_id, d.company_id, NULL, NULL,
       s.entity, count(*), min(d.create_date), NULL, {_amount("d")}, 1
  FROM sync_drift d
  JOIN sync_stream s ON s.id = d.stream_id
 WHERE d.state IN ('open', 'failed')
 GROUP BY d.backend_id, d.company_id, s.entity
"""
QUERY = " UNION ALL ".join((_FAILED, _CONFLICTS, _DIFFERENCES))


class SyncTodo(models.Model):
    """What waits for a person: a row for each cause that changes failed of, and for
    each set of conflicts in the same fields, the worst first.

    A row is gone once it is dealt with: nothing is kept here.
    """

    _name = "sync.todo"
    _description = "To Do of Synchronisation"
    _auto = False
    _order = "weight desc, amount desc, since, id"
    _depends = {
        "sync.operation": ["state", "error_group_id", "user_id", "mapping_id"],
        "sync.error.group": ["severity", "user_id"],
        "sync.conflict": ["state", "entity", "odoo_user_id", "mapping_id"],
        "sync.conflict.line": ["name", "choice", "conflict_id"],
        "sync.drift": ["state", "mapping_id"],
        "sync.mapping": ["res_model", "res_id"],
        "purchase.order": ["amount_total_cc"],
    }

    kind = fields.Selection(
        [("failed", "Failed"), ("conflict", "To decide"), ("drift", "Differs")],
        readonly=True,
    )
    title = fields.Char("What Waits", compute="_compute_title")
    advice = fields.Char("What to Do", compute="_compute_title")
    name = fields.Char("Names of Fields", readonly=True)
    entity = fields.Char(readonly=True)
    backend_id = fields.Many2one("sync.backend", "Pharmacy", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    error_group_id = fields.Many2one("sync.error.group", readonly=True)
    count = fields.Integer("Records", readonly=True)
    since = fields.Datetime("Waits Since", readonly=True)
    user_id = fields.Many2one("res.users", "Owner", readonly=True)
    amount = fields.Monetary(
        "Their Orders' Total",
        readonly=True,
        help="The totals of the orders among these records together, as Odoo has them "
        "now, in the company's currency: how much money waits. It is below zero where "
        "a quantity or a price is, which may be just what was refused.",
    )
    weight = fields.Integer(readonly=True)

    @property
    def _table_query(self):
        return SQL(QUERY)

    @api.depends("kind", "name", "entity", "error_group_id")
    @api.depends_context("lang")
    def _compute_title(self):
        adapters = self.env["sync.entity"]._entities()
        entities = dict(
            self.env["sync.stream"]._fields["entity"]._description_selection(self.env)
        )
        for row in self:
            plural = entities.get(row.entity)
            if row.kind == "failed":
                row.title = row.error_group_id.display_name or self.env._(
                    "Failed for no known error"
                )
                row.advice = row.error_group_id.advice
            elif row.kind == "conflict":
                titles = adapters[row.entity]._field_titles()
                names = [min(titles.get(n, {n})) for n in (row.name or "").split(",")]
                row.title = f"{plural}: {', '.join(filter(None, names))}"
                row.advice = self.env._("Choose which side's values to keep.")
            else:
                row.title = self.env._("%s differ on both sides", plural)
                row.advice = self.env._("Choose how each difference is repaired.")

    def _task(self):
        """What a person has to do, with how many records."""
        one, several = {
            "failed": (
                self.env._("Mend 1 failed change"),
                self.env._("Mend %s failed changes", self.count),
            ),
            "conflict": (
                self.env._("Decide 1 conflict"),
                self.env._("Decide %s conflicts", self.count),
            ),
            "drift": (
                self.env._("Repair 1 difference"),
                self.env._("Repair %s differences", self.count),
            ),
        }[self.kind]
        return one if self.count == 1 else several

    # -- Actions ----------------------------------------------------------------------

    def action_open(self):
        """Open the records of a row."""
        self.check_access("read")
        self.ensure_one()
        records = self._records()
        names = {"failed": "dead_letter", "conflict": "conflict", "drift": "drift"}
        domain = [("id", "in", records.ids)]
        return open_records(self.env, f"action_sync_{names[self.kind]}", domain)

    def action_decide(self):
        """Open the dialog that decides a set of conflicts."""
        self.check_access("read")
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "pharmacy_sync.action_sync_conflict_resolve"
        )
        return {**action, "context": {"active_ids": self._records().ids}}

    def action_retry(self):
        """See what a retry of all changes that failed of this cause would do.

        :raises AccessError: the user is no operator
        """
        self.check_access("read")
        self.ensure_one()
        return self._records().action_plan_redrive()

    def action_mend(self):
        """Correct a value in all changes that failed of this cause.

        :raises AccessError: the user is no operator
        """
        self.check_access("read")
        self.ensure_one()
        return self._records().action_ask_mend()

    def action_discard(self):
        """Ask for the reason to discard all changes that failed of this cause.

        :raises AccessError: the user is no operator
        """
        self.check_access("read")
        self.ensure_one()
        return self._records().action_ask_discard()

    def _records(self):
        """What a row stands for, of what the user may see."""
        own = [("backend_id", "=", self.backend_id.id)]
        if self.kind == "failed":
            group = ("error_group_id", "=", self.error_group_id.id)
            if not self.error_group_id:
                group = ("id", "=", self.id // 4)
            return self.env["sync.operation"].search(
                [*own, ("state", "=", "dead"), group]
            )
        if self.kind == "drift":
            drifts = self.env["sync.drift"].search(
                [*own, ("state", "in", ("open", "failed"))]
            )
            return drifts.filtered(lambda d: d.stream_id.entity == self.entity)
        conflicts = self.env["sync.conflict"].search(
            [*own, ("state", "=", "open"), ("entity", "=", self.entity)]
        )
        return conflicts.filtered(lambda c: _names(c) == (self.name or ""))


class SyncOverview(models.AbstractModel):
    _inherit = "sync.overview"

    @api.model
    def _more(self, own):
        return {**super()._more(own), "tasks": self._tasks(own)}

    @api.model
    def _tasks(self, own):
        """What the user may do something about, the most urgent first.

        :return: a dict: ``rows``, of which each opens by :meth:`SyncTodo.action_open`,
            and ``more``, whether there are others
        """
        rows = self.env["sync.todo"].search(own, limit=SHOWN + 1)
        several = len(self.env["sync.backend"].search([], limit=2)) > 1
        return {
            "more": len(rows) > SHOWN,
            "rows": [
                {
                    "id": row.id,
                    "kind": row.kind,
                    "text": row._task(),
                    "title": row.title,
                    "since": fields.Datetime.to_string(row.since),
                    "owner": row.user_id.name or "",
                    "pharmacy": row.backend_id.name if several else "",
                }
                for row in rows[:SHOWN]
            ],
        }


def _names(conflict):
    return ",".join(sorted(set(conflict._open_lines().mapped("name"))))
