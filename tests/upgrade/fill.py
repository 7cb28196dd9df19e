"""Given to ``odoo shell`` by ``./dev dump``: fill a database as people and outages do.

Two companies, each with a pharmacy app of its own, are left in the middle of their
work: changes not sent, pushes without an answer, a conflict, dead letters, a saga half
done, alerts, and settings that an administrator changed. It speaks to the version that
it fills; what it made is asserted by ``tests/system/test_upgrade.py``.
"""

import os

import requests

from odoo import Command

env = env  # noqa: F821 - given by the shell
PASSWORD = "test-password"
KEY = os.environ["PHARMACY_APP_KEY"]
ORDERS = "purchase-orders"
USERS = {
    "buyer": ("purchase.group_purchase_user", "pharmacy_sync.group_user"),
    "operator": ("purchase.group_purchase_user", "pharmacy_sync.group_operator"),
    "manager": (
        "base.group_system",
        "pharmacy_sync.group_manager",
        "queue_job.group_queue_job_manager",
    ),
    "pharmacy north": ("base.group_user", "pharmacy_sync.group_api"),
    "pharmacy south": ("base.group_user", "pharmacy_sync.group_api"),
}


class Clinic:
    """A company, its backend, and its pharmacy app."""

    def __init__(self, company, name, url, user):
        self.env = env(context={**env.context, "allowed_company_ids": company.ids})
        self.url = url
        self.backend = self.env["sync.backend"].create(
            {
                "name": name,
                "company_id": company.id,
                "url": url,
                "internal": True,
                "api_key": KEY,
                "webhook_secret": os.environ["PHARMACY_WEBHOOK_SECRET"],
                "user_id": user.id,
            }
        )
        self.backend.stream_ids.batch_pause = 0
        self.api = self.env["sync.api"].with_user(user)

    def call(self, method, path, **body):
        headers = {"Authorization": f"Bearer {KEY}", "If-Match": "*"}
        answer = requests.request(
            method, self.url + path, json=body or None, headers=headers, timeout=30
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def add(self, collection, **values):
        return self.call("POST", f"/api/v1/{collection}", **values)

    def edit(self, record, **values):
        path = f"/api/v1/{ORDERS}/{self.mapping(record).external_id}"
        return self.call("PATCH", path, **values)

    def fault(self, kind, method="POST", path="*", **rule):
        rules = [{"kind": kind, "match": {"method": method, "path": path}, **rule}]
        self.call("POST", "/admin/faults", seed=1, rules=rules)

    def heal(self):
        self.call("DELETE", "/admin/faults")

    def push(self):
        env.cr.commit()
        self.backend._as_runner()._job_push()
        env.cr.commit()
        env.invalidate_all()

    def pull(self):
        env.cr.commit()
        self.backend._as_runner()._job_pull()
        env.cr.commit()
        env.invalidate_all()

    def work(self, record):
        """Do what the job runner would with a long work."""
        env.cr.commit()
        record.with_env(self.backend._as_runner().env)._job_work()
        env.cr.commit()
        env.invalidate_all()

    def step(self, saga):
        env.cr.commit()
        runner = saga.with_env(self.backend._as_runner().env)
        runner.with_context(job_uuid=saga.job_uuid)._job_step()
        env.cr.commit()
        env.invalidate_all()

    def mapping(self, record):
        return self.env["sync.mapping"].search(
            [
                ("backend_id", "=", self.backend.id),
                ("res_model", "=", record._name),
                ("res_id", "=", record.id),
            ]
        )

    def operations(self, record, *states):
        operations = self.mapping(record).operation_ids
        return operations.filtered(lambda operation: operation.state in states)

    def order(self, supplier, products, quantity=2.0, **values):
        return self.env["purchase.order"].create(
            {
                "partner_id": supplier.id,
                "order_line": [
                    Command.create(
                        {
                            "product_id": product.id,
                            "product_qty": quantity + index,
                            "price_unit": 12.35 + index,
                        }
                    )
                    for index, product in enumerate(products)
                ],
                **values,
            }
        )


def make_users():
    return {
        login: env["res.users"].create(
            {
                "login": login,
                "name": login.title(),
                "password": PASSWORD,
                "group_ids": [Command.link(env.ref(group).id) for group in groups],
            }
        )
        for login, groups in USERS.items()
    }


def make_clinics(users):
    south = env["res.company"].create({"name": "Clinica Sur"})
    for user in users.values():
        user.company_ids |= south
    return (
        Clinic(
            env.company,
            "Pharmacy North",
            os.environ["PHARMACY_APP_NORTH"],
            users["pharmacy north"],
        ),
        Clinic(
            south,
            "Pharmacy South",
            os.environ["PHARMACY_APP_SOUTH"],
            users["pharmacy south"],
        ),
    )


def make_catalogue():
    supplier = env["res.partner"].create(
        {
            "name": "Veterinaria Alba",
            "vat": "ESB12345674",
            "email": "alba@example.com",
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
                "standard_price": strength / 8,
            }
            for strength in (50, 250, 500)
        ]
    )
    return supplier, products


