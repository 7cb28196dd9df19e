"""Persons at the pharmacy: they write over its app's API, and notify Odoo themselves
now and then."""

import uuid
from dataclasses import replace

from .calls import call
from .ledger import APP, EXISTS, REFUSED, UNKNOWN, YES, Write
from .persons import ORDER, PRODUCT, SUPPLIER, Person

COLLECTIONS = {ORDER: "purchase-orders", SUPPLIER: "suppliers", PRODUCT: "products"}
NAMES = {ORDER: "reference", SUPPLIER: "name", PRODUCT: "code"}
ENTITIES = {ORDER: "purchase_order", SUPPLIER: "supplier", PRODUCT: "product"}
# How often a request is sent again, with the same key, until it is answered.
TIMES = 4
PUSHED = 0.3  # of what is made


def again(ask):
    """The answer to a request that is sent until it is answered well.

    Where one of the times had no answer and none a good one, nobody knows.
    """
    answers = []
    while len(answers) < TIMES and not (answers and answers[-1].good):
        answers.append(ask())
    outcomes = {answer.outcome for answer in answers}
    last = answers[-1]
    if not last.good and UNKNOWN in outcomes:
        last = replace(last, outcome=UNKNOWN)
    return replace(last, began=answers[0].began)


class AppPerson(Person):
    """:param app: ``(url, key)`` of the pharmacy app
    :param odoo: ``(urls, database, key)`` of the app's user in Odoo
    """

    side = APP

    def __init__(self, app, odoo, *who):
        super().__init__(*who)
        self._url, self._key = app
        self._odoo_urls, self._database, self._odoo_key = odoo
        self._codes = {}

    def ask(self, method, path, body=None, **headers):
        url = f"{self._url}/api/v1/{path}"
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        return call(method, url, self._key, body, names)

    def _get(self, record):
        return self.ask("GET", f"{COLLECTIONS[record[0]]}/{self.id_of(record)}")

    def _find(self, record):
        kind, name = record
        answer = self.ask("GET", f"{COLLECTIONS[kind]}?limit=500&q={name}")
        items = (answer.data or {}).get("items", ()) if answer.good else ()
        return next((i.get("id") for i in items if i.get(NAMES[kind]) == name), None)

    def _supplier(self, name, slots):
        return {"name": name, **slots}

    def _product(self, name, slots):
        return {"name": f"Product {name}", "code": name, **slots}

    def _order(self, name, slots, supplier, products):
        lines = [
            {
                "product_id": product,
                "description": record[1],
                "quantity": slots[f"lines[{record[1]}].quantity"],
                "unit_price": slots[f"lines[{record[1]}].unit_price"],
            }
            for record, product in products
        ]
        return {
            "reference": name,
            "supplier_id": supplier,
            "notes": slots["notes"],
            "lines": lines,
        }

    def _create(self, record, values):
        key, path = uuid.uuid4().hex, COLLECTIONS[record[0]]
        return again(lambda: self.ask("POST", path, values, Idempotency_Key=key))

    def _made(self, record, data):
        self._ids[record] = data.get("id")
        if data.get("id") and self.rng.random() < PUSHED:
            self._push_to_odoo(record, data)

    def _push_to_odoo(self, record, data):
        """Bring it to Odoo rather than wait until Odoo reads it."""
        body = {
            "entity": ENTITIES[record[0]],
            "records": [data],
            "idempotency_key": uuid.uuid4().hex,
        }
        path = "pharmacy_sync/api/v1/push"
        headers = {"X-Odoo-Database": self._database}

        def ask():
            url = f"{self.rng.choice(self._odoo_urls)}/{path}"
            return call("POST", url, self._odoo_key, body, headers)

        answer = again(ask)
        outcome = answer.outcome
        if answer.good and not answer.data["results"][0]["success"]:
            outcome = REFUSED
        self.ledger.enter(
            Write(
                *(self.side, record, EXISTS, YES, outcome),
                *(answer.began, answer.ended, True),
            )
        )

    def _write(self, record, values):
        return self._patch(record, values, "*")

    def _patch(self, record, values, version):
        path = f"{COLLECTIONS[record[0]]}/{self.id_of(record)}"
        return self.ask("PATCH", path, values, If_Match=version)

    def _edit_line(self, record, field, value):
        """The lines go as a whole: only if nobody has changed them since."""
        answer = self._get(record)
        if not answer.good or not isinstance(answer.data.get("version"), int):
            return
        lines, version = answer.data["lines"], answer.data["version"]
        codes = {self._code(line["product_id"]): line for line in lines}
        if not codes or None in codes:
            return
        code = min(codes)
        codes[code][field] = value
        answer = self._patch(record, {"lines": lines}, f'"{version}"')
        self._enter(record, {f"lines[{code}].{field}": value}, answer)

    def _code(self, product_id):
        if product_id not in self._codes:
            answer = self.ask("GET", f"products/{product_id}")
            if answer.good:
                self._codes[product_id] = answer.data.get("code")
        return self._codes.get(product_id)

    def _confirm_it(self, record):
        return self._write(record, {"state": "confirmed"})

    def _remove_it(self, record):
        if self.rng.random() < 0.5:
            return self._write(record, {"state": "cancelled"})
        path = f"{COLLECTIONS[ORDER]}/{self.id_of(record)}"
        return self.ask("DELETE", path, If_Match="*")
