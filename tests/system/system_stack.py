"""Odoo and the pharmacy app, connected: what the tests drive and look at."""

import html
import re
from decimal import Decimal

import odoorpc
from system_databases import connect
from system_servers import OdooServer, poll, wait_until

SETTLE_TIMEOUT = 60
RECOVERY_INTERVAL = 4
STATES = {
    "draft": "draft",
    "sent": "sent",
    "to approve": "awaiting_approval",
    "purchase": "confirmed",
    "cancel": "cancelled",
}
# What a worker, or the runner, would still do something about without being asked.
UNDONE = """
SELECT 'event' AS kind, state, count(*) FROM sync_event
 WHERE state = 'pending' GROUP BY state
UNION ALL
SELECT 'operation ' || kind, state, count(*) FROM sync_operation
 WHERE state IN ('pending', 'running', 'waiting') GROUP BY kind, state
UNION ALL
SELECT 'job', state, count(*) FROM queue_job
 WHERE state IN ('pending', 'enqueued', 'started', 'wait_dependencies')
   AND (eta IS NULL OR eta <= now() AT TIME ZONE 'UTC'
        -- The readings of several pharmacies begin one after the other.
        OR identity_key LIKE 'pharmacy_sync pull %% scheduled') GROUP BY state
"""


class Stack:
    """One Odoo server on a database of its own, one pharmacy app.

    :param prepared: what ``prepare.py`` wrote
    :param poison: see :class:`OdooServer`
    """

    def __init__(self, folder, database, app, prepared, poison=None):
        self.database = database
        self.prepared = prepared
        self.app = app
        self.odoo = OdooServer(folder, database, poison)
        self._connection = connect(database)
        self._clients = {}

    def start(self):
        webhook = f"/pharmacy_sync/webhook/{self.prepared['backend']}"
        self.app.webhook_url = self.odoo.url + webhook
        self.app.start()
        self.odoo.start()
        self.settle()
        return self

    def stop(self):
        self.odoo.kill()
        self.app.kill()
        self._connection.close()

    # -- Odoo -------------------------------------------------------------------------

    def client(self, login="buyer", password=None):
        """A logged in client of a library that Odoo's users use."""
        key = (login, password)
        if key not in self._clients:
            client = odoorpc.ODOO("127.0.0.1", port=self.odoo.port, version="19.0")
            client.login(self.database, login, password or self.prepared["password"])
            self._clients[key] = client
        return self._clients[key]

    def model(self, name, login="buyer"):
        return self.client(login).env[name]

    def query(self, statement, *values):
        """Rows of Odoo's database, as dicts."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement, *values):
        """The only value of the only row."""
        ((value,),) = (row.values() for row in self.query(statement, *values))
        return value

    def make_orders(self, count, quantity=2.0):
        """Orders made in Odoo, each with a line of every product: their ids."""
        lines = [
            (0, 0, {"product_id": product, "product_qty": quantity, "price_unit": 12.5})
            for product in self.prepared["products"]
        ]
        values = {"partner_id": self.prepared["supplier"], "order_line": lines}
        return self.model("purchase.order").create([values] * count)

    def synced_orders(self, count):
        """Orders made in Odoo that are at the pharmacy: their ids."""
        orders = self.make_orders(count)
        self.settle()
        # The app has said by webhook what it was sent. Read while the test has a call
        # under way, that would have the record sent once more.
        self.settle_readings()
        self.assert_in_step(orders)
        return orders

    def quantity(self, order):
        """The quantity of the order's first line in Odoo."""
        return self.value(
            "SELECT product_qty FROM purchase_order_line WHERE id = %s",
            self.first_line(order),
        )

    def first_line(self, order):
        return self.value(
            "SELECT min(id) FROM purchase_order_line WHERE order_id = %s", order
        )

    def set_quantity(self, order, quantity, login="buyer"):
        """What a buyer does who changes the quantity of the order's first line."""
        Line = self.model("purchase.order.line", login)
        Line.write([self.first_line(order)], {"product_qty": quantity})

    def configure(self, model, domain, values):
        """Change settings as an administrator would: ``[(id, former values)]``."""
        Model = self.model(model, "manager")
        ids = Model.search(domain)
        former = Model.read(ids, list(values))
        Model.write(ids, values)
        return [(row.pop("id"), row) for row in former]

    def set_paused(self, paused):
        """Stop sending and asking, or go on."""
        ids = [self.prepared["backend"]]
        self.model("sync.backend", "manager").write(ids, {"paused": paused})

    def trigger(self, cron):
        """Run a scheduled action now; ``cron`` is its name in ``data/ir_cron.xml``."""
        cron_id = self.value(
            "SELECT res_id FROM ir_model_data WHERE module = 'pharmacy_sync' "
            "AND name = %s",
            cron,
        )
        self.model("ir.cron", "manager").method_direct_trigger([cron_id])

    # -- Both sides -------------------------------------------------------------------

    def mapping(self, order):
        (row,) = self.query(
            "SELECT * FROM sync_mapping WHERE res_model = 'purchase.order' "
            "AND res_id = %s",
            order,
        )
        return row

    def external_id(self, order):
        return self.mapping(order)["external_id"]

    def at_app(self, order):
        """The order as the pharmacy app says it."""
        return self.app.get("purchase-orders", self.external_id(order))

    def operations(self, orders, *states):
        """Push operations of these orders, oldest first."""
        return self.query(
            "SELECT o.* FROM sync_operation o JOIN sync_mapping m "
            "ON m.id = o.mapping_id WHERE m.res_model = 'purchase.order' "
            "AND m.res_id = ANY(%s) AND o.kind = 'push' "
            "AND (%s = '{}' OR o.state = ANY(%s)) ORDER BY o.id",
            list(orders),
            list(states),
            list(states),
        )

    def errors(self, operation):
        return self.query(
            "SELECT * FROM sync_error WHERE operation_id = %s ORDER BY id",
            operation["id"],
        )

    def dead_letters(self):
        return self.query(
            "SELECT o.id, o.kind, o.reason, o.external_id, e.type, e.message "
            "FROM sync_operation o LEFT JOIN sync_error e ON e.operation_id = o.id "
            "WHERE o.state = 'dead' ORDER BY o.id, e.id"
        )

    def undone(self):
        return [dict(row) for row in self.query(UNDONE)]

    def settle(self, seconds=SETTLE_TIMEOUT):
        """Wait until there is nothing left to do; dead letters are nobody's work."""
        wait_until(lambda: not self.undone(), seconds, lambda: f"idle: {self.undone()}")

    def settle_readings(self, seconds=SETTLE_TIMEOUT):
        """Wait until no reading is asked for any more, such as by a webhook for the
        next moment: what a test does next would be met by it."""
        left = (
            "SELECT count(*) FROM queue_job WHERE method_name = '_job_pull' AND "
            "state IN ('pending', 'enqueued', 'started')"
        )
        wait_until(lambda: not self.value(left), seconds, "no reading is asked for")

    def recover(self, seconds):
        """Like :meth:`settle`, with the scheduled recovery every few seconds instead
        of every few minutes."""

        def is_recovered():
            self.trigger("cron_recover")
            return poll(lambda: not self.undone(), RECOVERY_INTERVAL)

        wait_until(is_recovered, seconds, lambda: f"idle: {self.undone()}")

    def assert_in_step(self, orders):
        """Each of Odoo's orders is at the app once, and says the same there."""
        for order in orders:
            mapping = self.mapping(order)
            found = self.app.find("purchase-orders", mapping["key"])
            assert len(found) == 1, f"order {order} is at the app {len(found)} times"
            assert found[0]["id"] == mapping["external_id"]
            assert self.seen_in_odoo(order) == self.seen_at_app(found[0])

    def seen_in_odoo(self, order):
        (row,) = self.query(
            "SELECT o.state, o.note, p.vat FROM purchase_order o "
            "JOIN res_partner p ON p.id = o.partner_id WHERE o.id = %s",
            order,
        )
        lines = self.query(
            "SELECT p.barcode, l.product_qty, l.price_unit FROM purchase_order_line l "
            "JOIN product_product p ON p.id = l.product_id WHERE l.order_id = %s",
            order,
        )
        return {
            "state": STATES[row["state"]],
            "notes": plain(row["note"]),
            "supplier": row["vat"] or "",
            "lines": sorted(
                (
                    line["barcode"],
                    *map(_decimal, (line["product_qty"], line["price_unit"])),
                )
                for line in lines
            ),
        }

    def seen_at_app(self, record):
        def product(line):
            return self.app.get("products", line["product_id"])["barcode"]

        return {
            "state": record["state"],
            "notes": record["notes"],
            "supplier": self.app.get("suppliers", record["supplier_id"])["vat"],
            "lines": sorted(
                (product(line), Decimal(line["quantity"]), Decimal(line["unit_price"]))
                for line in record["lines"]
            ),
        }


def _decimal(number):
    """The decimal number that a column of either numeric type shows."""
    return Decimal(str(number))


def plain(note):
    """The text of an HTML note."""
    return html.unescape(re.sub(r"<[^>]+>", "", note or "")).strip()