def live(clinic, supplier, products):
    """Quiet days: orders of both sides; some confirmed, one cancelled."""
    there = clinic.add("suppliers", name=f"Farmacia {clinic.backend.name}", city="Faro")
    product = clinic.add("products", name="Ibuprofen", uom="Units", cost="1.15")
    line = {"product_id": product["id"], "quantity": "4", "unit_price": "1.20"}
    for number in range(3):
        clinic.add(
            ORDERS, supplier_id=there["id"], notes=f"Theirs {number}", lines=[line]
        )
    orders = [
        clinic.order(supplier, products, number + 1.5, note=f"<p>Ours {number}</p>")
        for number in range(8)
    ]
    orders[0].button_confirm()
    orders[1].button_cancel()
    for __ in range(2):
        clinic.push()
        clinic.pull()
    return orders, there, product


def disagree(clinic, orders, buyer):
    """Both sides change an order: one conflict is decided, one is left open."""
    for number, order in enumerate(orders):
        clinic.edit(order, notes=f"Ring twice, {number}")
        order.with_user(buyer).note = f"<p>Ring once, {number}</p>"
    clinic.pull()
    for order in orders:
        assert clinic.mapping(order)._open_conflict(), order
    decided = clinic.mapping(orders[0])._open_conflict().with_user(buyer)
    decided.action_take_pharmacy()
    clinic.push()


def die(clinic, orders, operator, supplier, products):
    """Changes that one side refuses: left, assigned, discarded, redriven."""
    for order in orders:
        order.order_line[0].product_qty = -1.0
    new = clinic.order(supplier, products, quantity=-9.0)
    clinic.add("products", name="Odd", uom="Barrels of Nowhere")
    clinic.push()
    clinic.pull()
    given_up, assigned = orders[:2]
    dead = clinic.operations(given_up, "dead").with_user(operator)
    dead.action_discard("The app is right.")
    clinic.operations(assigned, "dead").with_user(operator).action_assign_to_me()
    assert clinic.operations(new, "dead"), new
    redriven = clinic.operations(new, "dead").with_user(operator)
    redrive = env["sync.redrive"].browse(redriven.action_plan_redrive()["res_id"])
    clinic.work(redrive)
    return dead.error_group_id


def lose_answers(clinic, order, supplier, products):
    """The app did what was asked, and its answer never came."""
    order.note = "<p>Sent, and never answered</p>"
    new = clinic.order(supplier, products, note="<p>Made, and never answered</p>")
    clinic.fault("lost_answer")
    clinic.push()
    clinic.heal()
    assert clinic.mapping(order).unanswered, order
    assert clinic.mapping(new).uncertain, new


def reserve(clinic, supplier, product):
    """A saga that is over, and one whose goods are reserved and not confirmed."""
    line = {"product_id": product["id"], "quantity": "3", "unit_price": "1.20"}
    clinic.call("POST", "/admin/settings", stock={product["id"]: 50})
    sagas = []
    for steps in (9, 2):
        record = clinic.add(ORDERS, supplier_id=supplier["id"], lines=[line])
        told = clinic.api.order(record, f"saga of {record['id']}")
        saga = clinic.env["sync.saga"].browse(told["saga"])
        for __ in range(steps):
            if saga.state != "completed":
                clinic.step(saga)
        sagas.append(saga)
    assert [saga.state for saga in sagas] == ["completed", "running"], sagas


def look(clinic, supplier):
    """What compares all there is, and what counts and warns."""
    supplier.phone = "+34 600 000 000"
    clinic.push()
    env.cr.execute(
        "UPDATE res_partner SET city = 'Unheard of' WHERE id = %s", (supplier.id,)
    )
    stream = clinic.backend.stream_ids.filtered(lambda s: s.entity == "supplier")
    compared = clinic.env["sync.reconciliation"].create({"stream_id": stream.id})
    compared.action_start()
    clinic.work(compared)
    assert compared.drift_ids, compared.reason
    initial = clinic.env["sync.initial"].create({"backend_id": clinic.backend.id})
    initial.action_preview()
    clinic.work(initial)
    clinic.api.lookup("supplier", [clinic.mapping(supplier).external_id])
    # Hours are counted when they are over.
    env.cr.execute("UPDATE sync_call SET create_date = create_date - interval '3 h'")
    env["sync.metric"]._cron_roll_up()
    env["sync.alert"]._cron_watch()
    env.cr.commit()
    env.invalidate_all()


