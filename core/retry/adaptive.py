"""Retry policies that follow how things have been going lately."""

from collections.abc import Sequence
from dataclasses import replace

from .policy import RetryPolicy

WINDOW = 100  # outcomes
MINIMUM = 10
GOOD, BAD = 0.9, 0.5  # shares of success
FEWEST_ATTEMPTS, MOST_ATTEMPTS = 2, 10
MOST_EXTRA = 2
GREATEST_FACTOR = 3.0


def adapt(
    policy: RetryPolicy, outcomes: Sequence[bool], *, spare_retries: int = 0
) -> RetryPolicy:
    """The policy for now; the given one, as configured, is never changed by it twice.

    Over the last 100 outcomes, if there are 10: above 90 % success one attempt less
    (not below 2) and base * 0.8. Below 50 %: base * 1.5 (up to the cap), factor + 0.5
    (up to 3), and up to 2 attempts more (up to 10), but no more than the retry budget
    can spare, and none when nothing succeeds at all. Limits never tighten what the
    configured policy has set beyond them.

    :param outcomes: of one kind of operation on one resource, oldest first.
    :param spare_retries: what the backend's retry budget has left; see ``budget``.
    """
    recent = outcomes[-WINDOW:]
    if len(recent) < MINIMUM:
        return policy
    success = sum(recent) / len(recent)
    if success > GOOD:
        fewer = max(policy.max_attempts - 1, FEWEST_ATTEMPTS)
        return replace(
            policy,
            max_attempts=min(policy.max_attempts, fewer),
            base=policy.base * 0.8,
        )
    if success < BAD:
        extra = min(MOST_EXTRA, max(0, spare_retries)) if success else 0
        more = min(policy.max_attempts + extra, MOST_ATTEMPTS)
        return replace(
            policy,
            max_attempts=max(policy.max_attempts, more),
            base=min(policy.base * 1.5, policy.cap),
            factor=max(policy.factor, min(policy.factor + 0.5, GREATEST_FACTOR)),
        )
    return policy
