import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.alert.escalation import (
    OF_HEALTH,
    THRESHOLDS,
    Climber,
    Rung,
    due,
)
from odoo.addons.pharmacy_sync.core.taxonomy import ErrorType

RUNGS = st.sets(st.sampled_from(list(Rung)))
climbers = st.builds(
    Climber,
    count=st.integers(0, 30),
    error_type=st.sampled_from(list(ErrorType)),
    has_backend=st.booleans(),
    taken=RUNGS,
)


@given(climbers, RUNGS)
def test_each_rung_is_taken_once_and_only_if_switched_on(climber, on):
    found = due(climber, THRESHOLDS, on)
    assert set(found) <= on - set(climber.taken)
    assert all(climber.count >= THRESHOLDS[rung] for rung in found)
    assert found == sorted(found, key=list(Rung).index)


@given(climbers, RUNGS)
def test_only_what_speaks_of_the_apps_health_resets(climber, on):
    if Rung.RESET in due(climber, THRESHOLDS, on):
        assert climber.error_type in OF_HEALTH
        assert climber.has_backend


@given(climbers, RUNGS, st.integers(0, 10))
def test_more_failures_never_take_a_rung_back(climber, on, more):
    grown = Climber(
        climber.count + more, climber.error_type, climber.has_backend, climber.taken
    )
    assert set(due(climber, THRESHOLDS, on)) <= set(due(grown, THRESHOLDS, on))


@pytest.mark.parametrize(
    "count, rungs",
    [
        (1, []),
        (2, ["fix"]),
        (4, ["fix"]),
        (5, ["fix", "activity"]),
        (9, ["fix", "activity"]),
        (10, ["fix", "activity", "reset"]),
    ],
)
def test_each_rung_comes_with_its_failure(count, rungs):
    climber = Climber(count, ErrorType.NETWORK_TIMEOUT)
    assert due(climber, THRESHOLDS, list(Rung)) == rungs
