"""The saga's order of steps, over every history that four steps can have."""

from collections import deque

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.saga import (
    ENDED,
    Action,
    CompensationState,
    Kind,
    Saga,
    SagaState,
    Step,
    StepState,
    begin,
    compensate,
    fail,
    next_action,
    succeed,
)

STEPS = 4
NEW = Saga((Step(),) * STEPS)


def successors(saga):
    """Every state that can follow: ``[(what happened, saga)]``. A crash leaves what
    is on record, and so is no state of its own."""
    found = []
    if saga.state not in (SagaState.COMPENSATED, SagaState.COMPENSATING):
        found.append(("withdrawn", compensate(saga)))
    action = next_action(saga)
    if action:
        begun = begin(saga, action)
        found += [
            (("begun", action), begun),
            (("succeeded", action), succeed(begun, action)),
            (("failed", action), fail(begun, action)),
        ]
    return found


def reachable():
    """All states, with one history that leads to each."""
    histories, queue = {NEW: ()}, deque([NEW])
    while queue:
        saga = queue.popleft()
        for event, after in successors(saga):
            if after not in histories:
                histories[after] = (*histories[saga], event)
                queue.append(after)
    return histories


REACHABLE = reachable()


def test_every_saga_ends():
    # From anywhere a run in which everything works reaches an end.
    for saga in REACHABLE:
        taken = 0
        while action := next_action(saga):
            saga = succeed(begin(saga, action), action)
            taken += 1
            assert taken <= 2 * STEPS
        assert saga.state in ENDED


def test_completed_means_every_step_is_done():
    for saga in REACHABLE:
        done = all(step.state is StepState.DONE for step in saga.steps)
        if saga.state is SagaState.COMPLETED:
            assert done
        if saga.state in (SagaState.PENDING, SagaState.RUNNING):
            assert not done


def test_what_was_begun_has_its_compensation_on_record():
    for saga in REACHABLE:
        for step in saga.steps:
            begun = step.state is not StepState.PENDING
            assert begun == (step.compensation is not CompensationState.NONE)


def test_compensated_means_everything_begun_was_taken_back():
    for saga in REACHABLE:
        left = {step.compensation for step in saga.steps}
        if saga.state is SagaState.COMPENSATED:
            assert left <= {CompensationState.NONE, CompensationState.DONE}
        if saga.state is SagaState.NEEDS_ATTENTION:
            assert CompensationState.FAILED in left
            assert CompensationState.REGISTERED not in left


def test_nothing_runs_after_the_first_failure():
    for saga in REACHABLE:
        failed = [s for s in saga.steps if s.state is StepState.FAILED]
        if failed:
            action = next_action(saga)
            assert action is None or action.kind is Kind.COMPENSATE
            assert saga.state not in (SagaState.RUNNING, SagaState.COMPLETED)


@given(st.lists(st.sampled_from(["work", "fail", "crash", "crash after"])))
def test_steps_run_forward_and_are_taken_back_in_reverse(chances):
    saga, happened = NEW, []
    chances = iter(chances)
    while action := next_action(saga):
        chance = next(chances, "work")
        saga = begin(saga, action)
        if chance == "crash":  # before it did anything: it is taken anew
            continue
        happened.append(action)
        if chance != "crash after":  # the answer was lost: taken anew as well
            saga = (fail if chance == "fail" else succeed)(saga, action)
    ran = _once(a.index for a in happened if a.kind is Kind.RUN)
    taken_back = _once(a.index for a in happened if a.kind is Kind.COMPENSATE)
    assert ran == list(range(len(ran)))
    if saga.state is SagaState.COMPLETED:
        assert len(ran) == STEPS and not taken_back
    else:
        begun = [i for i, s in enumerate(saga.steps) if s.state != StepState.PENDING]
        assert taken_back == begun[::-1]


def test_a_step_that_may_have_happened_is_taken_back():
    saga = begin(NEW, Action(Kind.RUN, 0))
    saga = succeed(saga, Action(Kind.RUN, 0))
    saga = begin(saga, Action(Kind.RUN, 1))
    saga = fail(saga, Action(Kind.RUN, 1))
    assert next_action(saga) == Action(Kind.COMPENSATE, 1)


def test_a_failing_compensation_does_not_stop_the_others():
    saga = NEW
    for index in range(3):
        saga = succeed(begin(saga, Action(Kind.RUN, index)), Action(Kind.RUN, index))
    saga = fail(begin(saga, Action(Kind.RUN, 3)), Action(Kind.RUN, 3))
    for index in (3, 2, 1, 0):
        action = Action(Kind.COMPENSATE, index)
        end = fail if index == 2 else succeed
        saga = end(begin(saga, action), action)
    assert saga.state is SagaState.NEEDS_ATTENTION
    again = compensate(saga)
    assert next_action(again) == Action(Kind.COMPENSATE, 2)
    again = succeed(again, Action(Kind.COMPENSATE, 2))
    assert again.state is SagaState.COMPENSATED


def test_what_is_out_of_turn_is_refused():
    with pytest.raises(ValueError, match="turn"):
        begin(NEW, Action(Kind.RUN, 1))
    with pytest.raises(ValueError, match="not begun"):
        succeed(NEW, Action(Kind.RUN, 0))
    with pytest.raises(ValueError, match="turn"):
        succeed(compensate(begin(NEW, Action(Kind.RUN, 0))), Action(Kind.RUN, 0))
    with pytest.raises(ValueError, match="already"):
        compensate(compensate(NEW))


def _once(indexes):
    return list(dict.fromkeys(indexes))
