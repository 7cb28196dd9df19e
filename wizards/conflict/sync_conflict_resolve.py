from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import formatLang

from ...core.counted import counted
from ...core.exceptions import SyncError
from ...models.base.actions import offer_undo
from ...models.base.alone import alone
from ...models.base.own_transaction import apart
from ...models.conflict.sync_conflict_line import field_name

# Conflicts that are carried out in one transaction.
BATCH = 50
# Conflicts that the preview shows; all are carried out.
SHOWN = 100


class SyncConflictResolve(models.TransientModel):
    """Decides many conflicts at once: a side for each field.

    What is applied is what was shown: a conflict that changed since the dialog was
    opened is left open, and shown. One that fails fails alone.
    """

    _name = "sync.conflict.resolve"
    _inherit = ["sync.bounded"]
    _description = "Resolve Conflicts"

    conflict_ids = fields.Many2many("sync.conflict", string="Conflicts", readonly=True)
    conflict_count = fields.Integer(compute="_compute_conflict_count")
    seen = fields.Json(readonly=True, help="What was shown: a fingerprint by conflict.")
    side = fields.Selection(
        [("odoo", "Keep Odoo's"), ("pharmacy", "Take the pharmacy's")],
        string="All Fields",
        help="Whose value all fields below are to take; change single ones there.",
    )
    reason = fields.Char(help="Kept with each conflict, for those who ask later.")
    risky_count = fields.Integer(compute="_compute_risky")
    risky_text = fields.Char(compute="_compute_risky")
    with_risky = fields.Boolean(
        "Decide Them as Well",
        help="Orders that are confirmed already, or whose state is in conflict. They "
        "stay open without this.",
    )
    field_ids = fields.One2many("sync.conflict.resolve.field", "wizard_id", "Fields")
    preview = fields.Html(compute="_compute_preview", sanitize=False)
    state = fields.Selection([("draft", "Draft"), ("done", "Done")], default="draft")
    resolved_count = fields.Integer(readonly=True)
    open_count = fields.Integer(
        readonly=True, help="Those of which other fields are left to decide."
    )
    failures = fields.Json(readonly=True)
    outcome = fields.Html(compute="_compute_outcome", sanitize=False)

    @api.model
    def default_get(self, names):
        values = super().default_get(names)
        selected = self.env["sync.conflict"].browse(self.env.context.get("active_ids"))
        selected = selected.filtered(lambda conflict: conflict.state == "open")
        if not selected:
            raise UserError(self.env._("None of these conflicts is open."))
        side = values.get("side")
        merges = selected._merges_now()
        counts = {}
        for merge in merges.values():
            for name in {field_name(path) for path in merge.conflicts}:
                counts[name] = counts.get(name, 0) + 1
        values.update(
            conflict_ids=[fields.Command.set(selected.ids)],
            seen={
                str(conflict.id): conflict._fingerprint(merge.conflicts)
                for conflict, merge in merges.items()
            },
            field_ids=[
                fields.Command.create({"name": name, "count": count, "side": side})
                for name, count in sorted(counts.items(), key=lambda item: -item[1])
            ],
        )
        return values

    @api.depends("conflict_ids")
    def _compute_conflict_count(self):
        for wizard in self:
            wizard.conflict_count = len(wizard.conflict_ids)

    @api.depends("conflict_ids")
    def _compute_risky(self):
        for wizard in self:
            risky = wizard._risky()
            orders = (
                self.env["purchase.order"]
                .sudo()
                .browse(
                    risky.mapping_id.filtered(
                        lambda m: m.res_model == "purchase.order"
                    ).mapped("res_id")
                )
            )
            wizard.risky_count = len(risky)
            amount = formatLang(
                self.env,
                sum(orders.mapped("amount_total_cc")),
                currency_obj=self.env.company.currency_id,
            )
            wizard.risky_text = counted(
                len(risky),
                self.env._(
                    "1 of them is confirmed already or would change its state, and "
                    "amounts to %s.",
                    amount,
                ),
                self.env._(
                    "%(count)s of them are confirmed already or would change their "
                    "state, and amount to %(amount)s.",
                    count=len(risky),
                    amount=amount,
                ),
            )

    def _risky(self):
        """Conflicts whose decision may confirm or cancel an order, or change one that
        is confirmed."""
        conflicts = self.conflict_ids._origin
        mappings = conflicts.mapping_id
        orders = mappings.filtered(lambda m: m.res_model == "purchase.order")
        confirmed = set(
            self.env["purchase.order"]
            .sudo()
            .browse(orders.mapped("res_id"))
            .filtered(lambda order: order.state == "purchase")
            .ids
        )
        return self.conflict_ids.filtered(
            lambda c: (
                "state" in c._open_lines().mapped("name")
                or (c.mapping_id in orders and c.mapping_id.res_id in confirmed)
            )
        )

    @api.onchange("side")
    def _onchange_side(self):
        for field in self.field_ids if self.side else ():
            field.side = self.side

    @api.depends("conflict_ids", "field_ids.side")
    def _compute_preview(self):
        for wizard in self:
            sides = wizard._sides()
            shown = wizard.conflict_ids._origin[:SHOWN]
            rows = shown._change_rows(sides) if sides else []
            wizard.preview = self.env["ir.qweb"]._render(
                "pharmacy_sync.conflict_resolve_preview",
                {
                    "rows": rows,
                    "more": len(wizard.conflict_ids) - len(shown),
                    "chosen": bool(sides),
                },
            )

    @api.depends("failures")
    def _compute_outcome(self):
        for wizard in self:
            wizard.outcome = self.env["ir.qweb"]._render(
                "pharmacy_sync.conflict_resolve_outcome",
                {"failures": wizard.failures or []},
            )

    def _sides(self):
        """The side chosen for each field: ``{name: side}``."""
        return {field.name: field.side for field in self.field_ids if field.side}

    def _chosen(self):
        """The conflicts that are decided: without those that need a tick and have none.

        :raises UserError: none is left
        """
        chosen = self.conflict_ids
        if not self.with_risky:
            chosen -= self._risky()
        if not chosen:
            raise UserError(
                self.env._("Tick Decide Them as Well: there are no others.")
            )
        return chosen

    def action_apply(self):
        """Carry out what was shown, a batch a transaction.

        :return: the dialog again if anything failed, else an action that closes it
        """
        self.ensure_one()
        sides = self._sides()
        if not sides:
            raise UserError(self.env._("Choose a side for at least one field."))
        failures, decided = [], {}
        chosen = self._chosen()
        ids = chosen.ids
        seen = self.seen or {}
        for start in range(0, len(ids), BATCH):
            batch = {i: seen.get(str(i)) for i in ids[start : start + BATCH]}
            states, failed = apart(self._decide_batch, batch, sides, self.reason)
            decided.update(states)
            failures += failed
        left_open = [*decided.values()].count("open")
        resolved = len(decided) - left_open
        self.env.invalidate_all()
        self.write(
            {
                "state": "done",
                "resolved_count": resolved,
                "open_count": left_open,
                "failures": failures,
            }
        )
        if failures:
            action = self.env["ir.actions.act_window"]._for_xml_id(
                "pharmacy_sync.action_sync_conflict_resolve"
            )
            return {**action, "res_id": self.id}
        message = counted(
            resolved,
            self.env._("1 conflict is resolved."),
            self.env._("%s conflicts are resolved.", resolved),
        )
        skipped = self.conflict_count - len(chosen)
        if skipped:
            message += " " + self.env._("Left as they are: %s.", skipped)
        if left_open:
            message += " " + self.env._("With other fields to decide: %s.", left_open)
        message += " " + self.env._("They are sent in two minutes.")
        conflicts = self.env["sync.conflict"].browse(decided)
        return offer_undo(conflicts, "action_undo", message)

    @api.model
    def _decide_batch(self, batch, sides, reason):
        """Decide conflicts, each for itself.

        :param batch: ``{conflict id: fingerprint}``
        :return: (``(id, state)`` of each that was decided, ``[{id, name, message}]``
            of those that were not)
        """
        states, failed = [], []
        for conflict in self.env["sync.conflict"].browse(batch).exists():
            with alone(self.env) as failure:
                deciding = conflict._deciding()
                choices = deciding._choices_by_name(sides)
                deciding._decide_undoably(choices, batch[conflict.id], reason)
            if not failure:
                states.append((conflict.id, deciding.state))
                continue
            error = failure.error
            message = error.message if isinstance(error, SyncError) else str(error)
            failed.append(
                {"id": conflict.id, "name": conflict.display_name, "message": message}
            )
        return states, failed


class SyncConflictResolveField(models.TransientModel):
    """A field that is in conflict in some of the selection."""

    _name = "sync.conflict.resolve.field"
    _inherit = ["sync.bounded"]
    _description = "Field of Conflicts to Resolve"

    wizard_id = fields.Many2one("sync.conflict.resolve", ondelete="cascade", index=True)
    name = fields.Char(required=True)
    label = fields.Char("Field", compute="_compute_label")
    count = fields.Integer("Conflicts", help="How many have this field.")
    side = fields.Selection(
        [("odoo", "Keep Odoo's"), ("pharmacy", "Take the pharmacy's")],
        string="Decision",
        help="Whose value is taken; empty leaves the field open.",
    )

    @api.depends("name", "wizard_id.conflict_ids.entity")
    def _compute_label(self):
        adapters = self.env["sync.entity"]._entities()
        for field in self:
            entities = field.wizard_id.conflict_ids.mapped("entity") or adapters
            titles = set()
            for entity in set(entities):
                titles |= adapters[entity]._field_titles().get(field.name, set())
            field.label = " / ".join(sorted(titles)) or field.name
