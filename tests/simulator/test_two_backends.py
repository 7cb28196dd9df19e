"""Two pharmacies of one Odoo: what belongs where, and what both have."""

import pytest

from .two import Backend, run

HISTORIES = 400
ENOUGH = 150


class RuleNotAsked(Backend):
    """Each change is sent to both."""

    def _concerns(self, res_id):
        return True


class OtherNotTold(Backend):
    """What one pharmacy changed is no change of Odoo's to the other."""

    def _tell_others(self, res_id):
        pass


class DeletionStaysHere(Backend):
    """What one pharmacy deleted goes on at the other."""

    def _request_archived(self, mapping):
        pass


def test_no_law_is_broken():
    bad = [result for result in map(run, range(HISTORIES)) if result.broken]
    assert not bad, min(bad, key=lambda result: len(result.log)).story()


@pytest.mark.parametrize("bug", [RuleNotAsked, OtherNotTold, DeletionStaysHere])
def test_a_mistake_is_found(bug):
    assert any(run(seed, bug).broken for seed in range(ENOUGH))
