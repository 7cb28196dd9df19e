from odoo import api, models

from ...core.conflict.amount_change import amount_change
from ...core.conflict.merge import MISSING
from ...core.conflict.resolution import Choice, Decision, differences
from ...core.conflict.text_diff import ADDED, REMOVED, mark
from ...core.exceptions import InvalidDataError
from ...entities.converters import moment_text, percent_text
from ...entities.directory import Directory
from .sync_conflict import _by_side
from .sync_conflict_line import field_name

# Kinds of value whose changed characters are marked; a name, a number or a time is
# another as a whole.
MARKED = ("text", "line")
# Characters that one line has room for, and a sentence for a value in it.
SHORT, LONG = 30, 60
# Fields in conflict of which each says the total that it alone comes to; of more the
# total is said of what was chosen.
TOTALS = 10


class SyncConflict(models.Model):
    """What the room shows in which a person resolves a conflict."""

    _inherit = "sync.conflict"

    def compare(self):
        """The conflict as it is now: the Odoo record is read anew.

        :return: ``{fingerprint, state, gone, resolution, odoo, pharmacy, rows}``; each
            row ``{path, group, title, kind, free, multiline, moments, decided,
            reason, base, odoo, pharmacy, result}`` with values of the form
            ``{text, segments, change, effect}``, the last what it would come to if
            the value of that side were chosen
        """
        conflict = self._deciding()
        in_language = self.env["sync.error"]._in_language
        directory = Directory(conflict.backend_id)
        odoo = conflict._odoo_values() if conflict.state == "open" else None
        conflicts = conflict._conflicts_with(odoo)
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
        for path, values in conflicts.items():
            row = conflict._row(path, _by_side(values), directory)
            keeping, taking = conflict._effects(path, odoo, conflicts, directory)
            row["odoo"]["effect"], row["pharmacy"]["effect"] = keeping, taking
            rows.append(row)
        return {
            "fingerprint": conflict._fingerprint(conflicts),
            "state": conflict.state,
            "gone": conflict.state == "open" and odoo is None,
            "resolution": (
                conflict._resolved_text() if conflict.state == "resolved" else False
            ),
            "reason": in_language(conflict.reason),
            "odoo": conflict._changed_text(conflict.odoo_user_id.name, "odoo_at"),
            "pharmacy": conflict._pharmacy_changed_text(),
            "rows": rows,
        }

    def preview(self, choices):
        """What choices would come to.

        :return: ``{results, errors, odoo, pharmacy, total}``: by path the text of the
            value that both sides will have, and what is wrong with a choice; for each
            side a list of ``{label, before, after, effect}``, all that will be written
            there; and what Odoo's record comes to, where that changes
        """
        conflict = self._deciding()
        directory = Directory(conflict.backend_id)
        odoo = conflict._odoo_values()
        results, errors, decisions = {}, {}, {}
        if odoo is None:
            nothing = {"odoo": [], "pharmacy": [], "total": False}
            return {"results": {}, "errors": {}, **nothing}
        seen = conflict._conflicts_with(odoo)
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
            "odoo": conflict._change_list("odoo", odoo, new_odoo, directory),
            "pharmacy": conflict._change_list(
                "pharmacy", conflict.pharmacy, new_pharmacy, directory
            ),
            "total": conflict._total_text(odoo, new_odoo, directory),
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
        if share is None:
            return text
        return f"{text} ({percent_text(self.env, share, signed=True)})"

    def _value_text(self, path, value, directory):
        """A canonical value as people read it."""
        if path.endswith("]") and _is_gone(value):
            return self.env._("No such line")
        adapter = self._adapter()
        return adapter._value_text(path, value, directory)

    def _conflicts_with(self, odoo):
        """The fields in conflict, by path.

        :param odoo: Odoo's canonical values; None: it has no such record
        """
        if odoo is None:
            return {}
        return self._neutral_mapping()._merge(odoo, self.pharmacy).conflicts

    def _effects(self, path, odoo, conflicts, directory):
        """What a choice for one field comes to, in a sentence each: if Odoo's value is
        kept, and if the pharmacy's is taken."""
        ours, theirs = conflicts[path].odoo, conflicts[path].pharmacy
        keeping = self._gets_text("pharmacy", path, theirs, ours, directory)
        taking = self._gets_text("odoo", path, ours, theirs, directory)
        texts = (self._value_text(path, value, directory) for value in (ours, theirs))
        if max(map(len, texts)) > LONG:
            # It stands right above.
            keeping = self.env._("The pharmacy gets Odoo's value.")
            taking = self.env._("Odoo gets the pharmacy's value.")
        if len(conflicts) <= TOTALS:
            taken = {path: Decision(Choice.PHARMACY)}
            planned, __ = self._planned(odoo, conflicts, taken)
            if total := self._total_text(odoo, planned, directory):
                taking = f"{taking} {total}"
        ours = self.env._("Nothing changes in Odoo.")
        theirs = self.env._("Nothing changes at the pharmacy.")
        return f"{keeping} {ours}", f"{taking} {theirs}"

    def _gets_text(self, side, path, before, after, directory):
        """One sentence: what a side gets, and what it had."""
        old, new = (self._quoted(path, value, directory) for value in (before, after))
        if path.endswith("]") and (_is_gone(before) or _is_gone(after)):
            if _is_gone(after):
                texts = (
                    self.env._("The line is removed in Odoo."),
                    self.env._("The line is removed at the pharmacy."),
                )
            else:
                texts = (
                    self.env._("Odoo gets the line."),
                    self.env._("The pharmacy gets the line."),
                )
        elif not new:
            texts = (
                self.env._("It is emptied in Odoo, which has %s.", old),
                self.env._("It is emptied at the pharmacy, which has %s.", old),
            )
        elif not old:
            texts = (
                self.env._("Odoo gets %s, and has nothing there.", new),
                self.env._("The pharmacy gets %s, and has nothing there.", new),
            )
        else:
            both = {"new": new, "old": old}
            texts = (
                self.env._("Odoo gets %(new)s instead of %(old)s.", **both),
                self.env._("The pharmacy gets %(new)s instead of %(old)s.", **both),
            )
        return texts[side == "pharmacy"]

    def _quoted(self, path, value, directory):
        """A value as it stands in a sentence: free text in quotation marks."""
        text = self._value_text(path, value, directory)
        converter, __ = self._adapter()._find_converter(path)
        return f'"{text}"' if text and converter and converter.kind == "text" else text

    def _total_text(self, before, after, directory):
        """What Odoo's record comes to; False where that does not change."""
        record = self._neutral_mapping()._record()
        found = self._adapter()._totals(record, before, after, directory)
        return bool(found) and self.env._(
            "Total in Odoo: %(before)s → %(after)s.", before=found[0], after=found[1]
        )

    def _change_list(self, side, before, after, directory):
        found = differences(before, after)
        return [
            {
                "label": self._label(path, before, after),
                "before": self._value_text(path, found[path][0], directory),
                "after": self._value_text(path, found[path][1], directory),
                "effect": self._gets_text(side, path, *found[path], directory),
            }
            # The record's own fields before those of its lines.
            for path in sorted(found, key=lambda path: "[" in path)
        ]

    def _pharmacy_changed_text(self):
        """Who changed the pharmacy's record, and when; what the app does not say, and
        how Odoo came to know of it."""
        if self.pharmacy_by:
            return self._changed_text(self.pharmacy_by, "pharmacy_at")
        version = self.env._("version %s of its record", self.mapping_id.version)
        parts = [
            self._changed_text(version, "pharmacy_at"),
            self.env._("the app does not say who changed it"),
            self._found_text(),
        ]
        return "; ".join(filter(None, parts))

    def _found_text(self):
        """By which call Odoo came to know of it; False where that is not known."""
        if self.pharmacy_at and self.pharmacy_at > self.create_date:
            # It was changed once more: another call than the first one told of it.
            return False
        call = self.env["sync.call"].search(
            [("correlation_id", "=", self.correlation_id)], order="id", limit=1
        )
        if not call or not self.correlation_id:
            return False
        if call.method == "GET":
            return self.env._("found when Odoo read the pharmacy's changes")
        return self.env._("found when Odoo sent its own change")

    def _changed_text(self, who, moment):
        moment = self[moment]
        when = moment_text(self.env, moment) if moment else False
        return ", ".join(filter(None, [who, when]))


def _is_gone(line):
    """Whether a side does not have a whole line."""
    return not line


def _segments(base, text):
    """The parts of a text as ``[kind, text]``. What was removed is shown only
    where nothing took its place: the base stands beside it."""
    parts = mark(base, text) if base else []
    return [
        [kind, part]
        for index, (kind, part) in enumerate(parts)
        if kind != REMOVED or ADDED not in {k for k, __ in parts[index + 1 : index + 2]}
    ]
