"""Demo data, given to ``odoo shell`` on its standard input. Idempotent.

Connects Odoo to the pharmacy app named by the environment (``PHARMACY_APP_URL``,
``PHARMACY_APP_KEY``, ``PHARMACY_WEBHOOK_SECRET``), reads its suppliers, products and
orders, and makes as many orders in Odoo, which go to the app. An API key for calls of
the app is kept in the file ``PHARMACY_ODOO_KEY_FILE``, if that is named and not there.
"""

import os
import random
from datetime import timedelta
from pathlib import Path

import requests

from odoo import Command, fields

OWN = "__demo__.backend"
ORDERS = int(os.environ.get("PHARMACY_DEMO_ORDERS", "100"))
LOGINS = {
    "buyer": "sees, and resolves conflicts",
    "operator": "redrives dead letters",
}
# The pharmacy app's own; the second where somebody has given the first away.
API_LOGINS = ("pharmacy", "pharmacy_demo")
NOTES = (
    "",
    "Deliver before noon, please.",
    "Cold chain: 2 to 8 degrees. Call us if the logger shows more.",
    "Clinic is closed on Wednesday afternoon.",
    "Batch numbers on the delivery note, please.",
)


def user(login, name, *groups):
    found = env["res.users"].search([("login", "=", login)])
    return found or env["res.users"].create(
        {
            "login": login,
            "password": login,
            "name": name,
            "group_ids": [Command.link(env.ref(group).id) for group in groups],
        }
    )


def make_api_user():
    """A user for the app's calls whom no other backend has."""
    Backend = env["sync.backend"].with_context(active_test=False)
    for login in API_LOGINS:
        if not Backend.search_count([("user_id.login", "=", login)], limit=1):
            break
    return user(login, "Pharmacy App", "pharmacy_sync.group_api")


def connect():
    """The backend of the demo, connected to the app of the environment."""
    env.company.name = "Clinica Veterinaria Norte"
    euro = env.ref("base.EUR")
    euro.active = True
    if not env["account.move.line"].search_count([], limit=1):
        env.company.currency_id = euro
    user(
        "buyer",
        "Berta Buyer",
        "purchase.group_purchase_user",
        "pharmacy_sync.group_user",
    )
    user(
        "operator",
        "Oscar Operator",
        "purchase.group_purchase_user",
        "pharmacy_sync.group_operator",
    )
    # Other backends are those of whoever made them.
    backend = env.ref(OWN, raise_if_not_found=False) or env["sync.backend"]
    api_user = backend.user_id or make_api_user()
    # It may do nothing else, in a demonstration that was made earlier either.
    api_user.group_ids = env.ref("pharmacy_sync.group_api")
    values = {
        "name": "Veterinary Pharmacy",
        "url": os.environ["PHARMACY_APP_URL"],
        "internal": True,
        "api_key": os.environ["PHARMACY_APP_KEY"],
        "webhook_secret": os.environ.get("PHARMACY_WEBHOOK_SECRET"),
        "user_id": api_user.id,
    }
    if backend:
        backend.write(values)
    else:
        backend = env["sync.backend"].create(values)
    env["ir.model.data"]._update_xmlids([{"xml_id": OWN, "record": backend}])
    env.cr.commit()
    return backend


def issue_key(backend):
    """A key with which to call Odoo's API as the app."""
    name = os.environ.get("PHARMACY_ODOO_KEY_FILE")
    if not name or Path(name).exists():
        return
    ends = fields.Datetime.now() + timedelta(days=364)
    key = backend.with_user(env.ref("base.user_admin"))._issue_key(ends, revoke=True)
    env.cr.commit()
    Path(name).touch(mode=0o600)
    Path(name).write_text(key)


