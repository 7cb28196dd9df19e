import hashlib
import json
from dataclasses import replace

from odoo import models
from odoo.exceptions import UserError

from ...core import said
from ...core.conflict.resolution import Choice, Decision, decided, edited, strategy
from ...core.exceptions import ConflictError, InvalidDataError
from ...core.exchange.declined import not_taken, with_halves_of
from ...core.taxonomy import ErrorType
from ...entities.converters import moment_text
from ...entities.directory import Directory
from ...entities.neutral import neutral
from .merge import by_odoo
from .sync_conflict import _by_side, _text
from .sync_conflict_line import field_name


class SyncConflict(models.Model):
    """What a person decides: checked, known beforehand, carried out once.

    *choices* are what arrives, ``{path: {"choice": "odoo"}}``, with a ``value`` beside
    the choice *manual*; *decisions* are the same, checked and canonical. A choice of
    some fields leaves the others open.

    Two people decide at once: the second waits for the first at the mapping's lock, is
    replayed by Odoo, and finds the conflict resolved, or not as they saw it.
    """

    _inherit = "sync.conflict"

    def resolve(self, choices, fingerprint=None, reason=None, undoable=False):
        """Decide fields of this conflict.

        :param dict choices: see the class
        :param str fingerprint: of what the person saw, as :meth:`compare` returned it
        :param str reason: kept with the decision
        :param bool undoable: keep what was so, for :meth:`action_undo`, and hold back
            meanwhile what would be sent
        :return: ``{"outcome": "resolved", "open" or "stale", "message", "undoable"}``:
            *open* if other fields are left to decide; *stale* if nothing was done
            because it was resolved already or has changed, and the message says so
        :raises UserError: a value is not acceptable, or Odoo refuses it
        """
        conflict = self._deciding()
        decide = conflict._decide_undoably if undoable else conflict._decide
        try:
            decide(choices, fingerprint, reason)
        except ConflictError as exc:
            return {"outcome": "stale", "message": exc.message, "undoable": False}
        except InvalidDataError as exc:
            raise UserError(exc.message) from exc
        return {
            "outcome": conflict.state,
            "message": False,
            "undoable": undoable and bool(conflict.undo),
        }

    def action_keep_odoo(self):
        """Decide for Odoo's values: they are sent to the pharmacy app."""
        return self._take_side(Choice.ODOO)

    def action_take_pharmacy(self):
        """Decide for the pharmacy's values: they are written in Odoo."""
        return self._take_side(Choice.PHARMACY)

    def _take_side(self, side):
        for conflict in self:
            conflict = conflict._deciding()
            try:
                conflict._decide(conflict._whole(side))
            except (ConflictError, InvalidDataError) as exc:
                raise UserError(exc.message) from exc
        return True

    def _deciding(self):
        """These conflicts with the rights that deciding needs, in the language of the
        person, who reads what is wrong. Values are read and written in the neutral
        environment, whatever company the person is at work in.

        :raises AccessError: the user does not see them
        """
        self.check_access("read")
        return self.sudo()

    def _whole(self, side):
        """Choices of one side for every field."""
        merge = self._merge_now()
        return {path: {"choice": side} for path in merge.conflicts} if merge else {}

    def _merge_now(self):
        """The comparison as it is now; None if the record is gone."""
        odoo = self._odoo_values()
        return odoo and self._neutral_mapping()._merge(odoo, self.pharmacy)

    def _merges_now(self):
        """The comparisons as they are now, read in bulk: ``{conflict: merge}``, without
        those whose record is gone."""
        merges = {}
        for stream, conflicts in self.grouped(lambda c: c.mapping_id.stream_id).items():
            conflicts = conflicts._deciding()
            living = conflicts.filtered(lambda c: not c.mapping_id.deleted)
            records = living.env[stream.res_model].browse(
                living.mapping_id.mapped("res_id")
            )
            serialised = (
                stream.with_env(living.env)
                ._adapter()
                ._serialise(records.exists(), Directory(living.backend_id))
            )
            for conflict in living:
                odoo = serialised.get(conflict.mapping_id.res_id)
                if odoo:
                    mapping = conflict._neutral_mapping()
                    merges[conflict] = mapping._merge(odoo, conflict.pharmacy)
        return merges

    def _choices_by_name(self, sides):
        """Choices for the fields of some names, of all lines: ``{name: side}``."""
        merge = self._merge_now()
        return {
            path: {"choice": sides[field_name(path)]}
            for path in (merge.conflicts if merge else ())
            if field_name(path) in sides
        }

    def _neutral_mapping(self):
        """The mapping as it is compared, whoever looks."""
        return neutral(self.mapping_id, self.backend_id)

    def _odoo_values(self):
        mapping = self.mapping_id
        if mapping.deleted or not mapping._record():
            return None
        return mapping._serialise()

    def _decide(self, choices, fingerprint=None, reason=None):
        """Carry out what was decided.

        :raises ConflictError: it was resolved, or changed since it was looked at
        :raises InvalidDataError: a choice is not acceptable; ``field`` names the path
        """
        own = neutral(self, self.backend_id)
        mapping = own.mapping_id
        self.env["sync.mapping"]._lock(mapping.ids)
        if self.state != "open":
            raise ConflictError(
                self._too_late_text(), error_type=ErrorType.ORDER_ALREADY_PROCESSED
            )
        odoo = self._odoo_values()
        if odoo is None:
            own._close("merge", said.RECORD_DELETED)
            return
        seen = mapping._merge(odoo, self.pharmacy).conflicts
        if fingerprint and fingerprint != self._fingerprint(seen):
            raise ConflictError(self.env._("It has changed since you looked at it."))
        decisions = self._read_choices(choices, seen)
        own._carry_out(odoo, seen, decisions, reason)

    def _carry_out(self, odoo, seen, decisions, reason):
        mapping = self.mapping_id
        self._write_decisions(odoo, seen, decisions)
        self._keep_decisions(seen, decisions, reason)
        left = mapping._merge(mapping._serialise(), self.pharmacy)
        if left.conflicts:
            self._show(left)
        else:
            taken = [line.choice for line in self.line_ids if line.choice]
            self._close(strategy(taken), reason)
        mapping.backend_id._schedule_push()

    def _write_decisions(self, odoo, seen, decisions):
        mapping = self.mapping_id
        own = edited(odoo, decisions)
        changes = {name: own[name] for name in own if own[name] != odoo.get(name)}
        if changes:
            adapter = mapping.stream_id._adapter()
            directory = Directory(mapping.backend_id)
            adapter._update(mapping._record(), changes, directory)
            before, odoo = odoo, mapping._serialise()
            refused = not_taken(before, changes, odoo, adapter._keeps())
            said = directory.said.get(mapping.res_id)
            self._check_taken(by_odoo(refused, said), decisions)
        comparison = mapping._compare(odoo, self.pharmacy)
        base = self._decided_base(odoo, seen, decisions)
        left = {p: d for p, d in comparison.declined.items() if p not in decisions}
        base = with_halves_of(base, comparison.before, left)
        state = mapping._state()
        mapping._move(state, replace(state, base=base, declined=left))
        mapping._take_over(
            odoo,
            self.pharmacy,
            undecided=seen.keys() - decisions.keys(),
            correlation_id=self.correlation_id,
        )
        self._check_taken(mapping._declined(), decisions)

    def _check_taken(self, refused, decisions):
        """:raises InvalidDataError: Odoo does not take what was decided"""
        for path in refused:
            if path in decisions:
                reason = self.env["sync.error"]._in_language(
                    self.mapping_id._declined_text(refused[path])
                )
                raise InvalidDataError(f"{self._label(path)}: {reason}", field=path)

    def _planned(self, odoo, seen, decisions):
        """What :meth:`_write_decisions` would do.

        :return: (Odoo's values, the pharmacy's), as both will be
        """
        mapping = self._neutral_mapping()
        own = edited(odoo, decisions)
        base = self._decided_base(own, seen, decisions)
        undecided = seen.keys() - decisions.keys()
        planned = mapping._compare(own, self.pharmacy, base, undecided)
        return (
            {**own, **planned.to_odoo},
            {**self.pharmacy, **planned.merge.to_pharmacy},
        )

    def _decided_base(self, odoo, seen, decisions):
        comparison = self._neutral_mapping()._compare(odoo, self.pharmacy)
        base, left = comparison.base, comparison.merge.conflicts
        half = decided(base.pharmacy, seen, left, decisions)
        return base.with_pharmacy(half, comparison.words, odoo)

    def _keep_decisions(self, seen, decisions, reason):
        """Write on the lines whose value was taken, and what the other was."""
        lines = {line.field: line for line in self._open_lines()}
        for path, decision in decisions.items():
            values = _by_side(seen[path])
            result = (
                decision.value
                if decision.choice is Choice.MANUAL
                else values.get(decision.choice)
            )
            values_of_line = {
                "base": _text(values.get("base")),
                "odoo": _text(values.get("odoo")),
                "pharmacy": _text(values.get("pharmacy")),
                "values": {**values, "result": result},
                "choice": str(decision.choice),
                "result": _text(result),
                "reason": reason,
            }
            if path in lines:
                lines[path].write(values_of_line)
            else:
                self.line_ids.create(
                    {"conflict_id": self.id, "field": path, **values_of_line}
                )

    def _read_choices(self, choices, conflicts):
        """Choices, checked.

        :raises InvalidDataError: naming the path
        """
        if not isinstance(choices, dict):
            raise InvalidDataError("choices must be an object", field="choices")
        directory = Directory(self.backend_id)
        return {
            path: self._read_choice(path, choice, conflicts, directory)
            for path, choice in choices.items()
        }

    def _read_choice(self, path, choice, conflicts, directory):
        if path not in conflicts:
            message = self.env._("%s is not in conflict (any more).", self._label(path))
            raise InvalidDataError(message, field=path)
        try:
            taken = Choice(choice["choice"])
        except (KeyError, TypeError, ValueError):
            message = self.env._(
                "%s: choose odoo, pharmacy or manual.", self._label(path)
            )
            raise InvalidDataError(message, field=path) from None
        if taken is not Choice.MANUAL:
            return Decision(taken)
        value = self._read_value(path, choice.get("value"), directory)
        # Typing what a side has is taking that side.
        for side in (Choice.ODOO, Choice.PHARMACY):
            if value == getattr(conflicts[path], side):
                return Decision(side)
        return Decision(taken, value)

    def _read_value(self, path, value, directory):
        adapter = self._adapter()
        converter, __ = adapter._find_converter(path)
        label = self._label(path)
        if converter is None or not converter.free:
            message = self.env._("%s: take one of the two values.", label)
            raise InvalidDataError(message, field=path)
        try:
            value = converter.canonical(value, directory)
            if converter.required and value in (None, ""):
                raise InvalidDataError(self.env._("a value is required"))
            converter.to_odoo(value, directory)
        except InvalidDataError as exc:
            problem = self.env._(
                "%(field)s: %(problem)s", field=label, problem=exc.message
            )
            raise InvalidDataError(problem, field=path) from exc
        return value

    def _resolved_text(self):
        """Who resolved it, when, and how."""
        taken = {line.choice for line in self.line_ids if line.choice}
        texts = {
            "user": self.resolved_by_id.name,
            "moment": moment_text(self.env, self.resolved_at),
        }
        if not taken:
            return self.env._("%(moment)s: nothing was left to decide.", **texts)
        if taken == {"odoo"}:
            return self.env._("%(user)s kept what Odoo had, %(moment)s.", **texts)
        if taken == {"pharmacy"}:
            return self.env._(
                "%(user)s took what the pharmacy had, %(moment)s.", **texts
            )
        return self.env._("%(user)s decided on the values, %(moment)s.", **texts)

    def _too_late_text(self):
        """Why it cannot be decided any more."""
        return self.env._(
            "%s This conflict is resolved already: nothing was applied twice.",
            self._resolved_text(),
        )

    def _fingerprint(self, conflicts):
        """Stands for the values that a person decides on."""
        shown = {path: _by_side(values) for path, values in conflicts.items()}
        text = json.dumps(shown, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
