"""The base as a pair: for each field what each side had when both last agreed.

Two sides seldom hold a value in the same way: one rounds it, fills in a default where
nothing was said, drops the blank lines of a text, or declines a change without a word.
So each side is compared with its own half only. It is done in the pharmacy's words:
:func:`seen` words Odoo's record as the pharmacy would, with the pharmacy's half
wherever Odoo did not change its own, and :mod:`..conflict.merge` compares that with one
base, the pharmacy's half. :func:`in_odoo` is the way back. A field that the pharmacy's
half does not have was never sent: until it is, only Odoo's half says whether Odoo
changed it.

Where a person keeps what Odoo has over what the pharmacy has by now, Odoo's half is
what Odoo's value stands for: what the pharmacy had, which Odoo perhaps cannot hold,
goes back to it as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..conflict.merge import KEYED, MISSING, Merge, Record, lines_by_key, union

# Given a generic path and a value of the pharmacy's, says what Odoo has of it once
# Odoo has it: an amount that is rounded there, a text that lost its blank lines.
Held = Callable[[str, Any], Any]


def as_it_is(path: str, value: Any) -> Any:
    """The :data:`Held` of values that both sides hold alike."""
    return value


@dataclass(frozen=True)
class Base:
    """What each side had when both last agreed; lists of lines are keyed in both."""

    odoo: Record
    pharmacy: Record

    @classmethod
    def load(cls, pharmacy: Record | None, apart: Record | None = None) -> "Base":
        """The base as it is stored: the pharmacy's half, and :attr:`apart`."""
        pharmacy = pharmacy or {}
        return cls({**pharmacy, **apart} if apart else pharmacy, pharmacy)

    @property
    def apart(self) -> dict[str, Any]:
        """The fields in which Odoo's half is not the pharmacy's: seldom any."""
        if self.odoo is self.pharmacy:
            return {}
        return {
            name: value
            for name, value in self.odoo.items()
            if name not in self.pharmacy or self.pharmacy[name] != value
        }

    def learned(self, pharmacy: Record, held: Held = as_it_is) -> "Base":
        """The base once the pharmacy sends what it never sent: where that is what Odoo
        had, both had the same all along."""
        if self.odoo is self.pharmacy:
            return self
        half = dict(self.pharmacy)
        for name, value in pharmacy.items():
            had = self.odoo.get(name, MISSING)
            if name in KEYED and had is not MISSING:
                known = half.get(name, MISSING)
                half[name] = _learned_lines(name, known, had, value, held)
            elif name not in half and _is_held(name, had, value, held):
                half[name] = value
        return Base(self.odoo, half)

    def _stays(self, name: str, half: Record) -> bool:
        """Whether a field is in both halves, and the pharmacy's is the very same in
        another ``half``."""
        return (
            name not in KEYED
            and name in self.odoo
            and name in half
            and half[name] is self.pharmacy.get(name, MISSING)
        )

    def with_pharmacy(
        self, half: Record, seen: Record | None = None, stored: Record | None = None
    ) -> "Base":
        """The base with another half of the pharmacy's.

        Where that is what Odoo has now, Odoo's half becomes what is stored there.
        Elsewhere it stays where the pharmacy's stays; and where that moved without
        Odoo, both count as having had the same, unless Odoo's value stands for another
        one of the pharmacy's: then that is its half.

        :param seen: Odoo's record as :func:`seen` words it, with all that was written
            there since
        :param stored: Odoo's record as it is
        """
        seen, stored = seen or {}, stored or {}
        own = {}
        for name in union(half, self.odoo, stored):
            is_plain = name not in KEYED and name in half and name in stored
            if is_plain and seen.get(name, MISSING) == half[name]:
                own[name] = stored[name]  # nearly always
                continue
            if self._stays(name, half) and name not in seen and name not in stored:
                own[name] = self.odoo[name]  # nearly always
                continue
            values = [
                side.get(name, MISSING)
                for side in (half, self.pharmacy, self.odoo, seen, stored)
            ]
            own_half: Callable[..., Any] = _own_lines if name in KEYED else _own
            value = own_half(*values)
            if value is not MISSING:
                own[name] = value
        return Base(own, half)


