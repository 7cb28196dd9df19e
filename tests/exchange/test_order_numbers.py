from odoo.fields import Date
from odoo.tests import tagged

from ..common import SyncCase

BATCH = 5
CODE = "purchase.order"


@tagged("post_install", "-at_install")
class TestOrderNumbers(SyncCase):
    """New orders of a batch have the numbers that Odoo would have given them."""

    def setUp(self):
        super().setUp()
        streams = {stream.entity: stream for stream in self.backend.stream_ids}
        self.stream = streams["purchase_order"]
        streams["supplier"]._apply([{"id": "s", "version": 1, "name": "B"}], "b")
        Sequence = self.env["ir.sequence"].with_company(self.backend.company_id)
        self.sequence = Sequence.create(
            {
                "name": "Orders of the test",
                "code": CODE,
                "prefix": "TEST/",
                "padding": 4,
                "number_increment": 3,
                "company_id": self.backend.company_id.id,
            }
        )

    def arrive(self, count, first=0, **values):
        """The names of as many new orders, which arrive in one batch."""
        records = [
            {
                "id": f"po_{number}",
                "version": 1,
                "reference": f"N{number}",
                "supplier_id": "s",
                "currency": self.env.company.currency_id.name,
                "state": "draft",
                "ordered_at": "2026-11-20T08:00:00Z",
                "lines": [],
                **values,
            }
            for number in range(first, first + count)
        ]
        arrivals = self.stream._apply(records, "c")
        orders = self.env["purchase.order"].browse([a.res_id for a in arrivals])
        return orders.mapped("name")

    def next_number(self):
        return (
            self.env["ir.sequence"]
            .with_company(self.backend.company_id)
            .next_by_code(CODE)
        )

    def test_in_a_row_by_the_companys_sequence_and_none_is_lost(self):
        names = self.arrive(BATCH)
        self.assertEqual(names, [f"TEST/{3 * n + 1:04d}" for n in range(BATCH)])
        self.assertEqual(self.next_number(), f"TEST/{3 * BATCH + 1:04d}")

    def test_one_batch_takes_none_of_the_next_ones(self):
        names = [*self.arrive(2), self.next_number(), *self.arrive(2, first=2)]
        self.assertEqual(names, [f"TEST/{3 * n + 1:04d}" for n in range(5)])

    def test_a_callers_context_has_no_say(self):
        hostile = {"sync_order_numbers": 5, "sync_asked_for": "purchase.order"}
        Sequence = self.env["ir.sequence"].with_company(self.backend.company_id)
        number = Sequence.with_context(**hostile).next_by_code(CODE)
        self.assertEqual(number, "TEST/0001")

    def test_without_gaps(self):
        self.sequence.implementation = "no_gap"
        self.assertEqual(self.arrive(2), ["TEST/0001", "TEST/0004"])
        self.assertEqual(self.sequence.number_next, 7)

    def test_by_the_dates_of_a_sequence(self):
        self.sequence.write({"use_date_range": True, "prefix": "%(range_year)s/"})
        first = self.arrive(2)
        second = self.arrive(2, first=2, ordered_at="2025-03-01T08:00:00Z")
        self.assertEqual(first, ["2026/0001", "2026/0004"])
        self.assertEqual(second, ["2025/0001", "2025/0004"])
        self.assertEqual(
            sorted(self.sequence.date_range_ids.mapped("date_from")),
            [Date.to_date("2025-01-01"), Date.to_date("2026-01-01")],
        )

    # pylint: disable=missing-return
    def test_another_addon_is_asked_for_each(self):
        asked = []

        class Neighbour:
            def _next_do(self):
                asked.append(self.code)
                return super()._next_do()

        registered = type(self.sequence)
        bases = registered.__bases__
        self.addCleanup(setattr, registered, "__bases__", bases)
        registered.__bases__ = (Neighbour, *bases)
        self.assertEqual(self.arrive(2), ["TEST/0001", "TEST/0004"])
        self.assertEqual(asked, [CODE, CODE])
