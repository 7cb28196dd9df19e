from odoo import api, models

from ...core.conflict.amount_change import amount_change
from ...core.conflict.merge import MISSING
from ...core.conflict.resolution import differences
from ...core.conflict.text_diff import ADDED, REMOVED, mark
from ...core.exceptions import InvalidDataError
from ...entities.converters import moment_text
from ...entities.directory import Directory
from .sync_conflict import _by_side
from .sync_conflict_line import field_name

# Kinds of value whose changed characters are marked; a name, a number or a time is
# another as a whole.
MARKED = ("text", "line")
# Characters that one line has room for.
SHORT = 30


class SyncConflict(models.Model):
    """What the room shows in which a person resolves a conflict."""

    _inherit = "sync.conflict"

    def compare(self):
        """The conflict as it is now: the Odoo record is read anew.

        :return: ``{fingerprint, state, gone, resolution, odoo, pharmacy, rows}``; each
            row ``{path, group, title, kind, free, multiline, moments, decided,
            reason, base, odoo, pharmacy, result}`` with values of the form
            ``{text, segments}``
        """
        conflict = self._deciding()
        in_language = self.env["sync.error"]._in_language
        directory = Directory(conflict.backend_id)
        merge = conflict._merge_now() if conflict.state == "open" else None
        conflicts = merge.conflicts if merge else {}
        past = conflict.line_ids
        if conflict.state == "open":
            past -= conflict._open_lines()
        rows = [
            {
                **conflict._row(line.field, line.values or {}, directory),
                "decided": line.choice or "nobody",
                "reason": in_language(line.reason),
            }
            for line in past
        ]
        rows += [
            conflict._row(path, _by_side(values), directory)
            for path, values in conflicts.items()
        ]
        return {
            "fingerprint": conflict._fingerprint(conflicts),
            "state": conflict.state,
            "gone": conflict.state == "open" and merge is None,
            "resolution": (
                conflict._resolution_text() if conflict.state == "resolved" else False
            ),
            "reason": in_language(conflict.reason),
            "odoo": conflict._changed_text(conflict.odoo_user_id.name, "odoo_at"),
            "pharmacy": conflict._changed_text(
                conflict.pharmacy_by
                or self.env._("version %s of its record", conflict.mapping_id.version),
                "pharmacy_at",
            ),
            "rows": rows,
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
        seen = conflict._neutral_mapping()._merge(odoo, conflict.pharmacy).conflicts
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

    def action_open_record(self):
        """Open the Odoo record."""
        self.check_access("read")
        return self.mapping_id.action_open_record()

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

    def _change_rows(self, sides):
        """What a side for each field comes to, for many conflicts.

        :param sides: ``{name of the field: winning side}``
        :return: a list of ``{id, name, label, side, before, after}``: the side that is
            written, and its value
        """
        rows = []
        for conflict, merge in self._merges_now().items():
            directory = Directory(conflict.backend_id)
            for path, values in merge.conflicts.items():
                winner = sides.get(field_name(path))
                if not winner:
                    continue
                loser = "pharmacy" if winner == "odoo" else "odoo"
                before, after = (
                    conflict._value_text(path, getattr(values, side), directory)
                    for side in (loser, winner)
                )
                rows.append(
                    {
                        "id": conflict.id,
                        "name": conflict.display_name,
                        "label": conflict._label(path),
                        "side": loser,
                        "before": before,
                        "after": after,
                    }
                )
        return rows

    def _row(self, path, values, directory):
        """One field as it is shown.

        :param values: what each side has, by side; absent where it has nothing
        """
        adapter = self._adapter()
        converter, __ = adapter._find_converter(path)
        group, title = self._names(path)
        texts = {
            side: self._value_text(path, values.get(side, MISSING), directory)
            for side in ("base", "odoo", "pharmacy", "result")
        }
        kind = converter.kind if converter else "line"
        longest = max(map(len, texts.values()))
        row = {
            "path": path,
            "group": group or False,
            "title": title or adapter._field_title("lines"),
            "kind": kind,
            "free": bool(converter and converter.free),
            "multiline": kind == "text" and longest > SHORT,
            "decided": False,
            "reason": False,
            "moments": values if kind == "moment" else {},
        }
        for side, text in texts.items():
            compared = side in ("odoo", "pharmacy") and kind in MARKED
            row[side] = {
                "text": text,
                "segments": _segments(texts["base"], text) if compared else [],
                "change": self._change_text(path, kind, values, side, directory),
            }
        return row

    def _change_text(self, path, kind, values, side, directory):
        """By how much a side's number differs from the one that was agreed on; False
        for what is no number."""
        if kind != "number" or side not in ("odoo", "pharmacy"):
            return False
        found = amount_change(values.get("base"), values.get(side))
        if not found:
            return False
        change, share = found
        text = self._value_text(path, str(change), directory)
        text = text if change < 0 else f"+{text}"
        return text if share is None else f"{text} ({share:+d} %)"

    def _value_text(self, path, value, directory):
        """A canonical value as people read it."""
        if path.endswith("]") and (value is MISSING or not value):
            return self.env._("No such line")
        adapter = self._adapter()
        return adapter._value_text(path, value, directory)

    def _change_list(self, before, after, directory):
        found = differences(before, after)
        return [
            {
                "label": self._label(path, before, after),
                "before": self._value_text(path, found[path][0], directory),
                "after": self._value_text(path, found[path][1], directory),
            }
            # The record's own fields before those of its lines.
            for path in sorted(found, key=lambda path: "[" in path)
        ]

    def _changed_text(self, who, moment):
        moment = self[moment]
        when = moment_text(self.env, moment) if moment else False
        return ", ".join(filter(None, [who, when]))


def _segments(base, text):
    """The parts of a text as ``[kind, text]``. What was removed is shown only
    where nothing took its place: the base stands beside it."""
    parts = mark(base, text) if base else []
    return [
        [kind, part]
        for index, (kind, part) in enumerate(parts)
        if kind != REMOVED or ADDED not in {k for k, __ in parts[index + 1 : index + 2]}
    ]
