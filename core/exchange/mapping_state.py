"""The protocol of one mapping as a value: what both sides are known to have, compared.

What may happen to it are the moves in :mod:`.pushing` and :mod:`.arriving`: plain
functions from one state to the next. Whoever calls them locks, loads and writes; they
know nothing of that. Records are canonical values by field; the other words are those
of :mod:`..conflict.merge` and :mod:`.pair`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from ..conflict.merge import (
    KEYED,
    FieldConflict,
    Frozen,
    Merge,
    Record,
    lines_by_key,
    three_way,
)
from ..conflict.merge_base import advance, new_base
from ..conflict.policy import Decision, Policies, Policy, Restored, resolve
from ..conflict.rules import AllFrozen, Facts
from .declined import (
    Declined,
    Keeps,
    as_asked,
    keeps_it,
    never_agreed,
    not_taken,
    still_declined,
    tried_again,
    with_halves_of,
)
from .directions import EVERY, Directions, forget
from .pair import NOTHING, Base, Held, as_it_is, in_odoo, seen

NONE: Mapping[str, Declined] = MappingProxyType({})


@dataclass(frozen=True)
class MappingState:
    """What is known of one record on both sides.

    :ivar external_id: the pharmacy's id; None while it has no such record, or none is
        known
    :ivar version: latest version seen of the pharmacy's
    :ivar base: what each side had when both last agreed
    :ivar unanswered: what was sent on top of the version and never answered: the
        pharmacy's half would be so
    :ivar uncertain: its creation was sent, and no answer to that is known
    :ivar deleted: deleted on one side; an old state does not revive it
    :ivar in_part: whether the version is known in part only: what was left out may
        have changed since it arrived
    :ivar conflict_paths: where a person has yet to decide
    :ivar declined: what a side did not take of what the other one has, by path
    :ivar epoch: how often the app had been set back when the version arrived
    :ivar app_epoch: how often it has been by now
    :ivar guarded: the open conflict is over what the app had before it was set back:
        until a person has decided, Odoo gives way to nothing by itself
    """

    external_id: str | None = None
    version: int = 0
    base: Base = NOTHING
    unanswered: tuple[Record, ...] = ()
    uncertain: bool = False
    deleted: bool = False
    in_part: bool = False
    conflict_paths: tuple[str, ...] = ()
    declined: Mapping[str, Declined] = field(default_factory=dict)
    epoch: int = 0
    app_epoch: int = 0
    guarded: bool = False

    @property
    def set_back(self) -> bool:
        """Whether the app was set back since the version arrived: versions begin anew,
        and what it has may be older than what was agreed on."""
        return bool(self.external_id) and self.epoch < self.app_epoch

    def is_low(self, version: int) -> bool:
        """Whether a version is below the known one: an old state that comes late, or
        the app was set back."""
        return 0 < version < self.version and not self.set_back

    def restored(self, touched: bool = True) -> Restored | None:
        """How the record has to be compared with one that arrives.

        :param touched: whether somebody may have changed it at the pharmacy since the
            app was set back
        """
        if self.set_back:
            asked = touched or self.conflict_paths
            return Restored.CHANGED if asked else Restored.AS_IT_WAS
        return Restored.CHANGED if self.guarded and self.conflict_paths else None

    def advanced(self, sent: Record, conflicts: Collection[str] = ()) -> Base:
        """The base once the pharmacy has what was sent.

        :param conflicts: paths that were in conflict when it was, asked or not
        """
        undecided = {*self.conflict_paths, *conflicts}
        half = advance(self.base.pharmacy, sent, undecided)
        return self.base.with_pharmacy(half)

    def forgotten(self, paths: Collection[str]) -> "MappingState":
        """The state once fields travel again: nothing was agreed on there, and what was
        sent of lines as the pharmacy had it says nothing of that."""
        if not paths:
            return self
        hoped = (forget(Base.load(each), paths).pharmacy for each in self.unanswered)
        base = forget(self.base, paths)
        return replace(self, base=base, unanswered=tuple(hoped))


UNKNOWN = MappingState()


@dataclass(frozen=True)
class Comparison:
    """A record of both sides compared with their base.

    :ivar base: in which nothing was agreed on at the paths that are declined
    :ivar words: Odoo's record in the pharmacy's words (:func:`.pair.seen`)
    :ivar merge: what follows, in those words
    :ivar settled: the pharmacy's half in which the values that lost count as seen
    :ivar decisions: what rules and policies decided
    :ivar frozen: paths of the conflicts over which Odoo must not give way by itself
    :ivar declined: of the mapping's, those that are still so: conflicts for a person
    :ivar before: the base as the mapping has it
    :ivar restored: why nothing is taken over by itself, if so
    :ivar directions: which fields travel which way
    """

    base: Base
    odoo: Record
    pharmacy: Record
    words: Record
    merge: Merge
    settled: Record
    decisions: tuple[Decision, ...] = ()
    frozen: frozenset[str] = frozenset()
    declined: Mapping[str, Declined] = field(default_factory=dict)
    before: Base = NOTHING
    restored: Restored | None = None
    directions: Directions = EVERY

    @cached_property
    def to_odoo(self) -> dict[str, Any]:
        """What to write in Odoo."""
        return in_odoo(self.merge, self.words, self.odoo)

    @property
    def to_pharmacy(self) -> dict[str, Any]:
        """What to send: of a line that the pharmacy does not have all its fields."""
        sent = dict(self.merge.to_pharmacy)
        for name in sent.keys() & KEYED:
            theirs = lines_by_key(name, self.pharmacy.get(name))
            ours = lines_by_key(name, self.odoo.get(name))
            sent[name] = [
                line if line["key"] in theirs else {**ours.get(line["key"], {}), **line}
                for line in sent[name]
            ]
        return self.directions.sent(sent, self.pharmacy)

    @property
    def to_create(self) -> dict[str, Any]:
        """What to send of a record that the pharmacy does not have."""
        return self.directions.sent(self.odoo)

    @property
    def words_after(self) -> dict[str, Any]:
        """Odoo's record in the pharmacy's words, once that is written."""
        return {**self.words, **self.merge.to_odoo}

    def agreed(self, stored: Record | None = None) -> Base:
        """The base once that is written.

        :param stored: Odoo's record as it is then; None: nothing had to be written
        """
        half = new_base(self.settled, self.words, self.pharmacy, self.merge)
        if stored is None:
            stored = self.odoo
        else:
            stored = as_asked(self.odoo, stored, self.to_odoo)
        base = self.base.with_pharmacy(half, self.words_after, stored)
        base = with_halves_of(base, self.before, self.declined)
        # This holds for lines that are new here too: they go back with what the
        # pharmacy has.
        return self.directions.as_agreed(base, stored, self.pharmacy)

    def not_taken(self, stored: Record, keeps: Keeps = keeps_it) -> dict[str, Any]:
        """What Odoo did not take of what was written there, and has instead, by path.

        :param stored: Odoo's record, read back
        """
        before = dict(self.words)
        for name in [n for n in KEYED if n in before and n in self.merge.to_odoo]:
            # In the pharmacy's words there are lines that Odoo never took up.
            own = lines_by_key(name, self.odoo.get(name))
            before[name] = [line for line in before[name] if line["key"] in own]
        found = not_taken(before, self.merge.to_odoo, stored, keeps)
        return self.directions.go_both(found)

    def refreshed(self) -> Base:
        """The base with Odoo's half as Odoo has it wherever both agree by now: from
        there on a change back is a change."""
        base = self.base.with_pharmacy(self.base.pharmacy, self.words, self.odoo)
        return with_halves_of(base, self.before, self.declined)


def compare(
    base: Base,
    odoo: Record,
    pharmacy: Record | None = None,
    *,
    held: Held = as_it_is,
    frozen: Frozen | None = None,
    declined: Mapping[str, Declined] = NONE,
    directions: Directions = EVERY,
    untried: frozenset[str] = frozenset(),
) -> Comparison:
    """Three-way comparison, before rules and policies.

    :param pharmacy: what the pharmacy has; None: what it had when both agreed
    :param declined: what a side did not take, by path
    :param directions: which fields travel which way
    :param untried: those that must not be tried again before a person has decided
    """
    if pharmacy is None:
        pharmacy = base.pharmacy
    else:
        base = base.learned(pharmacy, held)
    before = base = directions.as_agreed(base, odoo, pharmacy)
    declined = directions.go_both(declined)
    parted = _without_declined(base, odoo, pharmacy, declined, held, untried)
    base = parted.base
    words = seen(base, odoo, pharmacy, held)
    merge = three_way(base.pharmacy, words, pharmacy, frozen=frozen)
    if more := parted.held_up(merge.conflicts):
        return compare(
            before,
            odoo,
            pharmacy,
            held=held,
            frozen=frozen,
            declined=declined,
            directions=directions,
            untried=untried | more,
        )
    return Comparison(
        base,
        odoo,
        pharmacy,
        words,
        directions.new_lines_of(merge, odoo, pharmacy),
        base.pharmacy,
        declined=parted.asked,
        before=before,
        directions=directions,
    )


def decide(
    base: Base,
    odoo: Record,
    pharmacy: Record,
    policies: Policies,
    facts: Facts | None = None,
    *,
    held: Held = as_it_is,
    declined: Mapping[str, Declined] = NONE,
    restored: Restored | None = None,
    directions: Directions = EVERY,
    untried: frozenset[str] = frozenset(),
) -> Comparison:
    """The comparison in which rules and policies had their say; of what is declined
    they have none.

    :param restored: the app was set back: what it has otherwise than agreed is not
        taken over by itself, whatever rules and policies say
    :param directions: as in :func:`compare`, like ``untried``
    """
    if restored:
        asks = restored is Restored.CHANGED
        policies = Policies((), Policy.ASK if asks else Policy.ODOO)
        facts = AllFrozen()
    before = directions.as_agreed(base.learned(pharmacy, held), odoo, pharmacy)
    declined = directions.go_both(declined)
    parted = _without_declined(before, odoo, pharmacy, declined, held, untried)
    half, asked = parted.base.pharmacy, parted.asked
    words = seen(parted.base, odoo, pharmacy, held)
    found = resolve(half, words, pharmacy, policies, facts, asked=asked)
    if more := parted.held_up(found.merge.conflicts):
        return decide(
            *(before, odoo, pharmacy, policies, facts),
            held=held,
            declined=declined,
            restored=restored,
            directions=directions,
            untried=untried | more,
        )
    merge = directions.new_lines_of(found.merge, odoo, pharmacy)
    taken = tuple(replace(each, by=restored or each.by) for each in found.decisions)
    return Comparison(
        *(parted.base, odoo, pharmacy, words, merge, found.base),
        *(taken, found.frozen, asked, before, restored, directions),
    )


@dataclass(frozen=True)
class _Parted:
    """:ivar base: in which nothing was agreed on at the paths that are declined
    :ivar asked: what only a person decides of it
    :ivar again: paths that are tried again, since the other side says something new
    """

    base: Base
    asked: Mapping[str, Declined] = field(default_factory=dict)
    again: frozenset[str] = frozenset()

    def held_up(self, conflicts: Mapping[str, FieldConflict]) -> frozenset[str]:
        """Paths that should be tried again, where Odoo does not give way by itself: a
        conflict over a value that Odoo never had would say that it has it."""
        frozen = {p for p, values in conflicts.items() if values.odoo == values.base}
        return frozenset(
            path
            for path in self.again
            if any(f"{at}.".startswith(f"{path}.") for at in frozen)
        )


def _without_declined(
    base: Base,
    odoo: Record,
    pharmacy: Record,
    declined: Mapping[str, Declined],
    held: Held,
    untried: frozenset[str],
) -> _Parted:
    if not declined:
        return _Parted(base)
    still = still_declined(base, odoo, pharmacy, declined, held)
    again = frozenset(tried_again(base, odoo, pharmacy, still)) - untried
    asked = {path: still[path] for path in still if path not in again}
    unseen = [path for path in again if still[path].unseen]
    return _Parted(never_agreed(base, [*asked, *unseen]), asked, again)


def refreshed(state: MappingState, comparison: Comparison) -> MappingState:
    """The state once it was looked at: where both sides have the same by now, that is
    agreed on."""
    return replace(state, base=comparison.refreshed(), declined=comparison.declined)


def first_agreed(pharmacy: Record, stored: Record) -> Base:
    """The base of a record that was made in Odoo of what the pharmacy said: what it
    did not say is Odoo's alone."""
    return NOTHING.with_pharmacy(pharmacy, pharmacy, stored)
