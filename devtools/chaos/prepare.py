"""Given to ``odoo shell``: a clinic that is connected to a pharmacy app.

Writes what the storm must know as JSON to the file named by ``CHAOS_PREPARED``.
"""

import json
import os
from datetime import timedelta

from odoo import Command, fields

env = env  # noqa: F821 - given by the shell
USERS = {
    "buyer": (
        "purchase.group_purchase_manager",
        "base.group_partner_manager",
        "product.group_product_manager",
        "pharmacy_sync.group_user",
    ),
    "operator": (
        "base.group_system",
        "purchase.group_purchase_manager",
        "pharmacy_sync.group_manager",
    ),
    "pharmacy": ("pharmacy_sync.group_api",),
}


def make_key(login, groups):
    user = env["res.users"].create(
        {
            "login": f"chaos-{login}",
            "name": login.capitalize(),
            "group_ids": [Command.set([env.ref(group).id for group in groups])],
        }
    )
    keys = env["res.users.apikeys"].with_user(user)
    expires = fields.Datetime.now() + timedelta(days=1)
    return user, keys._generate("rpc", "chaos", expires)


made = {login: make_key(login, groups) for login, groups in USERS.items()}
backend = env["sync.backend"].create(
    {
        "name": "Pharmacy",
        "url": os.environ["PHARMACY_APP_URL"],
        "internal": True,
        "api_key": os.environ["PHARMACY_APP_KEY"],
        "webhook_secret": os.environ["PHARMACY_WEBHOOK_SECRET"],
        "user_id": made["pharmacy"][0].id,
        "read_timeout": 10,
    }
)
env.cr.commit()
with open(os.environ["CHAOS_PREPARED"], "w") as output:
    keys = {login: key for login, (__, key) in made.items()}
    json.dump({"backend": backend.id, "keys": keys}, output)
