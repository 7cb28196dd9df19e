"""What is done about a failed attempt: one table, read from the top."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ..error.classification import Classification
from ..taxonomy import Category, Severity, TextEnum
from ..texts import _lt
from .policy import RetryPolicy, delay


class Verdict(TextEnum):
    """What becomes of the operation. Nothing is ever dropped."""

    RETRY = "retry"  # at the time of the policy
    PARK = "park"  # wait for leave to go on; costs no attempt
    DEAD = "dead"  # dead letter: a person decides


@dataclass(frozen=True)
class Decision:
    """A verdict, and what goes with it. ``reason`` is a sentence for the record."""

    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class _Situation:
    failure: Classification
    attempts_left: int
    breaker_open: bool
    budget_left: bool
    deadline_left: bool

    @property
    def corrupt(self) -> bool:
        return self.failure.category is Category.DATA_CORRUPTION

    @property
    def urgent(self) -> bool:
        return (
            self.failure.severity is Severity.CRITICAL
            or self.failure.category is Category.SECURITY
        )

    @property
    def worth_retrying(self) -> bool:
        return self.failure.retryable and self.attempts_left > 0 and self.deadline_left


_MAY_SUCCEED = _lt("It may succeed later.")
_USED_UP = _lt("All attempts failed.")
_AWAY = _lt("The pharmacy app does not answer: it goes on by itself once it does.")
# How often work is tried anew whose attempts the app's absence has used up.
REVIVALS = 3

_Row = tuple[Callable[[_Situation], bool], Verdict, str]

TABLE: tuple[_Row, ...] = (
    (lambda s: s.corrupt, Verdict.DEAD, _lt("The data is corrupt.")),
    (
        lambda s: s.urgent and not s.failure.retryable,
        Verdict.DEAD,
        _lt("Critical: a retry alone will not help."),
    ),
    (
        lambda s: s.worth_retrying and s.breaker_open,
        Verdict.PARK,
        _lt("The connection is interrupted."),
    ),
    (
        lambda s: s.worth_retrying and not s.budget_left,
        Verdict.PARK,
        _lt("The backend's retry budget is used up."),
    ),
    (lambda s: s.worth_retrying, Verdict.RETRY, _MAY_SUCCEED),
    (
        lambda s: not s.failure.retryable,
        Verdict.DEAD,
        _lt("A retry alone will not help: mend the cause first."),
    ),
    (lambda s: not s.deadline_left, Verdict.DEAD, _lt("Its time is used up.")),
    (lambda s: True, Verdict.DEAD, _USED_UP),
)


def decide(
    classification: Classification,
    *,
    attempts_left: int,
    breaker_open: bool = False,
    budget_left: bool = True,
    deadline_left: bool = True,
) -> Decision:
    """Decide about a failed attempt. A read that can be answered with an older or a
    local value (``recoverable``) is answered so before this is called.

    :param attempts_left: how many attempts its policy still allows.
    :param budget_left: whether the backend may retry now; see ``budget``.
    :param deadline_left: whether the operation's total time is not over yet.
    """
    situation = _Situation(
        classification, attempts_left, breaker_open, budget_left, deadline_left
    )
    verdict, reason = next(
        (verdict, reason) for applies, verdict, reason in TABLE if applies(situation)
    )
    return Decision(verdict, reason)


@dataclass(frozen=True)
class Standing:
    """How failed work stands.

    ``attempts``: made so far, the failed one included. ``last_delay``: seconds that it
    waited last. ``park_seconds``: how long parked work waits. ``breaker_open``,
    ``budget_left`` and ``in_time`` as for :func:`decide`. ``revivals_left``: how often
    its attempts may still count anew because the app was away.
    """

    attempts: int
    last_delay: float | None = None
    breaker_open: bool = False
    budget_left: bool = True
    park_seconds: float = 0.0
    in_time: bool = True
    revivals_left: int = 0


class After(TextEnum):
    """What failed work is in next: waiting for its turn, parked until the app is heard
    of again, or given up."""

    WAITING = "waiting"
    PARKED = "parked"
    DEAD = "dead"


@dataclass(frozen=True)
class Next:
    """What follows a failed attempt. ``seconds``: how long it waits; 0 if it is given
    up. ``attempts``: how many count. ``revive``: whether they count anew once the app
    is heard of again. ``asked``: whether it waits as long as the app asked for."""

    state: After
    seconds: float
    attempts: int
    revive: bool
    reason: str
    asked: bool = False


def next_attempt(
    failure: Classification | None,
    policy: RetryPolicy,
    standing: Standing,
    rng: Random,
) -> Next:
    """What follows a failed attempt, of whatever kind of work.

    Attempts that the app's absence cost are nobody's fault: the work waits for the app
    and is not given up, unless the app has come back as often as ``revivals_left`` says
    and the work failed each time.

    :param failure: None where any failure may pass, and only attempts count
    """
    # A failure with which the breaker opens, or a failed probe, speaks of the app and
    # not of the work: it costs no attempt.
    of_app = failure is not None and failure.counts_for_breaker
    attempts = standing.attempts - (standing.breaker_open and of_app)
    left = policy.max_attempts - attempts
    if failure is not None:
        decision = decide(
            failure,
            attempts_left=left,
            breaker_open=standing.breaker_open,
            budget_left=standing.budget_left,
            deadline_left=standing.in_time,
        )
        verdict, reason = decision.verdict, decision.reason
    elif left > 0:
        verdict, reason = Verdict.RETRY, _MAY_SUCCEED
    else:
        verdict, reason = Verdict.DEAD, _USED_UP
    if verdict is Verdict.PARK:
        return Next(After.PARKED, standing.park_seconds, attempts, False, reason)
    if verdict is Verdict.RETRY:
        retry_after = failure.retry_after if failure else None
        seconds = delay(
            policy,
            max(attempts, 1),
            rng,
            previous=standing.last_delay or None,
            retry_after=retry_after,
        )
        asked = seconds == retry_after
        return Next(After.WAITING, seconds, attempts, False, reason, asked)
    away = standing.breaker_open or standing.revivals_left > 0
    if of_app and standing.in_time and away:
        return Next(After.PARKED, standing.park_seconds, attempts, True, _AWAY)
    return Next(After.DEAD, 0.0, attempts, False, reason)
