from .common import SyncCase

ORDERS, SUPPLIERS, PRODUCTS = "purchase-orders", "suppliers", "products"
_OPEN = ("pending", "running", "waiting", "dead")


class FidelityCase(SyncCase):
    """What no person changed stays as it is on either side, to the last character."""

    def setUp(self):
        super().setUp()
        self.make_order()
        self.sync()
        self.supplier_id = self.mapping(self.supplier).external_id
        self.product_ids = [self.mapping(p).external_id for p in self.products]

    def stream(self, entity):
        return self.backend.stream_ids.filtered(lambda s: s.entity == entity)

    def api_push(self, entity, record, *names):
        """The app calls with a record, or with these fields of it only."""
        names = {"id", "version", *(names or record)}
        reported = {name: record[name] for name in record if name in names}
        answer = self.env["sync.api"].with_user(self.api_user).push(entity, [reported])
        self.env.invalidate_all()
        (result,) = answer["results"]
        self.assertTrue(result["success"], result)
        return result

    def rest(self):
        for __ in range(2):
            self.make_due()
            self.sync()
        self.assertFalse(self.operations().filtered(lambda o: o.state in _OPEN))

    def record(self, entity, external_id):
        mapping = self.env["sync.mapping"].search(
            [("stream_id.entity", "=", entity), ("external_id", "=", external_id)]
        )
        return mapping._record()

    def order_at_app(self, *prices, **values):
        lines = [
            {
                "key": str(number),
                "product_id": self.product_ids[number - 1],
                "description": f"Goods {number}",
                "quantity": "10",
                "uom": "Units",
                "unit_price": price,
            }
            for number, price in enumerate(prices, 1)
        ]
        values = {"currency": "EUR", "supplier_id": self.supplier_id, **values}
        return self.app.add(ORDERS, lines=lines, **values)

    def assert_untouched(self, collection, record):
        self.assertEqual(self.app.get(collection, record["id"]), record)
