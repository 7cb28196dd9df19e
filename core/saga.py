"""A transaction of several steps, each with what takes it back.

The rule that all else follows from: a step is begun, with its compensation, on record
before it does anything. Whatever became of a step that was begun, it is compensated if
the saga fails: it may have succeeded before its answer was lost. A compensation
must therefore also cope with finding nothing to do.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from .taxonomy import TextEnum


class SagaState(TextEnum):
    """Where a saga stands."""

    PENDING = "pending"  # nothing was begun
    RUNNING = "running"
    COMPLETED = "completed"  # every step is done
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"  # everything begun was taken back
    NEEDS_ATTENTION = "needs_attention"  # something could not be taken back


class StepState(TextEnum):
    """Where a step stands."""

    PENDING = "pending"
    RUNNING = "running"  # begun: it may have happened
    DONE = "done"
    FAILED = "failed"  # given up: it may have happened all the same


class CompensationState(TextEnum):
    """What is known of taking a step back."""

    NONE = "none"  # the step was never begun
    REGISTERED = "registered"  # to be run if the saga fails
    DONE = "done"
    FAILED = "failed"  # given up: a person must look


class Kind(TextEnum):
    """What to do with a step."""

    RUN = "run"
    COMPENSATE = "compensate"


ENDED = (SagaState.COMPLETED, SagaState.COMPENSATED, SagaState.NEEDS_ATTENTION)


@dataclass(frozen=True)
class Step:
    """One step, in the order in which they run."""

    state: StepState = StepState.PENDING
    compensation: CompensationState = CompensationState.NONE


@dataclass(frozen=True)
class Action:
    """What to do next: run or compensate the step of that index."""

    kind: Kind
    index: int


@dataclass(frozen=True)
class Saga:
    """A saga and its steps, as they are on record."""

    steps: tuple[Step, ...]
    state: SagaState = SagaState.PENDING


def next_action(saga: Saga) -> Action | None:
    """What to do next; None if the saga has ended.

    Steps run from the first to the last; compensations from the last step that was
    begun to the first, past those that failed.
    """
    if saga.state in (SagaState.PENDING, SagaState.RUNNING):
        return _first(saga, Kind.RUN, lambda s: s.state is not StepState.DONE)
    if saga.state is SagaState.COMPENSATING:
        return _first(
            saga,
            Kind.COMPENSATE,
            lambda s: s.compensation is CompensationState.REGISTERED,
            backwards=True,
        )
    return None


def begin(saga: Saga, action: Action) -> Saga:
    """Put on record that ``action`` is about to be taken. Store it before it is.

    :raises ValueError: it is not this action's turn
    """
    _check_turn(saga, action)
    if action.kind is Kind.COMPENSATE:
        return saga
    step = Step(StepState.RUNNING, CompensationState.REGISTERED)
    return replace(_with(saga, action, step), state=SagaState.RUNNING)


def succeed(saga: Saga, action: Action) -> Saga:
    """The action did what it is for.

    :raises ValueError: it was not begun, or it is not its turn any more
    """
    return _ended(saga, action, StepState.DONE, CompensationState.DONE)


def fail(saga: Saga, action: Action) -> Saga:
    """The action is given up. A step's failure begins the compensation.

    :raises ValueError: it was not begun, or it is not its turn any more
    """
    failed = _ended(saga, action, StepState.FAILED, CompensationState.FAILED)
    return compensate(failed) if action.kind is Kind.RUN else failed


def compensate(saga: Saga) -> Saga:
    """Take back what was begun, and once more what could not be taken back before.

    :raises ValueError: the saga was taken back as a whole already
    """
    if saga.state is SagaState.COMPENSATED:
        raise ValueError("The saga is compensated already.")
    steps = tuple(
        replace(step, compensation=CompensationState.REGISTERED)
        if step.compensation is CompensationState.FAILED
        else step
        for step in saga.steps
    )
    return _settled(replace(saga, steps=steps, state=SagaState.COMPENSATING))


def _ended(
    saga: Saga, action: Action, run: StepState, compensation: CompensationState
) -> Saga:
    _check_turn(saga, action)
    step = saga.steps[action.index]
    if step.compensation is not CompensationState.REGISTERED:
        raise ValueError(f"Step {action.index} was not begun.")
    if action.kind is Kind.COMPENSATE:
        step = replace(step, compensation=compensation)
    else:
        step = replace(step, state=run)
    return _settled(_with(saga, action, step))


def _settled(saga: Saga) -> Saga:
    """The saga in its final state, if nothing is left to be done."""
    if next_action(saga) is not None:
        return saga
    if saga.state is not SagaState.COMPENSATING:
        return replace(saga, state=SagaState.COMPLETED)
    lost = any(step.compensation is CompensationState.FAILED for step in saga.steps)
    state = SagaState.NEEDS_ATTENTION if lost else SagaState.COMPENSATED
    return replace(saga, state=state)


def _first(
    saga: Saga, kind: Kind, applies: Callable[[Step], bool], backwards: bool = False
) -> Action | None:
    indexes = range(len(saga.steps))
    for index in reversed(indexes) if backwards else indexes:
        if applies(saga.steps[index]):
            return Action(kind, index)
    return None


def _check_turn(saga: Saga, action: Action) -> None:
    if next_action(saga) != action:
        raise ValueError(f"It is not the turn of {action}.")


def _with(saga: Saga, action: Action, step: Step) -> Saga:
    steps = list(saga.steps)
    steps[action.index] = step
    return replace(saga, steps=tuple(steps))
