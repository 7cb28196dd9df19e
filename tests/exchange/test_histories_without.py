import os

from odoo.tests import tagged

from ..simulator.real_history import RealHistory
from .test_histories import HistoryCase

HISTORIES = int(os.environ.get("PHARMACY_SYNC_ODOO_HISTORIES") or 3)
# What docs/app/abilities.rst says of an app without: laws that may not hold then.
COSTS = {
    ("batch",): (),
    ("idempotency_key",): (),
    ("if_match",): ("lost",),
    ("external_ref",): (r"not at rest: push \w+", "only on"),
    # Each round that is read is an operation, and here one begins with each reading.
    ("change_feed", "updated_since"): ("not quiet: operations",),
}


class RoundHistory(RealHistory):
    """Of an app whose whole list is read: the time of a round passes before each."""

    def _pull(self):
        self.stream._begin_round()
        return super()._pull()


@tagged("post_install", "-at_install")
class TestHistoriesWithout(HistoryCase):
    """The same with each ability of the app hidden: what is lost, doubled or late is no
    more than the documentation says."""

    def _without(self, *hidden):
        self.app.call("POST", "/admin/settings", hidden=list(hidden))
        self.backend.action_test_connection()
        self.env.invalidate_all()
        self.history = RoundHistory if "change_feed" in hidden else RealHistory
        self._begin()
        for seed in range(HISTORIES):
            self._check(seed, "|".join(COSTS[hidden]))


def _test(hidden):
    return lambda case: case._without(*hidden)


for hidden in COSTS:
    setattr(TestHistoriesWithout, f"test_without_{'_and_'.join(hidden)}", _test(hidden))
