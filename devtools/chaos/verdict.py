"""Both sides compared with the ledger: what was lost, doubled, or differs."""

from dataclasses import dataclass, field
from itertools import groupby

from .ledger import ACKNOWLEDGED, APP, EXISTS, NO, ODOO, SIDES, UNKNOWN, YES, standing

HEADINGS = (
    "attempted",
    "acknowledged",
    "unknown",
    "lost",
    "duplicated",
    "diverged",
    "stuck",
)
# What a conflict names that is about a whole record, or about whether it is there.
WHOLE, STATE = "*", "state"


@dataclass(frozen=True)
class Copy:
    """A record as one side has it.

    :ivar alive: false if it was cancelled, archived or deleted
    :ivar slots: its values as texts; empty where only a tombstone is left. The second
        line of a product is ``lines[A1]#2``
    """

    alive: bool
    slots: dict = field(default_factory=dict)


@dataclass
class Verdict:
    """What a storm has done; sentences of what was wrong."""

    attempted: int = 0
    acknowledged: int = 0
    unknown: int = 0
    lost: list = field(default_factory=list)
    duplicated: list = field(default_factory=list)
    diverged: list = field(default_factory=list)
    stuck: list = field(default_factory=list)

    def sentences(self):
        return [
            f"{word}: {text}"
            for word in ("lost", "duplicated", "diverged", "stuck")
            for text in getattr(self, word)
        ]

    def numbers(self):
        values = [getattr(self, name) for name in HEADINGS]
        return [len(v) if isinstance(v, list) else v for v in values]


def judge(writes, listings, conflicts, stuck):
    """Compare.

    :param writes: :class:`.ledger.Write` of all that was tried
    :param listings: of each side ``{record: [Copy, ...]}``
    :param conflicts: ``{record: slots}`` that an open conflict names: a person decides
    :param stuck: sentences of what is still to be done though nobody is at it
    """
    verdict = Verdict(stuck=list(stuck))
    written = {}
    for write in sorted(writes, key=_request):
        written.setdefault(write.record, {}).setdefault(write.slot, []).append(write)
    for __, values in groupby(sorted(writes, key=_request), _request):
        # One request is one write, however many values it brought.
        outcome = next(values).outcome
        verdict.attempted += 1
        verdict.acknowledged += outcome == ACKNOWLEDGED
        verdict.unknown += outcome == UNKNOWN
    records = set(written).union(*(listings[side] for side in SIDES))
    for record in sorted(records):
        copies = {side: listings[side].get(record, []) for side in SIDES}
        named = conflicts.get(record, ())
        _judge_record(verdict, record, written.get(record, {}), copies, named)
    return verdict


def _request(write):
    return write.began, write.ended, write.side, write.record, write.outcome


def _judge_record(verdict, record, written, copies, named):
    name = " ".join(record)
    for side, found in copies.items():
        if len(found) > 1:
            verdict.duplicated.append(f"{name} is {len(found)} times in {side}")
        for copy in found:
            verdict.duplicated += [
                f"{name}: {slot} in {side}" for slot in copy.slots if "#" in slot
            ]
    if any(len(found) > 1 for found in copies.values()):
        return
    alive = [side for side in SIDES if any(copy.alive for copy in copies[side])]
    if not {WHOLE, STATE} & set(named):
        _judge_presence(verdict, name, written.get(EXISTS, []), alive)
    odoo, app = ({}, {})
    if copies[ODOO] and copies[APP]:
        odoo, app = copies[ODOO][0].slots, copies[APP][0].slots
    if odoo and app and WHOLE not in named:
        for slot in sorted({*odoo, *app, *written} - {EXISTS, *named}):
            values = odoo.get(slot), app.get(slot)
            _judge_slot(verdict, f"{name}: {slot}", written.get(slot, []), *values)


def _judge_presence(verdict, name, writes, alive):
    may = standing(writes) or {YES, NO}
    if len(alive) == 1:
        verdict.diverged.append(f"{name} is only in {alive[0]}; it {_words(may)}")
    elif may == {YES} and not alive:
        verdict.lost.append(f"{name} is nowhere, and nobody removed it")
    elif may == {NO} and alive:
        verdict.lost.append(f"{name} was removed, and is there")


def _words(may):
    return {
        frozenset({YES}): "was made",
        frozenset({NO}): "was removed",
    }.get(frozenset(may), "may have been removed, or never made")


def _judge_slot(verdict, name, writes, odoo, app):
    may = standing(writes)
    if may and not may & {odoo, app}:
        verdict.lost.append(
            f"{name} must be {' or '.join(sorted(may))}; it is {odoo} in odoo, {app} "
            "in app"
        )
    elif odoo != app:
        verdict.diverged.append(f"{name} is {odoo} in odoo, {app} in app")


def table(rows):
    """A table as text: headings, then rows of numbers."""
    lines = [[str(value) for value in row] for row in rows]
    widths = [max(map(len, column)) + 2 for column in zip(*lines, strict=True)]
    return "\n".join(
        "".join(value.rjust(width) for value, width in zip(line, widths, strict=True))
        for line in lines
    )
