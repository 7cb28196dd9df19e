"""How many retries a backend may cause: retries must not become the outage.

After the retry budget of Finagle and of Google's *Site Reliability Engineering*
(chapter 21): a share of the first attempts, with a floor for quiet times.
"""

from dataclasses import dataclass
from math import floor


@dataclass(frozen=True)
class RetryBudget:
    """Per backend.

    :param ratio: retries per first attempt.
    :param window: seconds over which both are counted.
    :param floor_per_minute: retries per minute that are always allowed.
    """

    ratio: float = 0.1
    window: float = 300.0
    floor_per_minute: float = 10.0

    @property
    def minimum(self) -> float:
        """Retries per window that are always allowed."""
        return self.floor_per_minute * self.window / 60


DEFAULT_BUDGET = RetryBudget()


def spare(
    first_attempts: int, retries: int, budget: RetryBudget = DEFAULT_BUDGET
) -> int:
    """How many retries more are allowed now.

    allowed = max(ratio * first attempts, floor per minute * window / 60).

    :param first_attempts: counted over the last ``budget.window`` seconds.
    :param retries: counted over the same time.
    """
    # Ten per cent of 30 is 3, not 2.9999.
    allowed = floor(max(budget.ratio * first_attempts, budget.minimum) + 1e-9)
    return max(0, allowed - retries)
