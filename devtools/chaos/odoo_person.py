"""Persons in Odoo: they write over its RPC, with the rights of a user."""

from decimal import Decimal

from .calls import call
from .ledger import ODOO, REFUSED
from .persons import ORDER, PRODUCT, SUPPLIER, Person

MODELS = {
    ORDER: ("purchase.order", "origin"),
    SUPPLIER: ("res.partner", "name"),
    PRODUCT: ("product.product", "default_code"),
}
FIELDS = {
    "notes": "note",
    "price": "list_price",
    "cost": "standard_price",
}
LINE_FIELDS = {"quantity": "product_qty", "unit_price": "price_unit"}
NUMBERS = {"price", "cost"}


class Rpc:
    """One user's calls.

    :param urls: what returns the addresses of Odoo's servers; one is chosen
    """

    def __init__(self, urls, database, key, rng):
        self._urls, self._key, self._rng = urls, key, rng
        self._headers = {"X-Odoo-Database": database}

    def __call__(self, model, method, **arguments):
        url = f"{self._rng.choice(self._urls)}/json/2/{model}/{method}"
        return call("POST", url, self._key, arguments, self._headers)


class OdooPerson(Person):
    """:param login: ``(urls, database, key)``, see :class:`Rpc`"""

    side = ODOO

    def __init__(self, login, *who):
        super().__init__(*who)
        self._rpc = Rpc(*login, self.rng)

    def _find(self, record):
        model, name = MODELS[record[0]]
        return self._search(model, [[name, "=", record[1]]])

    def _search(self, model, domain):
        answer = self._rpc(model, "search", domain=domain, limit=1, order="id")
        return answer.data[0] if answer.good and answer.data else None

    def _supplier(self, name, slots):
        return {"name": name, "is_company": True, "supplier_rank": 1, **_own(slots)}

    def _product(self, name, slots):
        return {"name": f"Product {name}", "default_code": name, **_own(slots)}

    def _order(self, name, slots, supplier, products):
        lines = [
            {
                "product_id": product,
                "product_qty": float(slots[f"lines[{record[1]}].quantity"]),
                "price_unit": float(slots[f"lines[{record[1]}].unit_price"]),
            }
            for record, product in products
        ]
        return {
            "origin": name,
            "partner_id": supplier,
            "note": slots["notes"],
            "order_line": [[0, 0, line] for line in lines],
        }

    def _create(self, record, values):
        return self._rpc(MODELS[record[0]][0], "create", vals_list=[values])

    def _made(self, record, ids):
        self._ids[record] = ids[0]

    def _write(self, record, values):
        return self._on(record, "write", vals=_own(values))

    def _on(self, record, method, **arguments):
        model, ids = MODELS[record[0]][0], [self.id_of(record)]
        return self._rpc(model, method, ids=ids, **arguments)

    def _edit_line(self, record, field, value):
        lines = self._lines(record)
        if not lines:
            return
        code = min(lines)
        line, price = lines[code]
        vals = {LINE_FIELDS[field]: float(value)}
        answer = self._rpc("purchase.order.line", "write", ids=[line], vals=vals)
        self._enter(record, {f"lines[{code}].{field}": value}, answer)
        if field == "quantity" and answer.outcome != REFUSED:
            self._note_price(record, code, price, answer)

    def _lines(self, record):
        """Id and price of each line by its product's code, with which its name ends."""
        found = self._rpc(
            "purchase.order.line",
            "search_read",
            domain=[["order_id", "=", self.id_of(record)]],
            fields=["product_id", "price_unit"],
        )
        return {
            line["product_id"][1].split()[-1]: (line["id"], line["price_unit"])
            for line in (found.data if found.good else ())
        }

    def _note_price(self, record, code, before, written):
        """A vendor's price list sets a price with a quantity that is written, as long
        as the pharmacy does not have the order yet: then this person has written it."""
        __, price = self._lines(record).get(code, (None, before))
        if price != before:
            value = f"{Decimal(str(price)).normalize():f}"
            self._enter(record, {f"lines[{code}].unit_price": value}, written)

    def _confirm_it(self, record):
        return self._on(record, "button_confirm")

    def _remove_it(self, record):
        return self._on(record, "button_cancel")


def _own(slots):
    return {
        FIELDS.get(slot, slot): float(value) if slot in NUMBERS else value
        for slot, value in slots.items()
    }
