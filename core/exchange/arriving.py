"""Moves of a mapping on the way to Odoo: what an arriving record of the pharmacy comes
to, by whichever road it came."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..conflict.merge import KEYED, MISSING, Record, lines_by_key
from ..conflict.merge_base import confirm
from ..taxonomy import TextEnum
from .declined import Declined
from .directions import EVERY, Directions
from .mapping_state import NONE, Comparison, MappingState, first_agreed
from .pair import Base

# Kinds of JSON that a canonical value, kept as a text, never is.
_NUMBERS = {int, float}


class Move(TextEnum):
    """What an arriving record is for Odoo.

    NEW: it is created, or linked with one that is plainly the same. TOMBSTONE: it was
    deleted before Odoo heard of it. UNCHANGED: it says nothing that was not agreed on
    already. DELETED: the pharmacy deleted it. MERGE: it is compared. AGAIN: it was
    deleted, and is there again since the app was set back: it is deleted again.
    """

    NEW = "new"
    TOMBSTONE = "tombstone"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    MERGE = "merge"
    AGAIN = "again"


@dataclass(frozen=True)
class Received:
    """:ivar data: what the record says, as far as it is news.
    :ivar revived: whether the pharmacy took a deletion back.
    """

    move: Move
    state: MappingState
    data: Record
    revived: bool = False


def part_agreed(half: Record, said: Record) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of a record is what the pharmacy's half has, letter for letter, and the
    rest: the former was checked and read when it was agreed on.

    :param said: its values as they came; a number is no flag although Python takes 1
        for True
    :return: both by field; the former has the very values of the half
    """
    agreed, rest = {}, {}
    for name, value in said.items():
        known = half.get(name, MISSING)
        if known == value and not _has_numbers(name, value):
            agreed[name] = known
        else:
            rest[name] = value
    return agreed, rest


def _has_numbers(name: str, value: Any) -> bool:
    if name not in KEYED:
        return type(value) in _NUMBERS
    return any(not _NUMBERS.isdisjoint(map(type, line.values())) for line in value)


def received(
    state: MappingState | None,
    version: int,
    data: Record,
    *,
    deleted: bool = False,
    in_conflict: bool = False,
) -> Received:
    """A record arrived.

    :param state: None: it has no mapping
    :param data: its canonical values, as far as it has them
    :param in_conflict: whether a person is asked about it
    """
    if state is None:
        known = MappingState(version=version, deleted=deleted)
        return Received(Move.TOMBSTONE if deleted else Move.NEW, known, data)
    if deleted:
        return Received(Move.UNCHANGED if state.deleted else Move.DELETED, state, data)
    if state.set_back and state.deleted:
        return Received(Move.AGAIN, replace(state, deleted=False), data)
    if state.deleted and version <= state.version:
        return Received(Move.UNCHANGED, state, data)
    # A later version that lives: it was taken back there.
    revived = state.deleted
    if revived:
        state = replace(state, deleted=False)
    half = state.base.pharmacy
    if half and state.is_low(version):
        # What a newer version left out is known of an older one, or not at all.
        # In a conflict a newer one has said already what is not agreed on.
        known_then = data if in_conflict else half
        news = {n: value for n, value in data.items() if n not in known_then}
        return Received(Move.MERGE if news else Move.UNCHANGED, state, news, revived)
    same = all(name in half and half[name] == value for name, value in data.items())
    asked = in_conflict or state.declined
    if same and not asked and not state.unanswered:
        state = _at_version(state, data, version)
        return Received(Move.UNCHANGED, state, data, revived)
    return Received(Move.MERGE, state, data, revived)


def _at_version(state: MappingState, data: Record, version: int) -> MappingState:
    """The state once the record arrived at a version. One that arrives in part is
    known in part: what it leaves out belongs to another version."""
    if state.set_back:
        part = leaves_out(state.base.pharmacy, data)
        return _with_version(replace(state, in_part=part), version)
    if version and version < state.version:
        return replace(state, in_part=True)
    whole = not leaves_out(state.base.pharmacy, data)
    if not version or version > state.version:
        return replace(state, version=max(version, state.version), in_part=not whole)
    return replace(state, in_part=state.in_part and not whole)


def _with_version(state: MappingState, version: int) -> MappingState:
    """The state at a version that just arrived: the latest one, but that an app that
    was set back begins anew."""
    if not state.set_back:
        version = max(version, state.version)
    return replace(state, version=version, epoch=state.app_epoch)


