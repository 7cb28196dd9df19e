"""Given to ``odoo shell``: a clinic that is connected to a pharmacy app.

Writes what the tests must know (ids, logins, keys) as JSON to the file named by
``PREPARED_FILE``.
"""

import json
import os
from datetime import timedelta

from odoo import Command, fields

env = env  # noqa: F821 - given by the shell
PASSWORD = "test-password"
USERS = {
    "buyer": ("purchase.group_purchase_user", "pharmacy_sync.group_user"),
    "operator": ("purchase.group_purchase_user", "pharmacy_sync.group_operator"),
    "manager": (
        "base.group_system",
        "pharmacy_sync.group_manager",
        "queue_job.group_queue_job_manager",
    ),
    "pharmacy": ("pharmacy_sync.group_api",),
}
STRENGTHS = (50, 250, 500, 750)


def make_user(login, groups):
    return env["res.users"].create(
        {
            "login": login,
            "name": login.capitalize(),
            "password": PASSWORD,
            "group_ids": [Command.set([env.ref(group).id for group in groups])],
        }
    )


def make_key(user):
    keys = env["res.users.apikeys"].with_user(user)
    expires = fields.Datetime.now() + timedelta(days=7)
    return keys._generate("rpc", "system tests", expires)


users = {login: make_user(login, groups) for login, groups in USERS.items()}
backend = env["sync.backend"].create(
    {
        "name": "System Test Pharmacy",
        "url": os.environ["PHARMACY_APP_URL"],
        "internal": True,
        "api_key": os.environ["PHARMACY_APP_KEY"],
        "webhook_secret": os.environ["PHARMACY_WEBHOOK_SECRET"],
        "user_id": users["pharmacy"].id,
        "read_timeout": 10,
    }
)
supplier = env["res.partner"].create(
    {
        "name": "Veterinaria Alba",
        "vat": "ESB12345674",
        "is_company": True,
        "supplier_rank": 1,
    }
)
products = env["product.product"].create(
    [
        {
            "name": f"Amoxicillin {strength} mg",
            "default_code": f"AMX{strength}",
            "barcode": f"84000000{strength:05}",
            "standard_price": strength / 10,
        }
        for strength in STRENGTHS
    ]
)
prepared = {
    "backend": backend.id,
    "supplier": supplier.id,
    "products": products.ids,
    "password": PASSWORD,
    "api_key": make_key(users["pharmacy"]),
}
env.cr.commit()
with open(os.environ["PREPARED_FILE"], "w") as output:
    json.dump(prepared, output)
