"""How synchronisation with one pharmacy, or one stream of it, stands: one state, and
the sentence for it.

Whatever shows how things stand (overview, bar at the top, backend, stream, record)
shows what these rules say, so that no two places contradict each other. What waits for
the app and what needs a person are kept apart: the first goes on by itself.

Sentences are templates that the code which shows them translates and fills in; their
names are those of :class:`Facts`, with ``since``, ``next`` and ``age`` written as the
reader writes times.
"""

from dataclasses import dataclass

from ..taxonomy import TextEnum
from ..texts import _lt

# Seconds from which on a change that was not delivered is late.
LATE = 60.0
# Calls in a row that fail when the app does not answer; one may be a chance.
SILENT_CALLS = 2


class State(TextEnum):
    """The worst of what is so now."""

    OFF = "off"  # nothing is exchanged
    REFUSED = "refused"  # the app does not accept Odoo's key
    AWAY = "away"  # no call is answered
    TROUBLED = "troubled"  # some calls are, and a breaker is not closed
    PAUSED = "paused"  # by a person
    UNREAD = "unread"  # what the app has cannot be read
    NEEDS_PERSON = "needs_person"
    LATE = "late"
    CATCHING_UP = "catching_up"
    DIFFERS = "differs"
    IN_SYNC = "in_sync"


LEVELS = {
    State.OFF: "info",
    State.REFUSED: "danger",
    State.AWAY: "danger",
    State.TROUBLED: "warning",
    State.PAUSED: "warning",
    State.UNREAD: "danger",
    State.NEEDS_PERSON: "warning",
    State.LATE: "warning",
    State.CATCHING_UP: "info",
    State.DIFFERS: "info",
    State.IN_SYNC: "success",
}
# States in which nothing is sent.
HALTED = (State.REFUSED, State.AWAY, State.TROUBLED, State.PAUSED)


@dataclass(frozen=True)
class Facts:
    """What is counted of one pharmacy, or of one stream: then ``silent`` and ``held``
    are its pharmacy's.

    :ivar off: whether nothing is exchanged
    :ivar unread: whether the app's changes cannot be read
    :ivar silent: calls that failed since the last one that was answered
    :ivar held: whether one of its breakers lets nothing through, or only probes
    :ivar waiting: changes that are not delivered and need no person
    :ivar oldest: seconds that the oldest of them has waited
    :ivar failed: changes that need a person
    :ivar mends: whether the reader is one who may mend them
    :ivar differs: records with a difference that both sides know of
    """

    off: bool = False
    paused: bool = False
    unread: bool = False
    refused: bool = False
    silent: int = 0
    held: bool = False
    waiting: int = 0
    oldest: float = 0.0
    conflicts: int = 0
    failed: int = 0
    differs: int = 0
    mends: bool = True

    @property
    def away(self) -> bool:
        """Whether the app does not answer."""
        return self.silent >= SILENT_CALLS or (self.held and self.silent > 0)


@dataclass(frozen=True)
class Standing:
    """The state, and the templates of what is said of it, in order."""

    state: State
    sentences: tuple[str, ...]

    @property
    def level(self) -> str:
        """How bad it is: success, info, warning, danger."""
        return LEVELS[self.state]


def stand(facts: Facts) -> Standing:
    """How things stand, by :class:`Facts`."""
    state = _state(facts)
    sentences = [*_road(state, facts), *_person(facts)]
    if state is State.AWAY and not facts.conflicts and not _own_failed(facts):
        sentences.append(_lt("You need to do nothing."))
    return Standing(state, tuple(sentences))


def _needs(facts: Facts) -> bool:
    return bool(facts.conflicts or facts.failed)


def _own_failed(facts: Facts) -> int:
    """Failed changes that the reader may mend."""
    return facts.failed if facts.mends else 0


def _state(facts: Facts) -> State:
    rows = (
        (facts.off, State.OFF),
        (facts.refused, State.REFUSED),
        (facts.paused, State.PAUSED),
        (facts.away, State.AWAY),
        (facts.held, State.TROUBLED),
        (facts.unread, State.UNREAD),
        (_needs(facts), State.NEEDS_PERSON),
        (facts.waiting and facts.oldest > LATE, State.LATE),
        (facts.waiting, State.CATCHING_UP),
        (facts.differs, State.DIFFERS),
    )
    return next((state for holds, state in rows if holds), State.IN_SYNC)