NOTHING = Base({}, {})


def as_in(record: Record, known: Record) -> dict[str, Any]:
    """The record with the very values of ``known`` where they are equal: whatever
    compares them from then on sees at once that they are.

    :param known: canonical values like the record's
    """
    return {
        name: known[name] if name in known and known[name] == value else value
        for name, value in record.items()
    }


def seen(
    base: Base, odoo: Record, pharmacy: Record | None = None, held: Held = as_it_is
) -> dict[str, Any]:
    """Odoo's record in the pharmacy's words.

    :param pharmacy: what the pharmacy has now, as far as it is known
    :return: without the fields that Odoo did not change and the pharmacy never sent
    """
    pharmacy = base.pharmacy if pharmacy is None else pharmacy
    words = {}
    for name, value in odoo.items():
        if name not in KEYED and name in pharmacy and value == pharmacy[name]:
            words[name] = pharmacy[name]  # nearly always
            continue
        sides = [
            side.get(name, MISSING) for side in (base.odoo, base.pharmacy, pharmacy)
        ]
        word: Callable[..., Any] = _seen_lines if name in KEYED else _word
        said = word(name, value, *sides, held=held)
        if said is not MISSING:
            words[name] = said
    return words


def in_odoo(merge: Merge, words: Record, odoo: Record) -> dict[str, Any]:
    """What to write in Odoo: ``merge.to_odoo`` with Odoo's own values where they stay.

    :param words: Odoo's record as :func:`seen` worded it for the comparison
    """
    return {
        name: _lines_in_odoo(value, words.get(name), odoo.get(name))
        if name in KEYED
        else value
        for name, value in merge.to_odoo.items()
    }


def unread_paths(changes: Record, odoo: Record, pharmacy: Record) -> list[str]:
    """Paths of ``changes``, about to be sent, that would overwrite what the pharmacy
    never sent: fields of its record, or of a line that it has.

    A list of lines is sent whole, so what a line there is not known to have would be
    lost.
    """
    paths = []
    for name, value in changes.items():
        if name not in pharmacy:
            paths.append(name)
        elif name in KEYED:
            theirs = lines_by_key(name, pharmacy[name])
            ours = lines_by_key(name, odoo.get(name, MISSING))
            paths += [
                f"{name}[{line['key']}].{field}"
                for line in value
                if line["key"] in theirs
                for field in ours.get(line["key"], ())
                if field not in theirs[line["key"]]
            ]
    return paths


def _is_held(path: str, odoo: Any, pharmacy: Any, held: Held) -> bool:
    if pharmacy is MISSING or odoo is MISSING:
        return False
    return bool(odoo == pharmacy or odoo == held(path, pharmacy))


def _learned_lines(
    name: str, half: Any, had: Any, current: Any, held: Held
) -> list[Record]:
    own, now = lines_by_key(name, had), lines_by_key(name, current)
    if half is MISSING:
        half = [{"key": key} for key in own if key in now]
    return [
        {
            **line,
            **{
                field: value
                for field, value in now.get(line["key"], {}).items()
                if field not in line
                and _is_held(
                    f"{name}.{field}",
                    own.get(line["key"], {}).get(field, MISSING),
                    value,
                    held,
                )
            },
        }
        for line in half or ()
    ]


def _word(
    path: str,
    value: Any,
    had_odoo: Any,
    had_pharmacy: Any,
    pharmacy: Any,
    *,
    held: Held,
) -> Any:
    """One value of Odoo's in the pharmacy's words; MISSING: unchanged, never sent."""
    if value == pharmacy:
        return pharmacy
    if _is_held(path, value, pharmacy, held):
        return pharmacy
    if value == had_odoo or _is_held(path, value, had_pharmacy, held):
        return had_pharmacy
    return had_odoo if _is_held(path, value, had_odoo, held) else value


