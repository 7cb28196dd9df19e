from collections import Counter

from odoo.tests import tagged

from ...models.call import sync_breaker
from ..common import SyncCase

FEW, MANY = 4, 20


@tagged("post_install", "-at_install")
class TestBatchCost(SyncCase):
    """What a batch costs does not grow with its size, whatever comes of it."""

    def setUp(self):
        super().setUp()
        self.stream = self.backend.stream_ids.filtered(
            lambda stream: stream.entity == "supplier"
        )
        sync_breaker._read.clear()
        self.addCleanup(sync_breaker._read.clear)
        # What is read once in a process is read now.
        self.edit(self.make_suppliers(1))
        self.send()

    def make_suppliers(self, count):
        suppliers = self.env["res.partner"].create(
            [
                {"name": f"Supplier {n}", "is_company": True, "supplier_rank": 1}
                for n in range(count)
            ]
        )
        self.send()
        return suppliers

    def edit(self, suppliers):
        for supplier in suppliers:
            supplier.ref = f"{supplier.ref or ''}+"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)

    def send(self):
        """One batch: how many queries it takes to write down what came of it, and the
        operations that it had."""
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        __, items = self.stream._claim_push(None)
        answers, failures = self.stream._send(items)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self.stream._settle_push(items, answers, failures)
        self.env.flush_all()
        count = self.env.cr.sql_log_count - before
        return count, self.operations().browse(i.operation_id for i in items)

    def assert_flat(self, prepare, state, sends=1):
        """The last batch of ``sends`` costs the same for few records and for many."""
        counts = []
        for number in (FEW, MANY):
            suppliers = self.make_suppliers(number)
            self.edit(suppliers)
            undo = prepare(suppliers)
            for __ in range(sends):
                count, operations = self.send()
                self.make_due()
            self.assertEqual(operations.mapped("state"), [state] * number)
            if undo:
                undo()
            counts.append(count)
        # A page of what is read or written more is no growth.
        self.assertLessEqual(counts[1], counts[0] + 3, counts)

    def test_all_are_done(self):
        self.assert_flat(lambda suppliers: None, "done")

    def test_all_are_done_after_failures(self):
        def fail_once(suppliers):
            match = {"method": "POST", "path": "/api/v1/suppliers/batch"}
            self.app.fault("rate_limit", retry_after=1, count=1, match=match)

        self.assert_flat(fail_once, "done", sends=2)
        errors = self.env["sync.error"].search([("backend_id", "=", self.backend.id)])
        self.assertEqual(len(errors), FEW + MANY)
        self.assertEqual(set(errors.mapped("resolved")), {True})

    def test_none_is_sent_while_the_breaker_is_open(self):
        def open_breaker(suppliers):
            self.backend._breaker("push")._set_mode("forced_open", "test")
            sync_breaker._read.clear()
            return close_breaker

        def close_breaker():
            self.backend._breaker("push")._set_mode("normal", "test")
            sync_breaker._read.clear()
            self.send()

        self.assert_flat(open_breaker, "waiting")

    def test_all_are_stale(self):
        suppliers = self.make_suppliers(MANY)
        for supplier in suppliers:
            external_id = self.mapping(supplier).external_id
            self.app.edit("suppliers", external_id, city="Getafe")
        self.edit(suppliers)
        statements = self.listen()
        __, operations = self.send()
        self.assertEqual(operations.mapped("state"), ["pending"] * MANY)
        self.assertEqual(len(operations.error_ids), MANY)
        # What is merged is written record by record; the queue is not.
        self.assertEqual(statements['INSERT INTO "sync_error"'], 1)
        self.assertLess(statements["UPDATE sync_mapping SET write_date"], 5)
        self.send()
        self.assertEqual(operations.mapped("state"), ["done"] * MANY)
        self.assertEqual(set(suppliers.mapped("city")), {"Getafe"})

    def test_arrivals_wait_together_and_are_applied_together(self):
        orders = self.backend.stream_ids.filtered(
            lambda stream: stream.entity == "purchase_order"
        )
        records = [
            {
                "id": f"po_{number}",
                "version": 1,
                "reference": f"R-{number}",
                "supplier_id": "sup_late",
                "currency": "USD",
                "state": "draft",
                "lines": [],
            }
            for number in range(MANY)
        ]
        statements = self.listen()
        orders._keep_failed(orders._apply(records, "page"), "page")
        self.env.flush_all()
        self.assertEqual(statements['INSERT INTO "sync_operation"'], 1)
        self.assertEqual(statements['INSERT INTO "sync_error"'], 1)
        waiting = self.operations(kind="apply")
        self.assertEqual(waiting.mapped("state"), ["waiting"] * MANY)
        self.stream._apply([{"id": "sup_late", "version": 1, "name": "Late"}], "later")
        self.make_due()
        self.env.flush_all()
        statements.clear()
        orders._apply_due()
        self.env.flush_all()
        self.assertEqual(waiting.mapped("state"), ["done"] * MANY)
        self.assertEqual(set(waiting.error_ids.mapped("resolved")), {True})
        self.assertEqual(statements['INSERT INTO "sync_mapping"'], 1)
        made = self.env["purchase.order"].search([("origin", "like", "R-%")])
        self.assertEqual(len(made), MANY)

    def listen(self):
        """Counts statements by how they begin, from now on."""
        counts = Counter()
        cursor = type(self.env.cr)
        execute = cursor.execute

        def listening(cr, query, params=None, log_exceptions=True):
            execute(cr, query, params, log_exceptions)
            words = cr._obj.query.decode().split()
            counts.update(" ".join(words[:n]) for n in (3, 4))

        self.patch(cursor, "execute", listening)
        return counts