def _road(state: State, facts: Facts) -> list[str]:
    """What is said of the way between both sides."""
    said = {
        State.OFF: _lt("Off: nothing is exchanged."),
        State.UNREAD: _lt("The pharmacy's changes cannot be read now."),
        State.REFUSED: _lt("Refuses Odoo's key since %(since)s: a new one is needed."),
        State.PAUSED: _lt("Paused since %(since)s."),
        State.AWAY: _lt("Does not answer since %(since)s."),
        State.TROUBLED: _lt("Some calls fail since %(since)s."),
        State.IN_SYNC: _lt("In sync."),
    }.get(state)
    sentences = [said] if said else []
    if facts.waiting and state is not State.OFF:
        sentences.append(_waiting(state, facts))
    elif state in HALTED and state is not State.PAUSED:
        sentences.append(_lt("No change waits."))
    if state in (State.AWAY, State.TROUBLED):
        sentences.append(_lt("Next try: %(next)s."))
    if state is State.DIFFERS:
        sentences.append(
            _lt("In sync, but for 1 record with a known difference.")
            if facts.differs == 1
            else _lt("In sync, but for %(differs)s records with a known difference.")
        )
    return sentences


def _waiting(state: State, facts: Facts) -> str:
    one = facts.waiting == 1
    if state in (State.REFUSED, State.PAUSED):
        if one:
            return _lt("1 change is kept until then.")
        return _lt("%(waiting)s changes are kept until then.")
    if state in HALTED:
        if one:
            return _lt("1 change is kept and goes out by itself.")
        return _lt("%(waiting)s changes are kept and go out by themselves.")
    if one:
        return _lt("Catching up: 1 change, for %(age)s.")
    return _lt("Catching up: %(waiting)s changes, the oldest for %(age)s.")


def _person(facts: Facts) -> list[str]:
    """What needs the reader, and what another; nothing if nothing does."""
    own = _own_failed(facts)
    said = _PERSON.get((min(facts.conflicts, 2), min(own, 2)))
    others = _OTHERS.get(min(facts.failed - own, 2))
    return [text for text in (said, others) if text]


# By how many decisions and failed changes there are: none, one, several.
_PERSON = {
    (0, 1): _lt("1 failed change needs you."),
    (0, 2): _lt("%(failed)s failed changes need you."),
    (1, 0): _lt("1 decision needs you."),
    (1, 1): _lt("1 decision and 1 failed change need you."),
    (1, 2): _lt("1 decision and %(failed)s failed changes need you."),
    (2, 0): _lt("%(conflicts)s decisions need you."),
    (2, 1): _lt("%(conflicts)s decisions and 1 failed change need you."),
    (2, 2): _lt("%(conflicts)s decisions and %(failed)s failed changes need you."),
}

# By how many failed changes there are for those who may mend them: one, several.
_OTHERS = {
    1: _lt("1 failed change waits for an operator."),
    2: _lt("%(failed)s failed changes wait for an operator."),
}


def record_sentence(record: str, pharmacy: State) -> str:
    """What is said of one record.

    :param record: state of its mapping: synced, pending, differs, conflict or dead
    :param pharmacy: state of its pharmacy, which ``%(pharmacy)s`` names
    """
    if record == "pending":
        return _KEPT.get(
            pharmacy, _lt("The last change is on its way to %(pharmacy)s.")
        )
    return _RECORD[record]


_KEPT = {
    State.REFUSED: _lt("Kept until %(pharmacy)s accepts Odoo's key, then sent."),
    State.PAUSED: _lt("Kept while %(pharmacy)s is paused, then sent."),
    State.AWAY: _lt("Kept until %(pharmacy)s answers, then sent by itself."),
    State.TROUBLED: _lt("Kept until %(pharmacy)s answers, then sent by itself."),
}
_RECORD = {
    "synced": _lt("In sync with %(pharmacy)s."),
    "differs": _lt("In sync with %(pharmacy)s, but for a known difference."),
    "conflict": _lt(
        "Odoo and %(pharmacy)s have different values here: decide which to keep."
    ),
    "dead": _lt(
        "The last change between Odoo and %(pharmacy)s failed: it needs a person."
    ),
}
