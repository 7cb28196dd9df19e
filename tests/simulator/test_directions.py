"""Fields that go one way, or not at all, and others beside them."""

from dataclasses import replace

import pytest

from odoo.addons.pharmacy_sync.core.exchange.directions import EVERY

from .directed import Directed, Reopened, run
from .odoo import Odoo

HISTORIES = 300
ENOUGH = 150


class NotHeeded(Odoo):
    """Every field goes both ways, whatever was chosen."""

    def __init__(self, *args):
        super().__init__(*args)
        self.__dict__["directions"] = EVERY

    def __setattr__(self, name, value):
        super().__setattr__(name, EVERY if name == "directions" else value)


class SentAnyway(Odoo):
    """Only what is compared heeds the direction, not what is created."""

    def _plan(self, operation):
        planned = super()._plan(operation)
        if str(planned.step) != "create":
            return planned
        return replace(planned, data=self._serialise(operation.mapping.res_id))


@pytest.mark.parametrize("kind", [Directed, Reopened])
def test_no_law_is_broken(kind):
    found = (run(seed, kind) for seed in range(HISTORIES))
    bad = [result for result in found if result.broken]
    assert not bad, min(bad, key=lambda result: len(result.log)).story()


@pytest.mark.parametrize("bug", [NotHeeded, SentAnyway])
def test_a_mistake_is_found(bug):
    assert any(run(seed, odoo_class=bug).broken for seed in range(ENOUGH))
