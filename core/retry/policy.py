"""How long to wait before the next attempt.

Formulas and defaults: exponential backoff with a cap; the jitters "full", "equal" and
"decorrelated" after the AWS Architecture Blog, *Exponential Backoff And Jitter* (2015).
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from ..error.retry_after import RETRY_AFTER_LIMIT
from ..taxonomy import ErrorType, TextEnum

# Until then what failed is tried again.
TOTAL_DEADLINE = timedelta(hours=24)
# Seconds until it is asked again whether what a record refers to is there.
DEPENDENCY_WAIT = 30


class Jitter(TextEnum):
    """How a delay is spread so that many do not come back at once."""

    NONE = "none"
    FULL = "full"
    EQUAL = "equal"
    DECORRELATED = "decorrelated"


@dataclass(frozen=True)
class RetryPolicy:
    """Numbers of one error type.

    :param max_attempts: including the first.
    :param base: seconds before the second attempt.
    :param cap: seconds that no delay exceeds.
    :param factor: by which each delay exceeds the one before it.
    :raise ValueError: the numbers make no policy.
    """

    max_attempts: int = 3
    base: float = 1.0
    cap: float = 10.0
    factor: float = 2.0
    jitter: Jitter = Jitter.FULL

    def __post_init__(self) -> None:
        object.__setattr__(self, "jitter", Jitter(self.jitter))
        if self.max_attempts < 1:
            raise ValueError("A policy has at least one attempt.")
        if not 0 < self.base <= self.cap or not math.isfinite(self.cap):
            raise ValueError("A policy needs 0 < base <= cap.")
        if not 1 <= self.factor < float("inf"):
            raise ValueError("The factor of a policy is at least 1.")


DEFAULT_POLICY = RetryPolicy(3, 1, 10, 2, Jitter.FULL)
DEFAULT_POLICIES: Mapping[str, RetryPolicy] = MappingProxyType(
    {
        "default": DEFAULT_POLICY,
        ErrorType.NETWORK_TIMEOUT.value: RetryPolicy(5, 1, 30, 2, Jitter.EQUAL),
        ErrorType.CONNECTION_REFUSED.value: RetryPolicy(3, 2, 10, 2, Jitter.FULL),
        ErrorType.RATE_LIMIT_EXCEEDED.value: RetryPolicy(
            10, 5, 60, 1.5, Jitter.DECORRELATED
        ),
        ErrorType.SERVICE_UNAVAILABLE.value: RetryPolicy(7, 3, 45, 2, Jitter.EQUAL),
    }
)


def delay(
    policy: RetryPolicy,
    n: int,
    rng: random.Random,
    previous: float | None = None,
    retry_after: float | None = None,
) -> float:
    """Seconds to wait the n-th time (n = 1 after the first attempt).

    With d = min(cap, base * factor ** (n - 1)): none d; full U(0, d);
    equal d/2 + U(0, d/2); decorrelated min(cap, U(base, 3 * previous)).

    :param rng: source of U.
    :param previous: the delay before this one; ``base`` if there was none. Only the
        decorrelated jitter remembers.
    :param retry_after: seconds the other side asked for: the delay is at least that,
        bounded by ``RETRY_AFTER_LIMIT``, even above the cap.
    """
    if n < 1:
        raise ValueError("The first wait is number 1.")
    jittered = _JITTERS[policy.jitter](policy, n, rng, previous)
    asked = min(retry_after or 0.0, RETRY_AFTER_LIMIT)
    return max(jittered, asked)


def exponential(policy: RetryPolicy, n: int) -> float:
    """min(cap, base * factor ** (n - 1)), for any n."""
    try:
        return min(policy.cap, policy.base * policy.factor ** (n - 1))
    except OverflowError:
        return policy.cap


def _none(
    policy: RetryPolicy, n: int, rng: random.Random, previous: float | None
) -> float:
    return exponential(policy, n)


def _full(
    policy: RetryPolicy, n: int, rng: random.Random, previous: float | None
) -> float:
    return rng.uniform(0, exponential(policy, n))


def _equal(
    policy: RetryPolicy, n: int, rng: random.Random, previous: float | None
) -> float:
    half = exponential(policy, n) / 2
    return half + rng.uniform(0, half)


def _decorrelated(
    policy: RetryPolicy, n: int, rng: random.Random, previous: float | None
) -> float:
    # What the other side asked for may have lifted the delay before above the cap.
    last = min(max(previous or 0.0, policy.base), policy.cap)
    return min(policy.cap, rng.uniform(policy.base, 3 * last))


_JITTERS = {
    Jitter.NONE: _none,
    Jitter.FULL: _full,
    Jitter.EQUAL: _equal,
    Jitter.DECORRELATED: _decorrelated,
}
