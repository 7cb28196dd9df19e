import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.alert.recovery import Found, Outcome, worst


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_a_step_says_mended_only_if_nothing_is_left(found, mended):
    if mended > found:
        with pytest.raises(ValueError):
            Found(found, mended)
        return
    outcome = Found(found, mended).outcome
    assert (outcome is Outcome.LEFT) == (found > mended)
    assert (outcome is Outcome.CLEAN) == (found == 0)


@given(st.lists(st.sampled_from(list(Outcome))))
def test_a_run_is_no_better_than_its_worst_step(outcomes):
    ranks = list(Outcome)
    found = worst(outcomes)
    assert all(ranks.index(found) >= ranks.index(outcome) for outcome in outcomes)
    assert found in outcomes or (found is Outcome.CLEAN and not outcomes)
