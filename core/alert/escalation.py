"""The ladder of what is done about an error that keeps coming back."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from ..taxonomy import ErrorType, TextEnum

# Failures that are older do not count.
WITHIN = timedelta(hours=24)


class Rung(TextEnum):
    """What is done, in this order."""

    FIX = "fix"  # the service for automated fixes is asked
    ACTIVITY = "activity"  # a person has it on the list
    RESET = "reset"  # the connection to the app is set up anew


# Unresolved failures from which on each is done.
THRESHOLDS: Mapping[Rung, int] = {Rung.FIX: 2, Rung.ACTIVITY: 5, Rung.RESET: 10}
# Errors that speak of the app's health: a reset may help, and nothing else does.
OF_HEALTH = frozenset(
    {
        ErrorType.NETWORK_TIMEOUT,
        ErrorType.CONNECTION_REFUSED,
        ErrorType.CONNECTION_RESET,
        ErrorType.NAME_RESOLUTION_FAILED,
        ErrorType.SERVICE_UNAVAILABLE,
        ErrorType.TEMPORARY_SERVER_ERROR,
    }
)


@dataclass(frozen=True)
class Climber:
    """An error group as the ladder sees it.

    :param count: its unresolved failures :data:`WITHIN`
    :param error_type: what kind of error it is
    :param has_backend: whether it is of one backend
    :param taken: what was done about it already
    """

    count: int
    error_type: ErrorType
    has_backend: bool = True
    taken: Collection[Rung] = ()


def due(
    climber: Climber, thresholds: Mapping[Rung, int], switched_on: Collection[Rung]
) -> list[Rung]:
    """What to do now about an error group, each rung once, in order."""
    return [
        rung
        for rung in Rung
        if rung in switched_on
        and rung not in climber.taken
        and climber.count >= thresholds[rung]
        and (rung is not Rung.RESET or may_reset(climber))
    ]


def may_reset(climber: Climber) -> bool:
    """Whether setting up the connection anew could help."""
    return climber.has_backend and climber.error_type in OF_HEALTH
