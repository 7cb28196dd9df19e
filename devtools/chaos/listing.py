"""What both sides have in the end, as anybody may read it: Odoo over RPC, the app by
its feed of changes, open conflicts by Odoo's API."""

import html
import re
from decimal import Decimal

from .ledger import APP, ODOO
from .persons import ORDER, PRODUCT, SUPPLIER
from .verdict import WHOLE, Copy

NUMBERS = ("quantity", "unit_price", "price", "cost")
STATES = {"draft": "draft", "purchase": "confirmed", "cancel": "cancelled"}
COLLECTION = {"purchase-orders": ORDER, "suppliers": SUPPLIER, "products": PRODUCT}
ENTITY = {"purchase_order": ORDER, "supplier": SUPPLIER, "product": PRODUCT}
# Fields of the app that have the same name in the ledger.
PLAIN = {
    ORDER: ("notes", "state"),
    SUPPLIER: ("phone", "city", "street"),
    PRODUCT: ("price", "cost"),
}
NAME = {ORDER: "reference", SUPPLIER: "name", PRODUCT: "code"}
LINE = re.compile(r"^lines\[(.*?)\](?:\.(.*))?$")
PAGE = 500


class ListingError(Exception):
    """A side could not be read to the end."""


def _value(name, value):
    if name in NUMBERS:
        return f"{Decimal(str(value)).normalize():f}"
    return value or ""


def _slots(lines):
    """Slots of lines, given as (code, quantity, price)."""
    slots, seen = {}, {}
    for code, quantity, price in lines:
        seen[code] = seen.get(code, 0) + 1
        place = f"lines[{code}]" + (f"#{seen[code]}" if seen[code] > 1 else "")
        slots[f"{place}.quantity"] = _value("quantity", quantity)
        slots[f"{place}.unit_price"] = _value("unit_price", price)
    return slots


def of_odoo(rpc, prefix):
    """:param rpc: calls as a user who sees all, :class:`.odoo_person.Rpc`
    :param prefix: start of the names of all records that count
    """

    def read(model, name, fields):
        answer = rpc(
            model,
            "search_read",
            domain=[[name, "=like", f"{prefix}-%"]],
            fields=fields,
            context={"active_test": False},
        )
        if not answer.good:
            raise ListingError(f"Odoo does not list its {model}: {answer.status}")
        return answer.data

    found = {}

    def add(kind, name, alive, slots):
        found.setdefault((kind, name), []).append(Copy(alive, slots))

    for row in read("res.partner", "name", ["name", *PLAIN[SUPPLIER], "active"]):
        slots = {name: row[name] or "" for name in PLAIN[SUPPLIER]}
        add(SUPPLIER, row["name"], row["active"], slots)
    fields = ["default_code", "list_price", "standard_price", "active"]
    for row in read("product.product", "default_code", fields):
        prices = zip(PLAIN[PRODUCT], (row[name] for name in fields[1:3]), strict=True)
        slots = {name: _value(name, price) for name, price in prices}
        add(PRODUCT, row["default_code"], row["active"], slots)
    lines = {}
    fields = ["order_id", "product_id", "product_qty", "price_unit"]
    for row in read("purchase.order.line", "order_id.origin", fields):
        code = row["product_id"][1].split()[-1]
        line = code, row["product_qty"], row["price_unit"]
        lines.setdefault(row["order_id"][0], []).append(line)
    for row in read("purchase.order", "origin", ["origin", "note", "state"]):
        state = STATES.get(row["state"], row["state"])
        slots = {"notes": _plain(row["note"]), "state": state}
        slots |= _slots(lines.get(row["id"], ()))
        add(ORDER, row["origin"], state != "cancelled", slots)
    return found


def _plain(note):
    return html.unescape(re.sub(r"<[^>]+>", "", note or "")).strip()


class AtApp:
    """The app's records.

    :param ask: one call, like :meth:`.app_person.AppPerson.ask`
    """

    def __init__(self, ask, prefix):
        self._rows = list(_feed(ask))
        self._prefix = f"{prefix}-"
        self._codes = {r["id"]: r["data"].get("code") for r in self._of("products")}

    def _of(self, collection):
        return [row for row in self._rows if row["entity"] == collection]

    def listing(self):
        found = {}
        for row in self._rows:
            kind, data = COLLECTION[row["entity"]], row["data"]
            name = data.get(NAME[kind]) or ""
            if name.startswith(self._prefix):
                found.setdefault((kind, name), []).append(self._copy(kind, row))
        return found

    def _copy(self, kind, row):
        data = row["data"]
        if row["deleted"]:
            return Copy(False)
        alive = data.get("state") != "cancelled" and data.get("active", True)
        slots = {name: _value(name, data[name]) for name in PLAIN[kind]}
        slots |= _slots(
            (self._codes.get(line["product_id"]), line["quantity"], line["unit_price"])
            for line in data.get("lines", ())
        )
        return Copy(alive, slots)

    def conflicts(self, call_api):
        """What open conflicts name, by record.

        :param call_api: one call of Odoo's API: ``(method, arguments)``
        """
        rows = {row["id"]: row for row in self._rows}
        found = {}
        for entity, kind in ENTITY.items():
            cursor, more = None, True
            while more:
                arguments = {"entity": entity, "limit": PAGE, "cursor": cursor}
                answer = call_api("conflicts", arguments)
                if not answer.good:
                    raise ListingError(f"Odoo does not list conflicts: {answer.status}")
                cursor, more = answer.data["cursor"], answer.data["more"]
                for conflict in answer.data["conflicts"]:
                    row = rows.get(conflict["external_id"])
                    if row:
                        record = kind, row["data"].get(NAME[kind])
                        slots = self._slots_of(row["data"], conflict["fields"])
                        found.setdefault(record, set()).update(slots)
        return found

    def _slots_of(self, data, fields):
        """Slots that a conflict names; a whole line where it is about one."""
        codes = {
            line["key"]: self._codes.get(line["product_id"])
            for line in data.get("lines", ())
        }
        for path in (field["path"] for field in fields):
            line = LINE.match(path)
            if not line:
                yield path or WHOLE
            elif line[1] in codes:
                place = f"lines[{codes[line[1]]}]"
                yield from (
                    [f"{place}.{line[2]}"]
                    if line[2]
                    else [f"{place}.quantity", f"{place}.unit_price"]
                )
            else:
                yield WHOLE


def _feed(ask):
    """Every record of the app, the deleted ones too."""
    cursor, more = "0", True
    while more:
        answer = ask("GET", f"changes?limit={PAGE}&cursor={cursor}")
        if not answer.good:
            raise ListingError(f"the app does not list its changes: {answer.status}")
        cursor, more = answer.data["next_cursor"], answer.data["has_more"]
        yield from answer.data["changes"]


def both(rpc, at_app, prefix):
    return {ODOO: of_odoo(rpc, prefix), APP: at_app.listing()}
