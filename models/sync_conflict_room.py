from odoo import api, models
from odoo.tools import format_datetime

from ..core.exceptions import InvalidDataError
from ..core.merge import MISSING
from ..core.resolution import differences
from ..core.text_diff import REMOVED, SAME, mark
from ..entities.directory import Directory
from .sync_conflict import _by_side, _text


class SyncConflict(models.Model):
    """What the room shows in which a person resolves a conflict."""

    _inherit = "sync.conflict"

    def compare(self):
        """The conflict as it is now: the Odoo record is read anew.

        :return: ``{fingerprint, state, gone, resolution, odoo, pharmacy, rows}``; each
            row ``{path, group, title, kind, free, multiline, decided, base, odoo,
            pharmacy, result}`` with values of the form ``{text, segments}``
        """
        conflict = self._deciding()
        directory = Directory(conflict.backend_id)
        merge = conflict._merge_now() if conflict.state == "open" else None
        rows = []
        for line in conflict.line_ids - conflict._open_lines() if merge else (
            conflict.line_ids
        ):
            rows.append(
                conflict._row(line.field, line.values or {}, directory)
                | {"decided": line.choice or True, "reason": line.reason}
            )
        conflicts = merge.conflicts if merge else {}
        for path, values in conflicts.items():
            rows.append(conflict._row(path, _by_side(values), directory))
        return {
            "fingerprint": conflict._fingerprint(conflicts),
            "state": conflict.state,
            "gone": conflict.state == "open" and merge is None,
            "resolution": (
                conflict._resolution_text() if conflict.state == "resolved" else False
            ),
            "reason": conflict.reason,
            "odoo": conflict._changed_text(conflict.odoo_user_id.name, "odoo_at"),
            "pharmacy": conflict._changed_text(
                conflict.pharmacy_by
                or self.env._("version %s", conflict.mapping_id.version),
                "pharmacy_at",
            ),
            "rows": sorted(rows, key=lambda row: not row["decided"]),
        }

    def preview(self, choices):
        """What choices would come to.

        :return: ``{results, errors, odoo, pharmacy}``: by path the text of the value
            that both sides will have, and what is wrong with a choice; and for each
            side a list of ``{label, before, after}``, all that will be written there
        """
        conflict = self._deciding()
        directory = Directory(conflict.backend_id)
        odoo = conflict._odoo_values()
        results, errors, decisions = {}, {}, {}
        if odoo is None:
            return {"results": {}, "errors": {}, "odoo": [], "pharmacy": []}
        seen = conflict.mapping_id._merge(odoo, conflict.pharmacy).conflicts
        for path, choice in choices.items():
            try:
                decision = conflict._read_choice(path, choice, seen, directory)
            except InvalidDataError as exc:
                errors[path] = exc.message
                continue
            decisions[path] = decision
            value = {**_by_side(seen[path]), "manual": decision.value}.get(
                decision.choice, MISSING
            )
            results[path] = conflict._value_text(path, value, directory)
        new_odoo, new_pharmacy = conflict._planned(odoo, seen, decisions)
        return {
            "results": results,
            "errors": errors,
            "odoo": conflict._change_list(odoo, new_odoo, directory),
            "pharmacy": conflict._change_list(
                conflict.pharmacy, new_pharmacy, directory
            ),
        }

    @api.model
    def next_open(self, after=None, among=()):
        """The open conflict to look at next.

        :param int after: the one just looked at
        :param list among: ids in the order of the list it was opened from
        :return: ``{id, left}``: its id or false, and how many are open besides
            ``after``, in the list or, if it has no more, in all
        """
        open_ones = [("state", "=", "open"), ("id", "!=", after)]
        if after in among:
            position = among.index(after)
            order = among[position + 1 :] + among[:position]
            found = set(self.search([*open_ones, ("id", "in", order)]).ids)
            ordered = [conflict_id for conflict_id in order if conflict_id in found]
            if ordered:
                return {"id": ordered[0], "left": len(ordered)}
        left = self.search_count(open_ones)
        following = self.search([*open_ones, ("id", "<", after or 0)], limit=1)
        following = following or self.search(open_ones, limit=1)
        return {"id": following.id, "left": left}

    def _row(self, path, values, directory):
        """One field as it is shown.

        :param values: what each side has, by side; absent where it has nothing
        """
        adapter = self.mapping_id.stream_id._adapter()
        converter, __ = adapter._find_converter(path)
        group, title = self._names(path)
        texts = {
            side: self._value_text(path, values.get(side, MISSING), directory)
            for side in ("base", "odoo", "pharmacy", "result")
        }
        kind = converter.kind if converter else "line"
        words = kind in ("text", "line")
        row = {
            "path": path,
            "group": group or False,
            "title": title or self._title("lines"),
            "kind": kind,
            "free": bool(converter and converter.free),
            "multiline": words and any("\n" in text for text in texts.values()),
            "decided": False,
            "moment": values.get("odoo") if kind == "moment" else False,
        }
        for side, text in texts.items():
            told = side in values and side not in ("base", "result")
            row[side] = {
                "text": text,
                "segments": _segments(texts["base"], text, words and told),
            }
        return row

    def _value_text(self, path, value, directory):
        """A canonical value as people read it."""
        adapter = self.mapping_id.stream_id._adapter()
        converter, model = adapter._find_converter(path)
        if converter:
            value = None if value is MISSING else value
            return converter.to_text(value, model, directory)
        if value is MISSING or value is None:
            return self.env._("Not there") if "[" in path else ""
        if not isinstance(value, dict):
            return _text(value)
        found = []
        for name, part in value.items():
            field = f"{path}.{name}"
            converter, model = adapter._find_converter(field)
            if converter:
                text = converter.to_text(part, model, directory)
                found.append(f"{self._title(name)}: {text}")
        return "\n".join(found)

    def _change_list(self, before, after, directory):
        changes = []
        for path, (old, new) in differences(before, after).items():
            changes.append(
                {
                    "label": self._label(path, before, after),
                    "before": self._value_text(path, old, directory),
                    "after": self._value_text(path, new, directory),
                }
            )
        return changes

    def _changed_text(self, who, moment):
        moment = self[moment]
        when = format_datetime(self.env, moment) if moment else False
        return ", ".join(filter(None, [who, when]))


def _segments(base, text, words):
    """The parts of a text as ``[kind, text]``; what was removed only among words."""
    if not base:
        return [[SAME, text]]
    return [list(part) for part in mark(base, text) if words or part[0] != REMOVED]
