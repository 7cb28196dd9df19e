import uuid

from odoo.tests import tagged

from ..common import SyncCase

FEW, MANY = 10, 30
LINES = 5
# SQL statements that one more record of a batch may take. A new order takes its
# header's INSERT. All else is done for all at once.
MOST = {
    "new": 1.2,
    "unchanged": 0.0,
    "note": 0.0,
    "quantities": 0.1,
    "deliver": 0.1,
    "push new": 0.1,
    "push changed": 0.1,
}
# And a whole batch of ten. What the app answers is not applied where it says no more
# than both agree on by it, which takes a dozen.
WHOLE = {
    **{"new": 58, "unchanged": 5, "note": 30, "quantities": 65},
    **{"push new": 46, "push changed": 46},
}


@tagged("post_install", "-at_install")
class TestStatements(SyncCase):
    """How many SQL statements one more record takes, on each road. They are counted,
    not timed, so that it is the same on any machine."""

    def setUp(self):
        super().setUp()
        self.streams = {stream.entity: stream for stream in self.backend.stream_ids}
        self.streams["supplier"]._apply([{"id": "s", "version": 1, "name": "B"}], "b")
        self.streams["product"]._apply(
            [
                {"id": f"p_{n}", "version": 1, "name": f"P{n}", "uom": "Units"}
                for n in range(LINES)
            ],
            "b",
        )
        # What is read once in a process is read now.
        self.walk_in(2)
        self.walk_out(2)

    def order(self):
        key = uuid.uuid4().hex
        return {
            "id": f"po_{key}",
            "version": 1,
            "reference": key,
            "supplier_id": "s",
            "currency": self.env.company.currency_id.name,
            "state": "draft",
            "ordered_at": "2026-11-20T08:00:00Z",
            "expected_at": None,
            "notes": "",
            "lines": [
                {
                    "key": f"ln_{n}",
                    "product_id": f"p_{n}",
                    "description": f"{key} {n}",
                    "quantity": "3.00",
                    "uom": "Units",
                    "unit_price": f"{n}.50",
                }
                for n in range(LINES)
            ],
        }

    def count(self, function, *args):
        self.env.cr.flush()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        function(*args)
        self.env.cr.flush()
        return self.env.cr.sql_log_count - before

    def arrive(self, records):
        arrivals = self.streams["purchase_order"]._apply(
            [dict(record) for record in records], "c"
        )
        self.assertEqual([a.error for a in arrivals], [None] * len(records))

    def walk_in(self, number):
        """Statements of a batch of orders that arrives new, unchanged, with other notes
        and with other quantities, each order with values of its own; and of finding out
        which of them must be sent once Odoo has changed them."""
        records = [self.order() for __ in range(number)]
        counts = {"new": self.count(self.arrive, records)}
        counts["unchanged"] = self.count(self.arrive, records)
        for n, record in enumerate(records):
            record.update(version=2, notes=f"Note {n}")
        counts["note"] = self.count(self.arrive, records)
        for n, record in enumerate(records):
            lines = [
                {**line, "quantity": f"{n % 7 + 4}.00"} for line in record["lines"]
            ]
            record.update(version=3, lines=lines)
        counts["quantities"] = self.count(self.arrive, records)
        keys = [record["reference"] for record in records]
        made = self.env["purchase.order"].search([("origin", "in", keys)])
        self.assertEqual(len(made), number)
        for order in made:
            n = keys.index(order.origin)
            self.assertEqual(order.note, f"<p>Note {n}</p>")
            self.assertEqual(set(order.order_line.mapped("product_qty")), {n % 7 + 4.0})
        made.note = "<p>Odoo's</p>"
        counts["deliver"] = self.count(self.deliver)
        queued = self.operations(kind="push", state="pending").mapping_id
        self.assertLessEqual(set(made.ids), set(queued.mapped("res_id")))
        return counts

    def walk_out(self, number):
        """Statements of a batch of suppliers that is sent, new and changed."""
        suppliers = self.env["res.partner"].create(
            [
                {"name": f"S{n}", "is_company": True, "supplier_rank": 1}
                for n in range(number)
            ]
        )
        self.deliver()
        counts = {"push new": self.count(self.send)}
        for n, supplier in enumerate(suppliers):
            supplier.ref = f"{uuid.uuid4().hex} {n}"
        self.deliver()
        counts["push changed"] = self.count(self.send)
        at_app = {item["reference"] for item in self.app.items("suppliers")}
        self.assertLessEqual(set(suppliers.mapped("ref")), at_app)
        return counts

    def deliver(self):
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)

    def send(self):
        stream = self.streams["supplier"]
        __, items = stream._claim_push(None)
        answers, failures = stream._send(items)
        self.env.flush_all()
        stream._settle_push(items, answers, failures)

    def test_statements_of_one_more_record(self):
        few = {**self.walk_in(FEW), **self.walk_out(FEW)}
        many = {**self.walk_in(MANY), **self.walk_out(MANY)}
        each = {name: (many[name] - few[name]) / (MANY - FEW) for name in few}
        over = {name: each[name] for name in MOST if each[name] > MOST[name]}
        self.assertFalse(over, f"{each} {few} {many}")
        over = {name: few[name] for name in WHOLE if few[name] > WHOLE[name]}
        self.assertFalse(over, "more is read, or an answer applied that says no more")

    def test_changed_records_that_cannot_be_written_fail_alone(self):
        records = [self.order() for __ in range(9)]
        self.arrive(records)
        for record in records:
            record.update(version=2, notes="Changed")
        records[2]["supplier_id"] = "unknown"
        line = {**records[6]["lines"][0], "key": "new", "product_id": "unknown"}
        records[6]["lines"] = [*records[6]["lines"], line]
        stream = self.streams["purchase_order"]
        arrivals = stream._apply([dict(record) for record in records], "c")
        failed = [n for n, arrival in enumerate(arrivals) if arrival.error]
        self.assertEqual(failed, [2, 6])
        self.assertEqual(arrivals[2].error.field, "supplier_id")
        self.assertEqual(arrivals[6].error.field, "lines[5].product_id")
        self.env.invalidate_all()
        keys = [record["reference"] for record in records]
        orders = self.env["purchase.order"].search([("origin", "in", keys)])
        notes = {keys.index(order.origin): order.note for order in orders}
        self.assertEqual(sorted(n for n in notes if not notes[n]), failed)
        self.assertEqual(len(notes), 9)