def administer(north, south, operator, group):
    """Settings of people; an update has no business with them."""
    env.ref("pharmacy_sync.retry_policy_network_timeout").write(
        {"max_attempts": 9, "cap": 77}
    )
    env.ref("pharmacy_sync.alert_rule_error_rate").write(
        {"threshold": 25, "window": 120, "severity": "high", "user_id": operator.id}
    )
    env.ref("pharmacy_sync.alert_rule_health_score").active = False
    env.ref("pharmacy_sync.alert_rule_recovery_failed").unlink()
    env.ref("pharmacy_sync.conflict_rule_cancelled").active = False
    env.ref("pharmacy_sync.conflict_rule_rounding").paths = "cost, price"
    env.ref("pharmacy_sync.conflict_rule_text").unlink()
    env.ref("pharmacy_sync.retry_policy_connection_refused").unlink()
    env.ref("pharmacy_sync.cron_reconcile").interval_number = 7
    env.ref("pharmacy_sync.group_manager").user_ids -= env.ref("base.user_admin")
    south.backend.stream_ids.batch_size = 7
    env["sync.conflict.policy"].create(
        {
            "stream_id": south.backend.stream_ids[0].id,
            "field": "name",
            "policy": "odoo",
        }
    )
    south.backend.stream_ids.filtered(
        lambda stream: stream.entity == "product"
    ).direction = "pull"
    south.backend.breaker_ids.consecutive_failures = 8
    breaker = south.backend.breaker_ids[0].with_user(operator)
    breaker._set_mode("metrics_only", "They are on the phone.")
    north.backend.pool_ids.concurrency = 3
    env["sync.config"]._keep(
        "production",
        ("retry", "breaker"),
        {
            "retry_max_attempts": 4,
            "retry_base_delay": 2,
            "breaker_threshold": 6,
            "alert_rate_limit": 600,
        },
    )
    # Without it, a retry may come within the same job.
    env.ref("pharmacy_sync.retry_policy_default").jitter = "equal"
    env["sync.error.rule"].create({"http_status": 418, "error_type": "unexpected"})
    env["sync.report.schedule"].create(
        {"name": "Mondays", "frequency": "weekly", "partner_ids": operator.partner_id}
    )
    group.with_user(operator).action_acknowledge()
    env["sync.alert"].search([], limit=1).with_user(operator).action_acknowledge()


def speak_spanish():
    language = env["res.lang"].with_context(active_test=False)
    spanish = language.search([("code", "=", "es_ES")])
    env["base.language.install"].create({"lang_ids": spanish.ids}).lang_install()
    rule = env.ref("pharmacy_sync.alert_rule_error_rate").with_context(lang="es_ES")
    rule.name = "Demasiados errores, dice la dueña"


def grow_old():
    """A month passes, so that a test of it says the same today and in a year."""
    env.flush_all()
    env.cr.execute(
        """SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = current_schema() AND data_type LIKE 'timestamp%'
              AND (starts_with(table_name, 'sync_') OR table_name = 'queue_job')"""
    )
    for table, column in env.cr.fetchall():
        env.cr.execute(
            f'UPDATE "{table}" SET "{column}" = "{column}" - interval \'30 days\''
        )


def main():
    speak_spanish()
    users = make_users()
    north, south = make_clinics(users)
    supplier, products = make_catalogue()
    orders, there, product = live(north, supplier, products)
    others, __, __ = live(south, supplier, products)
    operator, buyer = users["operator"], users["buyer"]
    group = die(north, orders[2:5], operator, supplier, products)
    disagree(north, orders[5:7], buyer)
    disagree(south, others[2:4], buyer)
    reserve(north, there, product)
    look(north, supplier)
    administer(north, south, operator, group)
    lose_answers(north, orders[7], supplier, products)
    # Under way when the servers were stopped for the update.
    others[7].note = "<p>Written, and not sent yet</p>"
    south.add("suppliers", name="Farmacia Nueva")
    grow_old()
    # Where it was filled is no part of it.
    env.cr.execute(
        """UPDATE sync_error SET trace = regexp_replace(
               trace, 'File "[^"]*/', 'File "', 'g')"""
    )
    env["ir.attachment"].search([("url", "=like", "/web/assets/%")]).unlink()
    env.cr.commit()
    print("filled: all of it")


main()
