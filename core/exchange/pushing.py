"""Moves of a mapping on the way to the pharmacy: what to send, and what comes of it.

A push is planned (:func:`plan`), its intent is committed (:func:`begun`), the call is
made, and what came of it is a move from the state as it is by then: :func:`answered` or
:func:`silent`. A pull may have come between.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..conflict.merge import MISSING, Record, Side, generic_path
from ..taxonomy import TextEnum
from .declined import Declined, Keeps, keeps_it, not_taken, value_at, with_value
from .directions import EVERY, Directions
from .mapping_state import NONE, Comparison, MappingState
from .pair import NOTHING, Base, unread_paths

OK = (200, 201, 204)
# In the place of an app's status, and none that an app could answer: it was found by
# its key, read, or not sent because a person did not want it any more.
FOUND, FETCHED, CANCELLED = "found", "fetched", "cancelled"
NOT_FOUND, DUPLICATE, GONE, STALE = 404, 409, 410, 412
# Answers in a row after which a record that is always stale is no accident any more.
STALE_ATTEMPTS = 5


class Step(TextEnum):
    """What is done for a push.

    GONE, SAME: it ends, for the record is nowhere, or nothing differs. WAIT: for what
    it refers to. LATER: what differs is not essential, and the app is busy. FIND: see
    whether a record that is deleted here was ever created there. FETCH: read what the
    pharmacy never sent, or not of its latest version, before anything is sent over it.
    """

    GONE = "gone"
    SAME = "same"
    WAIT = "wait"
    LATER = "later"
    FIND = "find"
    FETCH = "fetch"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


WRITES = frozenset({Step.CREATE, Step.UPDATE, Step.DELETE})


@dataclass(frozen=True)
class Plan:
    """:ivar data: what to send.
    :ivar reduced: whether only what is essential of it is sent.
    :ivar missing: what it waits for.
    :ivar declined: paths that were declined then, and are not sent.
    :ivar directions: which fields travelled which way then.
    :ivar conflicts: paths over which the sides differed then.
    """

    step: Step
    data: Record | None = None
    reduced: bool = False
    missing: Collection[Any] = ()
    declined: Collection[str] = ()
    directions: Directions = EVERY
    conflicts: Collection[str] = ()


def is_due(state: MappingState, comparison: Comparison | None) -> bool:
    """Whether a push of the record is due.

    :param comparison: None: it is gone in Odoo
    """
    if state.deleted:
        return False
    if comparison is None:
        return bool(state.external_id or state.uncertain)
    # While a push is being sent its future base is not known yet.
    return bool(
        not state.external_id or state.unanswered or comparison.merge.to_pharmacy
    )


def plan(
    state: MappingState,
    comparison: Comparison | None,
    *,
    unmapped: Callable[[Record], Collection[Any]] = lambda data: (),
    essential: Collection[str] | None = None,
    read_at: int | None = None,
    emptied: Record | None = None,
) -> Plan:
    """What to do for a push.

    :param comparison: of Odoo's record with what is known of the pharmacy's; None: it
        is gone in Odoo
    :param unmapped: says what a record refers to that the pharmacy does not have
    :param essential: fields that an update is reduced to while the app is busy
    :param read_at: version at which the whole record was read for this push: what it
        did not contain the pharmacy does not have
    :param emptied: what is sent first in the place of values of which the pharmacy has
        only one, and which another record is about to give up
    """
    if comparison is None:
        # One whose creation was never answered is looked up first.
        there = state.external_id or state.uncertain
        if state.deleted or not there:
            return Plan(Step.GONE)
        return Plan(Step.DELETE if state.external_id else Step.FIND)
    if not state.external_id:
        found = Plan(Step.CREATE, comparison.to_create)
    else:
        found = _plan_update(state, comparison, essential, read_at, emptied or {})
    missing = unmapped(found.data) if found.data else ()
    if missing:
        return Plan(Step.WAIT, missing=missing)
    conflicts = tuple(comparison.merge.conflicts)
    return replace(found, directions=comparison.directions, conflicts=conflicts)


def _plan_update(
    state: MappingState,
    comparison: Comparison,
    essential: Collection[str] | None,
    read_at: int | None,
    emptied: Record,
) -> Plan:
    changes = comparison.to_pharmacy
    if state.deleted or not changes:
        return Plan(Step.SAME)
    if vacated := {name: emptied[name] for name in emptied if name in changes}:
        # Nothing but that: the rest follows, with the value itself.
        return Plan(Step.UPDATE, vacated, reduced=True)
    kept = set(changes) if essential is None else changes.keys() & set(essential)
    reduced = kept != changes.keys()
    if reduced:
        changes = {name: changes[name] for name in kept}
        if not changes:
            return Plan(Step.LATER)
    known = read_at is not None and read_at == state.version
    over = state.in_part or unread_paths(changes, comparison.odoo, comparison.pharmacy)
    if state.set_back or (over and not known):
        return Plan(Step.FETCH)
    return Plan(Step.UPDATE, changes, reduced, declined=tuple(comparison.declined))


def is_uncertain(state: MappingState) -> bool:
    """Whether nobody knows if the pharmacy has the record: it is looked up by its key
    before it is sent."""
    return state.uncertain and not state.external_id


def begun(state: MappingState, planned: Plan) -> MappingState:
    """The state while the call is under way: it may never be answered."""
    if planned.step is Step.CREATE:
        # If the answer is lost, this is what both sides have.
        sent_before = is_uncertain(state) and state.base.pharmacy
        base = state.base if sent_before else Base.load(planned.data)
        state = replace(state, base=base, uncertain=True)
    if planned.data is None:
        return state
    half = state.advanced(planned.data, planned.conflicts).pharmacy
    hoped = {name: half[name] for name in planned.data if name in half}
    if hoped in state.unanswered:
        return state
    return replace(state, unanswered=(*state.unanswered, hoped))


class Fate(TextEnum):
    """What came of a push that was answered.

    DONE. GONE: the pharmacy had deleted it. CANCELLED: not sent. LINKED: it was there
    already. READ: what the pharmacy never sent is known now. STALE: it has newer
    values. LOST: the app was set back since it was asked, or does not have the record
    any more: it is sent anew. REFUSED.
    """

    DONE = "done"
    GONE = "gone"
    CANCELLED = "cancelled"
    LINKED = "linked"
    READ = "read"
    STALE = "stale"
    LOST = "lost"
    REFUSED = "refused"


@dataclass(frozen=True)
class Answered:
    """:ivar arrives: the pharmacy's record, to be applied; None: nothing new.
    :ivar accepted: what the pharmacy is known to have by it
    :ivar went_back: whether it shows that the app was set back
    """

    state: MappingState
    fate: Fate
    arrives: Mapping[str, Any] | None = None
    accepted: Record | None = None
    went_back: bool = False


def answered(
    state: MappingState,
    before: MappingState,
    planned: Plan,
    answer: Mapping[str, Any],
    *,
    key: str,
    taken: bool = False,
    written: Record | None = None,
    keeps: Keeps = keeps_it,
    directions: Directions = EVERY,
) -> Answered:
    """An answer came.

    :param state: as it is now
    :param before: as it was when the push was planned
    :param answer: ``status``, and ``id``, ``version``, ``data`` of what was written, or
        ``current``: the record as the pharmacy has it; ``overwrote``: unseen values
    :param key: Odoo's key of the record
    :param taken: whether ``current`` is another mapping's counterpart
    :param written: canonical values of what was written, as the app has them now, and
        of a new record what was not sent; None: as they were sent
    :param keeps: says whether the app has all that it can hold of a value
    :param directions: which fields travel which way
    """
    status, current = answer["status"], answer.get("current")
    before = before.forgotten(planned.directions.opened(directions))
    if before.app_epoch != state.app_epoch and status != CANCELLED:
        # What the app said then holds no more.
        return Answered(state, Fate.LOST)
    if status in OK:
        return _accepted(state, before, planned, answer, written, keeps, directions)
    state = not_applied(state, before)
    if status == CANCELLED:
        uncertain = is_uncertain(before)
        return Answered(replace(state, uncertain=uncertain), Fate.CANCELLED)
    state = replace(state, uncertain=False)
    if status == FETCHED:
        return Answered(state, Fate.READ, current)
    if status == GONE:
        return Answered(state, Fate.GONE, current)
    if current and status in (FOUND, DUPLICATE) and is_ours(state, current, key, taken):
        return Answered(linked(state, current, key), Fate.LINKED, current)
    if status == STALE and current:
        went_back = not state.set_back and current["version"] < before.version
        return Answered(state, Fate.STALE, current, went_back=went_back)
    if status == NOT_FOUND and before.external_id and planned.step is not Step.CREATE:
        return _not_there(state, planned)
    return Answered(state, Fate.REFUSED)


def silent(
    state: MappingState,
    before: MappingState,
    planned: Plan,
    unknown: bool,
    directions: Directions = EVERY,
) -> MappingState:
    """No answer came.

    :param unknown: whether it may have been applied nevertheless
    :param directions: which fields travel which way
    """
    if unknown:
        return state
    before = before.forgotten(planned.directions.opened(directions))
    state = replace(state, uncertain=is_uncertain(before))
    return not_applied(state, before)


def not_applied(state: MappingState, before: MappingState) -> MappingState:
    """What was sent is not at the pharmacy. If its record has changed since, that has
    shown already what became of earlier pushes too."""
    if state.version != before.version:
        return state
    return replace(state, unanswered=before.unanswered)


def _not_there(state: MappingState, planned: Plan) -> Answered:
    """The pharmacy does not know a record that it had."""
    if planned.step is Step.DELETE:
        return Answered(replace(state, deleted=True), Fate.GONE)
    if state.set_back:
        return Answered(lost(state), Fate.LOST)
    # A record that was only read may be gone for any reason.
    went_back = planned.step is Step.UPDATE
    fate = Fate.LOST if went_back else Fate.REFUSED
    return Answered(state, fate, went_back=went_back)


def lost(state: MappingState) -> MappingState:
    """The app was set back to before it had the record, which will be made anew."""
    state = replace(nothing_agreed(state), external_id=None, version=0, in_part=False)
    return replace(state, epoch=state.app_epoch, guarded=False)


def _accepted(
    state: MappingState,
    before: MappingState,
    planned: Plan,
    answer: Mapping[str, Any],
    written: Record | None,
    keeps: Keeps,
    directions: Directions,
) -> Answered:
    version = answer.get("version") or 0
    state = replace(state, uncertain=False)
    if planned.step is Step.DELETE:
        state = replace(state, version=version, deleted=True, epoch=state.app_epoch)
        return Answered(state, Fate.DONE)
    if version < state.version:
        # A pull has read what came after it.
        return Answered(state, Fate.DONE)
    sent = planned.data or {}
    state = replace(
        state,
        external_id=answer["id"],
        version=version,
        base=state.advanced(sent, planned.conflicts),
        unanswered=(),
        # What was not sent may have changed by what was overwritten.
        in_part=bool(answer.get("overwrote")),
        epoch=state.app_epoch,
        declined={
            path: refusal
            for path, refusal in state.declined.items()
            if path in planned.declined or path not in before.declined
        },
    )
    if written is not None:
        creating = planned.step is Step.CREATE
        had = {} if creating else before.base.pharmacy
        state = _with_what_it_has(state, had, sent, written, keeps, creating)
        if creating:
            half = directions.filled_in(state.base.pharmacy, written)
            state = replace(state, base=Base(state.base.odoo, half))
        state = replace(state, declined=directions.go_both(state.declined))
    state = state.forgotten(planned.directions.opened(directions))
    accepted = {name: (written or sent).get(name, sent[name]) for name in sent}
    return Answered(state, Fate.DONE, answer.get("data") or None, accepted)


def _with_what_it_has(
    state: MappingState,
    had: Record,
    sent: Record,
    written: Record,
    keeps: Keeps,
    creating: bool,
) -> MappingState:
    """The state once the app says what it made of what was sent: that, and not a person
    there, is why it has something else."""
    written = {**sent, **written}
    half, declined = state.base.pharmacy, {**state.declined}
    for path, has in not_taken(had, sent, written, creating=creating).items():
        if path in state.conflict_paths:
            continue
        half = with_value(half, path, has)
        wanted = value_at(sent, path)
        declined.pop(path, None)
        if MISSING in (has, wanted) or not keeps(generic_path(path), wanted, has):
            declined[path] = Declined(Side.PHARMACY)
    return replace(state, base=Base(state.base.odoo, half), declined=declined)


def is_ours(state: MappingState, current: Record, key: str, taken: bool) -> bool:
    """Whether the pharmacy's record is, or may become, this mapping's counterpart."""
    if state.external_id:
        return bool(state.external_id == current["id"])
    if current.get("external_ref") == key:
        return True
    # A record of the same barcode that nobody claims is the same thing.
    return not taken and not current.get("external_ref")


def linked(state: MappingState, current: Record, key: str) -> MappingState:
    """The pharmacy had the record already."""
    if state.external_id:
        # A pull has linked it meanwhile, and may have read what came after this.
        return state
    if current.get("external_ref") != key:
        state = nothing_agreed(state)
    return replace(state, external_id=current["id"], version=0)


def nothing_agreed(state: MappingState) -> MappingState:
    """Its record was made on both sides apart: what Odoo was about to create at the
    pharmacy is nothing that both agreed on."""
    return replace(state, base=NOTHING, unanswered=(), uncertain=False, declined=NONE)


def is_stuck(attempts: int, stale: int) -> bool:
    """Whether a push meets newer values time after time, and with nothing between.

    :param attempts: those that were made, this one included
    :param stale: how many before this one in a row met newer values
    """
    return min(attempts - 1, stale) >= STALE_ATTEMPTS