def leaves_out(half: Record, data: Record) -> bool:
    """Whether a record lacks something that the pharmacy sent before."""
    if not half.keys() <= data.keys():
        return True
    for name in data.keys() & KEYED:
        if data[name] is half.get(name):  # nearly always
            continue
        had = lines_by_key(name, half.get(name))
        for key, line in lines_by_key(name, data[name]).items():
            if not had.get(key, {}).keys() <= line.keys():
                return True
    return False


def known_by_key(state: MappingState, external_id: str) -> MappingState:
    """The record carries Odoo's key: its creation, never answered, had arrived."""
    return replace(state, external_id=external_id, uncertain=False)


def confirmed(
    state: MappingState,
    data: Record,
    version: int,
    directions: Directions = EVERY,
) -> MappingState:
    """The record shows what became of pushes that were not answered."""
    if not _says_more(state, version):
        return state
    base = state.base
    again = state.in_part or state.set_back or version > state.version + 1
    for hoped in state.unanswered:
        half = confirm(base.pharmacy, hoped, data, again=again)
        base = base.with_pharmacy(half)
        if not state.version and not again:
            # It was created by that: what was not sent the app filled in.
            base = Base(base.odoo, directions.filled_in(base.pharmacy, data))
    return state if base is state.base else replace(state, base=base)


def as_known(state: MappingState, known: Record | None, data: Record) -> dict[str, Any]:
    """The pharmacy's record as it is by now, as far as it is known.

    :param known: of an open conflict, what the pharmacy was seen to have
    """
    known = {**state.base.pharmacy, **(known or {})}
    record = {**known, **data}
    for name in KEYED:
        if name not in data or name not in known or data[name] is known[name]:
            continue
        had = lines_by_key(name, known[name])
        record[name] = [
            {**had.get(line["key"], {}), **line} for line in data[name] or ()
        ]
    return record


def merged(
    state: MappingState,
    comparison: Comparison,
    stored: Record | None,
    data: Record,
    version: int,
    refused: Mapping[str, Declined] = NONE,
) -> MappingState:
    """What the comparison brings has been written in Odoo.

    :param data: what the pharmacy sent
    :param stored: Odoo's record, read back; None: nothing had to be written
    :param refused: what Odoo did not take of it
    """
    unanswered = state.unanswered
    if _says_more(state, version) and not leaves_out(state.base.pharmacy, data):
        unanswered = ()
    guarded = bool(state.restored() and comparison.merge.conflicts)
    state = _at_version(state, data, version)
    known = {"unanswered": unanswered, "uncertain": False, "guarded": guarded}
    return written(state, comparison, stored, refused, **known)


def written(
    state: MappingState,
    comparison: Comparison,
    stored: Record | None,
    refused: Mapping[str, Declined] = NONE,
    **known: Any,
) -> MappingState:
    """What a comparison brings has been written in Odoo, whoever decided it; the
    parameters are those of :func:`merged`.

    :param known: what else the state says from now on
    """
    declined = {**comparison.declined, **refused}
    return replace(state, base=comparison.agreed(stored), declined=declined, **known)


def _says_more(state: MappingState, version: int) -> bool:
    if state.set_back:
        return True
    return version > state.version or (state.in_part and version == state.version)


def gone(state: MappingState, data: Record, version: int) -> MappingState:
    """A record that is deleted in Odoo arrived, perhaps before the pharmacy was known
    to have it: that deletion is yet to be sent."""
    half = {**state.base.pharmacy, **data}
    base = Base({**state.base.odoo, **data}, half)
    return _with_version(replace(state, base=base), version)


def deleted(state: MappingState, changed: Record, version: int) -> MappingState:
    """The pharmacy deleted the record.

    :param changed: what the deletion changed in Odoo, which is not sent back
    """
    base = state.base
    base = Base({**base.odoo, **changed}, {**base.pharmacy, **changed})
    state = replace(state, base=base, deleted=True, conflict_paths=(), declined=NONE)
    return _with_version(state, version)


def created(
    state: MappingState,
    data: Record,
    stored: Record,
    version: int,
    refused: Mapping[str, Declined] = NONE,
) -> MappingState:
    """The record has been made in Odoo.

    :param refused: what Odoo did not take of ``data``
    """
    base = first_agreed(data, stored)
    state = replace(state, base=base, version=version, declined=refused)
    return replace(state, epoch=state.app_epoch)