def _seen_lines(
    name: str,
    value: Any,
    had_odoo: Any,
    had_pharmacy: Any,
    pharmacy: Any,
    *,
    held: Held,
) -> Any:
    if value == had_odoo == had_pharmacy and pharmacy in (value, MISSING):
        return had_pharmacy
    ours, own, theirs, current = (
        lines_by_key(name, lines) for lines in (value, had_odoo, had_pharmacy, pharmacy)
    )
    words: list[Record] = []
    for key in union(ours, theirs):
        if key not in ours:
            # Odoo never took the line up; if it is gone there, both are without it.
            if key not in own and (pharmacy is MISSING or key in current):
                words.append(theirs[key])
        elif key in theirs or key in current or ours[key] != own.get(key):
            sides = [side.get(key, {}) for side in (own, theirs, current)]
            words.append(_seen_line(name, ours[key], *sides, held=held))
    never_sent = had_pharmacy is MISSING and pharmacy is MISSING
    return MISSING if never_sent and not words else words


def _seen_line(
    name: str, line: Record, own: Record, theirs: Record, current: Record, *, held: Held
) -> Record:
    words = {"key": line["key"]}
    for field, value in line.items():
        if field == "key":
            continue
        sides = [side.get(field, MISSING) for side in (own, theirs, current)]
        word = _word(f"{name}.{field}", value, *sides, held=held)
        if word is not MISSING:
            words[field] = word
    return words


def _lines_in_odoo(wanted: Any, words: Any, odoo: Any) -> list[Record]:
    shown, own = lines_by_key("lines", words), lines_by_key("lines", odoo)
    lines = []
    for line in wanted or ():
        key = line["key"]
        known = shown.get(key, {})
        if key in own:
            changed = {
                field: value
                for field, value in line.items()
                if field not in known or known[field] != value
            }
            lines.append({**own[key], **changed})
        elif line != known:
            lines.append(line)
    kept = {line["key"] for line in wanted or ()} | shown.keys()
    return lines + [line for key, line in own.items() if key not in kept]


def _own(value: Any, had_pharmacy: Any, had_odoo: Any, seen: Any, stored: Any) -> Any:
    """Odoo's half of one field whose other half becomes ``value``."""
    if value is MISSING:
        first = had_odoo is MISSING and seen is MISSING
        return stored if first else had_odoo
    if seen is not MISSING and seen == value and stored is not MISSING:
        return stored
    if value == had_pharmacy and had_odoo is not MISSING:
        return had_odoo
    stands_for = stored is not MISSING and seen not in (MISSING, stored)
    return seen if stands_for else value


def _own_lines(
    value: Any, had_pharmacy: Any, had_odoo: Any, seen: Any, stored: Any
) -> Any:
    if value is MISSING:
        return _own(value, had_pharmacy, had_odoo, seen, stored)
    if had_odoo is MISSING and value == seen == stored:  # made as it was said
        return value
    had = [lines for lines in (had_pharmacy, had_odoo) if lines != value]
    has = [lines for lines in (seen, stored) if lines not in (value, MISSING)]
    if not had and not has:  # nearly always
        return value
    half, theirs, own, words, kept = (
        lines_by_key("lines", lines)
        for lines in (value, had_pharmacy, had_odoo, seen, stored)
    )
    read = stored is not MISSING
    lines = []
    for key in union(half, own, kept):
        if key in half:
            declined = key not in kept if read and key in words else False
            never = not read and key in theirs and key not in own
            if declined or (never and half[key] == theirs[key]):
                continue
            sides = [side.get(key, {}) for side in (half, theirs, own, words, kept)]
            lines.append(_own_line(*sides))
        elif read and key in kept and key not in words:
            lines.append(kept[key])  # Odoo keeps what the pharmacy removed
        elif read and key in kept and (more := _more(words[key], kept[key])):
            # It is made anew there, with what the pharmacy had of it.
            lines.append({"key": key, **more})
        elif not read and key in own and key not in theirs:
            lines.append(own[key])
    return lines


def _more(words: Record, stored: Record) -> dict[str, Any]:
    """The fields of a line of Odoo's that are worded otherwise than they are stored."""
    return {f: value for f, value in words.items() if value != stored.get(f, value)}


def _own_line(
    half: Record, theirs: Record, own: Record, words: Record, kept: Record
) -> Record:
    line = {}
    for field in union(half, own, kept):
        value = _own(*(s.get(field, MISSING) for s in (half, theirs, own, words, kept)))
        if value is not MISSING:
            line[field] = value
    return line
