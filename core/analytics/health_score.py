"""How well synchronisation is, as one number that says why.

The score begins at 100 and loses points for what is wrong now. A figure takes away
its weight times its share, a number between 0 (as it should be) and 1 (as bad as it
gets):

==================  ======  ========================================================
figure              weight  share
==================  ======  ========================================================
failed calls        30      failed / all calls of the last hour
open breakers       20      breakers that are not closed / all breakers
unresolved          15      n / (n + 3): three of them take half the weight
criticals
dead letters        15      n / (n + 10): ten of them take half the weight
conflicts           10      n / (n + 3): three of them take half the weight
backlog age         10      age of the oldest waiting change: up to a minute next to
                            nothing; then 0.6, and 1 after an hour
==================  ======  ========================================================

While the app does not answer the score is 40 at the most: what is missing to that is
the part *away*. The score is good from 95 on, so that no change waits for more than a
minute where it is.

No figure alone hides the others, more errors never raise the score, and counts weigh
less the more there are: a million errors are as bad as it gets, not an overflow. An
app that is down is below 50, where an alert is due; one record that failed is not.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .backend_state import LATE

FULL = 100
# Scores from here on are good, and fair.
GOOD, FAIR = 95, 50
# The most that is left while the app does not answer.
AWAY_MOST = 40
# Criticals, dead letters and conflicts that take half of their weight.
HALF_CRITICALS, HALF_DEAD_LETTERS, HALF_CONFLICTS = 3, 10, 3
# Seconds from which on a backlog takes all of its weight, and what it takes of it from
# when it is late.
OLD_BACKLOG, LATE_SHARE = 3600.0, 0.6


@dataclass(frozen=True)
class Vitals:
    """What the score is made of; none is below zero.

    ``calls`` and ``failed_calls`` are those of the last hour that said something of
    the app's health; ``open_breakers`` those of ``breakers`` that are not closed;
    ``backlog_age`` is in seconds; ``away``: the app does not answer.
    """

    calls: int = 0
    failed_calls: int = 0
    breakers: int = 0
    open_breakers: int = 0
    criticals: int = 0
    dead_letters: int = 0
    conflicts: int = 0
    backlog_age: float = 0.0
    away: bool = False


@dataclass(frozen=True)
class Part:
    """Points that one figure takes away: ``lost`` of at most ``weight``."""

    name: str
    weight: int
    lost: float


@dataclass(frozen=True)
class Health:
    """``score`` 0..100, ``level`` good, fair or poor, and the parts that explain it,
    the worst first."""

    score: int
    level: str
    parts: tuple[Part, ...]


def health(vitals: Vitals) -> Health:
    """The score of :class:`Vitals`, with why it is no better."""
    parts = [Part(name, weight, weight * of(vitals)) for name, weight, of in FIGURES]
    if vitals.away:
        left = FULL - sum(part.lost for part in parts)
        parts.append(Part("away", FULL - AWAY_MOST, max(0.0, left - AWAY_MOST)))
    score = round(FULL - sum(part.lost for part in parts))
    # Rounded up to all is well, while something is not: say so.
    if score == FULL and any(part.lost for part in parts):
        score -= 1
    level = "good" if score >= GOOD else "fair" if score >= FAIR else "poor"
    parts.sort(key=lambda part: -part.lost)
    return Health(score, level, tuple(parts))


def _share(some: float, whole: float) -> float:
    return min(1.0, some / whole) if whole else 0.0


def _late(age: float) -> float:
    if age <= LATE:
        return age / OLD_BACKLOG
    return LATE_SHARE + (1 - LATE_SHARE) * _share(age, OLD_BACKLOG)


def _saturating(count: float, half: float) -> float:
    return count / (count + half)


# Name, weight (together 100), and the share that is taken of it.
FIGURES: tuple[tuple[str, int, Callable[[Vitals], float]], ...] = (
    ("failed_calls", 30, lambda v: _share(v.failed_calls, v.calls)),
    ("open_breakers", 20, lambda v: _share(v.open_breakers, v.breakers)),
    ("criticals", 15, lambda v: _saturating(v.criticals, HALF_CRITICALS)),
    ("dead_letters", 15, lambda v: _saturating(v.dead_letters, HALF_DEAD_LETTERS)),
    ("conflicts", 10, lambda v: _saturating(v.conflicts, HALF_CONFLICTS)),
    ("backlog_age", 10, lambda v: _late(v.backlog_age)),
)