def subscribe(backend):
    """Have the app notify Odoo at once when something changes."""
    url = f"{os.environ['PHARMACY_ODOO_URL']}/pharmacy_sync/webhook/{backend.id}"
    webhooks = f"{os.environ['PHARMACY_APP_URL']}/api/v1/webhooks"
    headers = {"Authorization": f"Bearer {os.environ['PHARMACY_APP_KEY']}"}
    known = requests.get(webhooks, headers=headers, timeout=10).json()
    if not any(hook["url"] == url for hook in known["items"]):
        answer = requests.post(
            webhooks,
            json={
                "url": url,
                "secret": os.environ["PHARMACY_WEBHOOK_SECRET"],
                "database": env.cr.dbname,
            },
            headers=headers,
            timeout=10,
        )
        answer.raise_for_status()


def make_orders(count):
    """Orders that begin their life in Odoo."""
    rng = random.Random(42)
    suppliers = env["res.partner"].search([("supplier_rank", ">", 0)], order="id")
    products = env["product.product"].search([("barcode", "!=", False)], order="id")
    now = fields.Datetime.now().replace(microsecond=0)
    orders = env["purchase.order"].create(
        [
            {
                "partner_id": rng.choice(suppliers).id,
                "date_order": now - timedelta(hours=rng.randrange(24 * 60)),
                "note": rng.choice(NOTES),
                "order_line": [
                    Command.create(
                        {
                            "product_id": product.id,
                            "product_qty": rng.randrange(1, 25),
                            "price_unit": round(
                                product.standard_price * rng.uniform(0.9, 1.1), 2
                            ),
                        }
                    )
                    for product in rng.sample(products, rng.randrange(1, 7))
                ],
            }
            for __ in range(count)
        ]
    )
    for index, order in enumerate(orders):
        if index % 3 == 0:
            order.button_confirm()
        elif index % 10 == 1:
            order.button_cancel()
    env.cr.commit()
    return orders


def make_conflicts(backend):
    """A few orders that both sides change at the same time: work for a person."""
    if env["sync.conflict"].search_count([("backend_id", "=", backend.id)], limit=1):
        return
    mappings = env["sync.mapping"].search(
        [
            ("backend_id", "=", backend.id),
            ("res_model", "=", "purchase.order"),
            ("external_id", "!=", False),
        ]
    )
    orders = [(m, m._record()) for m in mappings]
    drafts = [(m, order) for m, order in orders if order.state == "draft"][:4]
    url = f"{os.environ['PHARMACY_APP_URL']}/api/v1/purchase-orders"
    key = os.environ["PHARMACY_APP_KEY"]
    headers = {"Authorization": f"Bearer {key}", "If-Match": "*"}
    buyer = env["res.users"].search([("login", "=", "buyer")])
    # Odoo is not to hear of the app's edits before it has its own.
    backend.paused = True
    env.cr.commit()
    for number, (mapping, order) in enumerate(drafts):
        lines = mapping.base["lines"]
        changes = {"notes": "Ring twice: the side door, after two."}
        if number % 2:
            lines[0]["quantity"] = f"{float(lines[0]['quantity']) + 3:.2f}"
            changes = {"lines": lines}
        answer = requests.patch(
            f"{url}/{mapping.external_id}", json=changes, headers=headers, timeout=10
        )
        answer.raise_for_status()
        order = order.with_user(buyer)
        order.order_line[0].product_qty += 5
        if not number % 2:
            order.note = "Ring once: the front door, before two."
    env.cr.commit()
    # Read while the queue still rests: its jobs would write the same mappings.
    streams = backend._as_runner().stream_ids
    streams.filtered(lambda stream: stream.entity == "purchase_order")._pull()
    env.cr.rollback()
    backend.paused = False
    env.cr.commit()


def main():
    backend = connect()
    issue_key(backend)
    subscribe(backend)
    backend._as_runner()._job_pull()
    env.cr.rollback()
    make_conflicts(backend)
    made = env["sync.mapping"].search_count(
        [("backend_id", "=", backend.id), ("res_model", "=", "purchase.order")]
    )
    if made <= ORDERS:
        make_orders(2 * ORDERS - made)
    for login, role in LOGINS.items():
        print(f"login: {login} / {login} ({role})")
    login = backend.user_id.login
    print(f"login: {login} / {login} (the pharmacy app's own, for the API only)")


main()
