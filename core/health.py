"""How well synchronisation is, as one number that says why.

The score begins at 100 and loses points for what is wrong now. A figure takes away
its weight times its share, a number between 0 (as it should be) and 1 (as bad as it
gets):

==================  ======  ========================================================
figure              weight  share
==================  ======  ========================================================
failed calls        35      failed / all calls of the last hour
open breakers       20      breakers that are not closed / all breakers
unresolved          20      n / (n + 3): three of them take half the weight
criticals
dead letters        15      n / (n + 10): ten of them take half the weight
backlog age         10      age of the oldest waiting change / 1 hour, 1 at the most
==================  ======  ========================================================

No figure alone hides the others, more errors never raise the score, and counts weigh
less the more there are: a million errors are as bad as it gets, not an overflow. An
app that is down (calls fail, breakers open) is below 50, where an alert is due; one
record that failed is not.
"""

from collections.abc import Callable
from dataclasses import dataclass

FULL = 100
# Scores from here on are good, and fair.
GOOD, FAIR = 80, 50
# Criticals and dead letters that take half of their weight.
HALF_CRITICALS, HALF_DEAD_LETTERS = 3, 10
# Seconds from which on a backlog takes all of its weight.
OLD_BACKLOG = 3600.0


@dataclass(frozen=True)
class Vitals:
    """What the score is made of; none is below zero.

    ``calls`` and ``failed_calls`` are those of the last hour that said something of
    the app's health; ``open_breakers`` those of ``breakers`` that are not closed;
    ``backlog_age`` is in seconds.
    """

    calls: int = 0
    failed_calls: int = 0
    breakers: int = 0
    open_breakers: int = 0
    criticals: int = 0
    dead_letters: int = 0
    backlog_age: float = 0.0


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
    score = round(FULL - sum(part.lost for part in parts))
    # Rounded up to all is well, while something is not: say so.
    if score == FULL and any(part.lost for part in parts):
        score -= 1
    level = "good" if score >= GOOD else "fair" if score >= FAIR else "poor"
    parts.sort(key=lambda part: -part.lost)
    return Health(score, level, tuple(parts))


def _share(some: float, whole: float) -> float:
    return min(1.0, some / whole) if whole else 0.0


def _saturating(count: float, half: float) -> float:
    return count / (count + half)


# Name, weight (together 100), and the share that is taken of it.
FIGURES: tuple[tuple[str, int, Callable[[Vitals], float]], ...] = (
    ("failed_calls", 35, lambda v: _share(v.failed_calls, v.calls)),
    ("open_breakers", 20, lambda v: _share(v.open_breakers, v.breakers)),
    ("criticals", 20, lambda v: _saturating(v.criticals, HALF_CRITICALS)),
    ("dead_letters", 15, lambda v: _saturating(v.dead_letters, HALF_DEAD_LETTERS)),
    ("backlog_age", 10, lambda v: _share(v.backlog_age, OLD_BACKLOG)),
)
