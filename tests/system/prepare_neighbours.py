"""Given to ``odoo shell`` after ``prepare.py``: the addons of others at work, a second
company with an app of its own, three currencies, people who work in Spanish."""

# The names are those of prepare.py.
# ruff: noqa: F821
SPEAKING = ("base", "uom", "product", "purchase", "stock", "pharmacy_sync")
LOGGED = ("purchase.order", "purchase.order.line", "res.partner", "product.product")
FORBIDDEN = "PROHIBIDO"
NEIGHBOURS = ("stock.group_stock_user", "account.group_account_invoice")

env["res.lang"]._activate_lang("es_ES")
speaking = env["ir.module.module"].search([("name", "in", SPEAKING)])
speaking._update_translations(["es_ES"])
euro, yen, dinar = (
    env["res.currency"].with_context(active_test=False).search([("name", "=", name)])
    for name in ("EUR", "JPY", "KWD")
)
(euro | yen | dinar).active = True

first = env.company
first.currency_id = euro
second = env["res.company"].create({"name": "Sucursal", "currency_id": yen.id})
(first | second).partner_id.lang = "es_ES"
env["stock.warehouse"].create(
    {"name": second.name, "code": "SUC", "company_id": second.id}
)
env["account.chart.template"].try_loading("generic_coa", company=first)
first.currency_id = euro

people = [users[login] for login in ("buyer", "operator", "manager")]
for user in people:
    user.write(
        {
            "lang": "es_ES",
            "tz": "America/Lima",
            "company_ids": [Command.set((first | second).ids)],
            "group_ids": [Command.link(env.ref(group).id) for group in NEIGHBOURS],
        }
    )
users["pharmacy"].lang = "es_ES"

far = make_user("far", [*USERS["pharmacy"]])
far.write({"company_ids": [Command.set(second.ids)], "company_id": second.id})
far_backend = env["sync.backend"].create(
    {
        "name": "Farmacia Sucursal",
        "url": os.environ["FAR_APP_URL"],
        "internal": True,
        "api_key": os.environ["PHARMACY_APP_KEY"],
        "user_id": far.id,
        "company_id": second.id,
    }
)

# purchase_exception: what has this word in its vendor reference is not confirmed.
env["exception.rule"].create(
    {
        "name": "Proveedor vetado",
        "description": "El proveedor está vetado",
        "model": "purchase.order",
        "exception_type": "by_py_code",
        "code": f"failed = {FORBIDDEN!r} in (object.partner_ref or '')",
    }
)
# purchase_order_approved: orders of this supplier wait for their release.
careful = env["res.partner"].create(
    {
        "name": "Laboratorio Lento",
        "vat": "ESA28015865",
        "is_company": True,
        "supplier_rank": 1,
        "purchase_requires_second_approval": "always",
    }
)
# auditlog: it takes the place of the methods that write.
for name in LOGGED:
    env["auditlog.rule"].create(
        {
            "name": name,
            "model_id": env["ir.model"]._get_id(name),
            "log_read": True,
            "log_type": "full",
            "capture_record": True,
            "state": "confirmed",
        }
    )
prepared |= {
    "far_backend": far_backend.id,
    "far_key": make_key(far),
    "careful": careful.id,
    "forbidden": FORBIDDEN,
    "companies": (first | second).ids,
    "currencies": {c.name: c.id for c in euro | yen | dinar},
}
env.cr.commit()
with open(os.environ["PREPARED_FILE"], "w") as output:
    json.dump(prepared, output)
