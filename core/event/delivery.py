"""What follows an attempt to deliver: of an alert's notice, or of an event to a
subscriber. The table is that of all failed work: see :mod:`..retry.decision`."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from random import Random

from ..error.classification import Classification
from ..error.retry_after import RETRY_AFTER_LIMIT
from ..retry.decision import Next, Standing, next_attempt
from ..retry.policy import Jitter, RetryPolicy
from ..taxonomy import Category

# An alert: about 40 minutes, then it is given up; a critical one begins anew.
ALERT_POLICY = RetryPolicy(8, 5, 900, 3, Jitter.EQUAL)
# An event to a subscriber: ten attempts in about a day and a half.
WEBHOOK_POLICY = RetryPolicy(10, 5, 36_000, 6, Jitter.EQUAL)
GONE = 410
# Seconds that a receiver is left in peace after a failure that speaks of its health;
# each further one doubles them, up to the second.
REST, LONGEST_REST = 5.0, 300.0
# How many deliveries to one receiver are on their way at a time: a slow one leaves
# the workers to the others.
AT_ONCE = 1
# Seconds until a failed notice of a critical alert that is still open begins anew.
REPEAT = 300.0


def follows(
    failure: Classification,
    policy: RetryPolicy,
    attempts: int,
    last_delay: float | None,
    rng: Random,
    insists: bool = False,
) -> Next:
    """What follows a failed attempt.

    :param attempts: made so far, this one included
    :param insists: whatever failed may pass, but for :data:`GONE`, as Standard Webhooks
        have it
    """
    if insists and failure.http_status != GONE:
        failure = replace(
            failure, retryable=True, category=Category.EXTERNAL_DEPENDENCY
        )
    return next_attempt(failure, policy, Standing(attempts, last_delay), rng)


def rest(failure: Classification, failures: int) -> float:
    """Seconds for which nothing else is sent to the receiver either.

    :param failures: how many came before this one, in a row
    """
    if failure.retry_after:
        return min(failure.retry_after, RETRY_AFTER_LIMIT)
    if not failure.counts_for_breaker:
        return 0.0
    return min(LONGEST_REST, REST * float(2 ** min(failures, 10)))


def subscribed(event_type: str, patterns: str) -> bool:
    """Whether a type of event is among the shell patterns of a subscription, which
    commas or blanks separate."""
    return any(fnmatchcase(event_type, p) for p in split_patterns(patterns))


def split_patterns(patterns: str) -> Sequence[str]:
    return patterns.replace(",", " ").split()
