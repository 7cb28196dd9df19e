import os
import re

from odoo.tests import tagged

from ..common import SyncCase
from ..simulator.real_history import RealHistory, Seeker

HISTORIES = int(os.environ.get("PHARMACY_SYNC_ODOO_HISTORIES") or 200)
SEED = os.environ.get("PHARMACY_SYNC_SEED")
BEGINS_AT_ODOO = 60
SHARES = 10  # tests, each with its own time limit


class HistoryCase(SyncCase):
    """Plays histories of orders on the real models and the real app."""

    history = RealHistory

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.backend.stream_ids.filtered(
            lambda stream: stream.entity != "purchase_order"
        ).direction = "push"
        cls.env["ir.config_parameter"].set_param(
            "pharmacy_sync.feature_breaker", "False"
        )

    def _play(self, seeds):
        self._begin()
        for seed in seeds:
            self._check(seed)

    def _begin(self):
        """Supplier and products are on both sides before any history begins."""
        warm = self.make_order()
        self.push()
        self.seeker = Seeker(self)
        self.supplier_id = self.mapping(self.supplier).external_id
        self.product_ids = [self.mapping(p).external_id for p in self.products]
        self.assertTrue(self.mapping(warm).external_id)

    def _check(self, seed, cost=""):
        """Play one history; all laws hold, but for those that ``cost`` describes."""
        self.env.cr.flush()
        savepoint = self.env.cr.savepoint(flush=False)
        self.seeker.forward()
        history = self.history(self, seed)
        try:
            broken = history.play()
        finally:
            self.env.cr.clear()
            savepoint.rollback()
            savepoint.close(rollback=False)
        found = [law for law in broken if not cost or not re.search(cost, law)]
        if found:
            self.fail(
                f"{found}\nto replay: PHARMACY_SYNC_SEED={seed}\n"
                + "\n".join(history.log)
            )
        return history


@tagged("post_install", "-at_install")
class TestHistories(HistoryCase):
    """Persons on both sides, two workers, a bad network, killed workers.
    ``simulator/laws.py`` says what must hold, ``docs/developer/workshop.rst`` how to
    replay one."""

    def test_the_same_seed_is_the_same_history(self):
        self._begin()
        # One that begins at Odoo: what the app has stays there.
        first, second = self._check(BEGINS_AT_ODOO), self._check(BEGINS_AT_ODOO)
        self.assertEqual(len(first.log), len(second.log), (first.log, second.log))
        self.assertEqual(first.random.getstate(), second.random.getstate())


def _share(number):
    return lambda case: case._play(range(number, HISTORIES, SHARES))


if SEED:
    TestHistories.test_replay = lambda case: case._play([int(SEED)])
else:
    for number in range(SHARES):
        setattr(TestHistories, f"test_no_law_is_broken_{number}", _share(number))
