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
    # What Odoo deletes whose creation was not answered arrives as if it were new.
    ("external_ref",): (
        r"not at rest: push \w+",
        r"only on \['odoo'\]",
        "revived",
    ),
    # Deletions at the pharmacy are not listed.
    ("change_feed",): ("only on", "revived"),
    # Nothing that keeps both sides in step rests on these.
    ("webhooks", "reservations", "checksums"): (),
    # Each round that is read is an operation, and here one begins with each reading.
    ("change_feed", "updated_since"): ("not quiet: operations",),
}


class RoundHistory(RealHistory):
    """Of an app whose whole list is read: the time of a round passes before each."""

    def _pull(self):
        self.stream._begin_round()
        return super()._pull()


class NamelessHistory(RealHistory):
    """Of an app without Odoo's keys: both sides go on making orders, and most answers
    to what Odoo makes are lost."""

    loses_new = 0.6

    def _acts(self):
        return (
            *super()._acts(),
            (self._create_at_odoo, 2),
            (self._create_at_both, 3),
        )

    def _create_at_both(self):
        """What arrives first is not what Odoo asked for."""
        self._create_at_odoo()
        self._push()
        self._create_at_app()
        self._pull()

    def _ending(self, work, second):
        """Nobody writes a number here: an order that has another one now, or one that
        is in conflict, was taken for another order."""
        ending = super()._ending(work, second)
        renamed = self.orders.exists().filtered(
            lambda order: order.origin and order.origin != order.name
        )
        contested = {n for n, paths in ending.conflicts.items() if "reference" in paths}
        ending.breaches += [
            f"taken for another: {name}"
            for name in sorted({*renamed.mapped("name"), *contested})
        ]
        return ending


@tagged("post_install", "-at_install")
class TestHistoriesWithout(HistoryCase):
    """The same with each ability of the app hidden: what is lost, doubled or late is no
    more than the documentation says."""

    def _without(self, *hidden):
        self.app.call("POST", "/admin/settings", hidden=list(hidden))
        self.backend.action_test_connection()
        self.env.invalidate_all()
        self.history = HISTORY.get(hidden, RealHistory)
        self._begin()
        for seed in range(HISTORIES):
            self._check(seed, "|".join(COSTS[hidden]))


HISTORY = {
    ("external_ref",): NamelessHistory,
    ("change_feed", "updated_since"): RoundHistory,
}


def _test(hidden):
    return lambda case: case._without(*hidden)


for hidden in COSTS:
    setattr(TestHistoriesWithout, f"test_without_{'_and_'.join(hidden)}", _test(hidden))
