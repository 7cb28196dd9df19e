"""The protocol of one mapping as a value: what both sides are known to have, compared.

What may happen to it are the moves in :mod:`.pushing` and :mod:`.arriving`: plain
functions from one state to the next. Whoever calls them locks, loads and writes; they
know nothing of that. Records are canonical values by field; the other words are those
of :mod:`.merge` and :mod:`.pair`.
"""

from dataclasses import dataclass, replace
from typing import Any

from .conflict_rules import AllFrozen, Facts
from .merge import KEYED, Frozen, Merge, Record, lines_by_key, three_way
from .merge_base import advance, new_base
from .pair import NOTHING, Base, Held, as_it_is, in_odoo, seen
from .policy import Decision, Policies, Policy, Restored, resolve


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
    :ivar in_part: whether the version was told in part only: what was left out may
        have changed since it was told
    :ivar conflict_paths: where a person has yet to decide
    :ivar epoch: how often the app had been set back when the version was told
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
    epoch: int = 0
    app_epoch: int = 0
    guarded: bool = False

    @property
    def set_back(self) -> bool:
        """Whether the app was set back since the version was told: versions begin anew,
        and what it has may be older than what was agreed on."""
        return bool(self.external_id) and self.epoch < self.app_epoch

    def restored(self, touched: bool = True) -> Restored | None:
        """How the record has to be compared with one that arrives.

        :param touched: whether somebody may have changed it at the pharmacy since the
            app was set back
        """
        if self.set_back:
            asked = touched or self.conflict_paths
            return Restored.CHANGED if asked else Restored.AS_IT_WAS
        return Restored.CHANGED if self.guarded and self.conflict_paths else None

    def advanced(self, sent: Record) -> Base:
        """The base once the pharmacy has what was sent."""
        half = advance(self.base.pharmacy, sent, self.conflict_paths)
        return self.base.with_pharmacy(half)


UNKNOWN = MappingState()


@dataclass(frozen=True)
class Comparison:
    """A record of both sides compared with their base.

    :ivar words: Odoo's record in the pharmacy's words (:func:`.pair.seen`)
    :ivar merge: what follows, in those words
    :ivar settled: the pharmacy's half in which the values that lost count as seen
    :ivar decisions: what rules and policies decided
    :ivar frozen: paths of the conflicts over which Odoo must not give way by itself
    :ivar restored: why nothing is taken over by itself, if so
    """

    base: Base
    odoo: Record
    pharmacy: Record
    words: Record
    merge: Merge
    settled: Record
    decisions: tuple[Decision, ...] = ()
    frozen: frozenset[str] = frozenset()
    restored: Restored | None = None

    @property
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
        return sent

    @property
    def words_after(self) -> dict[str, Any]:
        """Odoo's record in the pharmacy's words, once that is written."""
        return {**self.words, **self.merge.to_odoo}

    def agreed(self, stored: Record | None = None) -> Base:
        """The base once that is written.

        :param stored: Odoo's record as it is then; None: nothing was to be written
        """
        half = new_base(self.settled, self.words, self.pharmacy, self.merge)
        stored = self.odoo if stored is None else stored
        return self.base.with_pharmacy(half, self.words_after, stored)

    def refreshed(self) -> Base:
        """The base with Odoo's half as Odoo has it wherever both agree by now: from
        there on a change back is a change."""
        return self.base.with_pharmacy(self.base.pharmacy, self.words, self.odoo)


def compare(
    base: Base,
    odoo: Record,
    pharmacy: Record | None = None,
    *,
    held: Held = as_it_is,
    frozen: Frozen | None = None,
) -> Comparison:
    """Three-way comparison, before rules and policies.

    :param pharmacy: what the pharmacy has; None: what it had when both agreed
    """
    if pharmacy is None:
        pharmacy = base.pharmacy
    else:
        base = base.learned(pharmacy, held)
    words = seen(base, odoo, pharmacy, held)
    merge = three_way(base.pharmacy, words, pharmacy, frozen=frozen)
    return Comparison(base, odoo, pharmacy, words, merge, base.pharmacy)


def decide(
    base: Base,
    odoo: Record,
    pharmacy: Record,
    policies: Policies,
    facts: Facts | None = None,
    *,
    held: Held = as_it_is,
    restored: Restored | None = None,
) -> Comparison:
    """The comparison in which rules and policies had their say.

    :param restored: the app was set back: what it has otherwise than agreed is not
        taken over by itself, whatever rules and policies say
    """
    if restored:
        asks = restored is Restored.CHANGED
        policies = Policies((), Policy.ASK if asks else Policy.ODOO)
        facts = AllFrozen()
    base = base.learned(pharmacy, held)
    words = seen(base, odoo, pharmacy, held)
    found = resolve(base.pharmacy, words, pharmacy, policies, facts)
    return Comparison(
        base,
        odoo,
        pharmacy,
        words,
        found.merge,
        found.base,
        tuple(replace(each, by=restored or each.by) for each in found.decisions),
        found.frozen,
        restored,
    )


def first_agreed(pharmacy: Record, stored: Record) -> Base:
    """The base of a record that was made in Odoo of what the pharmacy said: what it
    did not say is Odoo's alone."""
    return NOTHING.with_pharmacy(pharmacy, pharmacy, stored)
