"""What is done about a failed attempt: one table, read from the top."""

from collections.abc import Callable
from dataclasses import dataclass

from .classification import Classification
from .taxonomy import Category, Severity, TextEnum
from .texts import _lt


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

    @property
    def costs_attempt(self) -> bool:
        return self.verdict is not Verdict.PARK


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


_Row = tuple[Callable[[_Situation], bool], Verdict, str]

TABLE: tuple[_Row, ...] = (
    (lambda s: s.corrupt, Verdict.DEAD, _lt("The data is corrupt.")),
    (
        lambda s: s.urgent and not s.failure.retryable,
        Verdict.DEAD,
        _lt("Critical, and trying again cannot help."),
    ),
    (
        lambda s: s.worth_retrying and s.breaker_open,
        Verdict.PARK,
        _lt("The breaker is open."),
    ),
    (
        lambda s: s.worth_retrying and not s.budget_left,
        Verdict.PARK,
        _lt("The backend's retry budget is used up."),
    ),
    (lambda s: s.worth_retrying, Verdict.RETRY, _lt("It may succeed later.")),
    (lambda s: not s.failure.retryable, Verdict.DEAD, _lt("Trying again cannot help.")),
    (lambda s: not s.deadline_left, Verdict.DEAD, _lt("Its time is used up.")),
    (lambda s: True, Verdict.DEAD, _lt("Its attempts are used up.")),
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
