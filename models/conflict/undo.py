"""Decisions that are taken back: what a person decided can be undone for a while, and
what one side lost can be taken later."""

from dataclasses import replace
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...core import said
from ...core.conflict.merge import parse_path
from ...core.conflict.resolution import Choice, Decision, differences, edited, strategy
from ...core.exceptions import InvalidDataError
from ...core.exchange.pair import Base
from ...entities.directory import Directory
from ...entities.neutral import neutral
from ..base.alone import alone
from ..base.sync_retention import BATCH

# How long a decision can be undone: what goes to the pharmacy is held back meanwhile.
UNDO = timedelta(minutes=2)
OTHER = {"odoo": "pharmacy", "pharmacy": "odoo"}


class SyncOperation(models.Model):
    _inherit = "sync.operation"

    held_until = fields.Datetime(
        readonly=True, help="Until when the decision that it sends can be undone."
    )


class SyncConflict(models.Model):
    _inherit = "sync.conflict"

    undo = fields.Json(
        readonly=True, copy=False, help="What was so before the latest decision."
    )
    undo_until = fields.Datetime(readonly=True, copy=False)
    can_undo = fields.Boolean(compute="_compute_can_undo")
    can_reverse = fields.Boolean(compute="_compute_can_reverse")

    @api.depends("undo_until")
    def _compute_can_undo(self):
        now = fields.Datetime.now()
        for conflict in self:
            conflict.can_undo = bool(
                conflict.undo and conflict.undo_until and conflict.undo_until > now
            )

    def _compute_can_reverse(self):
        for conflict in self:
            conflict.can_reverse = conflict.state == "resolved" and bool(
                conflict._reversible()
            )

    # -- Undo -------------------------------------------------------------------------

    def _decide_undoably(self, choices, fingerprint, reason):
        """Decide as ever, but keep what was so, and hold back what would be sent."""
        mapping = self.mapping_id
        odoo, agreed = self._odoo_values(), self._agreed()
        decided = self.line_ids - self._open_lines()
        self._decide(choices, fingerprint, reason)
        if odoo is None:
            return
        until = fields.Datetime.now() + UNDO
        self.write(
            {
                "undo_until": until,
                "undo": {
                    "before": odoo,
                    "after": mapping._serialise(),
                    "agreed": agreed,
                    "left": self._agreed(),
                    "decided": decided.ids,
                },
            }
        )
        self._pushes().write(
            {
                "state": "waiting",
                "eta": until,
                "held_until": until,
                "reason": said.HELD_BACK,
            }
        )
        mapping.backend_id._schedule_push(until)

    def _agreed(self):
        """What is known of both sides, as it is stored."""
        names = ("base", "odoo_base", "version", "unanswered", "deleted", "epoch")
        return {name: self.mapping_id[name] for name in names}

    def _pushes(self):
        return self.env["sync.operation"].search(
            [
                ("mapping_id", "in", self.mapping_id.ids),
                ("kind", "=", "push"),
                ("state", "in", ("pending", "waiting")),
            ]
        )

    def action_undo(self):
        """Have decisions not been made: both sides get back what they had.

        :return: a notification that says how many were, and why others were not
        :raises AccessError: the user does not see them
        """
        undone, why = 0, ""
        for conflict in self._deciding():
            with alone(self.env) as failure:
                conflict._undo()
            undone += not failure
            if failure:
                why = str(failure.error)
        message = self.env._("Decisions that were undone: %s.", undone)
        if undone < len(self):
            message += " " + self.env._(
                "Others: %(count)s. %(why)s", count=len(self) - undone, why=why
            )
        return self.backend_id._notify(self.env._("Undone"), message)

    def _undo(self):
        mapping, kept = self.mapping_id, self.undo or {}
        self.env["sync.mapping"]._lock(mapping.ids)
        if not kept or self.undo_until < fields.Datetime.now():
            raise UserError(self.env._("It is too late: it was sent."))
        now = self._odoo_values()
        changed = differences(kept["before"], kept["after"])
        names = {parse_path(path)[0] for path in changed}
        same = now and all(now.get(name) == kept["after"].get(name) for name in names)
        if not same or self._agreed() != kept["left"]:
            raise UserError(self.env._("The record was changed since."))
        if mapping.conflict_ids.filtered(lambda c: c.state == "open") - self:
            raise UserError(self.env._("There is a newer conflict of this record."))
        neutral(self, self.backend_id)._take_back(kept, names)
        held = self._pushes().filtered("held_until")
        held.write({"eta": False, "held_until": False})
        mapping.backend_id._schedule_push()

    def _take_back(self, kept, names):
        """:param names: the fields of the record to which something was written"""
        mapping = self.mapping_id
        before = {name: kept["before"].get(name) for name in names}
        if before:
            mapping._write_odoo(before)
        odoo = mapping._serialise()
        if differences(odoo, before):
            raise UserError(self.env._("Odoo does not take back the former values."))
        agreed = kept["agreed"]
        base = Base.load(agreed["base"] or None, agreed["odoo_base"] or None)
        state = mapping._state()
        mapping._move(state, replace(state, base=base))
        lines = self.line_ids.filtered(lambda line: line.id not in kept["decided"])
        lines.write({"choice": False, "result": False, "reason": False})
        self.write(
            {
                "state": "open",
                "strategy": False,
                "resolved_at": False,
                "resolved_by_id": False,
                "undo": False,
                "undo_until": False,
            }
        )
        self._show(mapping._merge(odoo, self.pharmacy))
        self._emit_event("conflict_opened")

    @api.autovacuum
    def _gc_undo(self):
        """What can be undone no longer is not kept."""
        late = [("undo_until", "<", fields.Datetime.now()), ("undo", "!=", False)]
        self.search(late, limit=BATCH).write({"undo": False})

    # -- Later ------------------------------------------------------------------------

    def _reversible(self):
        """The lines of which the value that lost can be taken still."""
        return self.line_ids.filtered(
            lambda line: (
                line.choice in OTHER
                and parse_path(line.field)[2 if "[" in line.field else 0]
                and {"result", OTHER[line.choice]} <= (line.values or {}).keys()
            )
        )

    def action_reverse(self):
        """Take the values that lost, on both sides: they are written in Odoo, and sent
        as any change is.

        :raises UserError: the record was changed since, or Odoo refuses them
        """
        for conflict in self:
            conflict = conflict._deciding()
            self.env["sync.mapping"]._lock(conflict.mapping_id.ids)
            try:
                conflict._reverse()
            except InvalidDataError as exc:
                raise UserError(exc.message) from exc
        return True

    def _reverse(self):
        lines, odoo = self._reversible(), self._odoo_values()
        if self.state != "resolved" or not lines or odoo is None:
            raise UserError(self.env._("There is no decision that can be reversed."))
        if self.mapping_id._open_conflict():
            raise UserError(self.env._("There is a newer conflict of this record."))
        settled = edited(odoo, _decisions(lines, lambda line: line.values["result"]))
        if differences(odoo, settled):
            raise UserError(self.env._("The record was changed since."))
        wanted = edited(
            odoo, _decisions(lines, lambda line: line.values[OTHER[line.choice]])
        )
        names = [name for name in wanted if wanted[name] != odoo.get(name)]
        directory = Directory(self.backend_id)
        own = neutral(self, self.backend_id)
        own._adapter()._update(
            own.mapping_id._record(), {name: wanted[name] for name in names}, directory
        )
        if any(own._odoo_values().get(name) != wanted[name] for name in names):
            raise UserError(self.env._("Odoo does not take back the former values."))
        for line in lines:
            other = OTHER[line.choice]
            values = {**line.values, "result": line.values[other]}
            line.write({"choice": other, "result": line[other], "values": values})
        taken = [line.choice for line in self.line_ids if line.choice]
        self.write(
            {
                "strategy": strategy(taken),
                "resolved_at": fields.Datetime.now(),
                "resolved_by_id": self.env.uid,
                "undo": False,
            }
        )


def _decisions(lines, value_of):
    return {line.field: Decision(Choice.MANUAL, value_of(line)) for line in lines}
