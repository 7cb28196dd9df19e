"""The addon is uninstalled, or its database copied: no harm to what is not its own."""

from contextlib import closing

import pytest
from system_databases import connect, run_odoo
from system_servers import wait_until

OWN = ("sync_%", "pharmacy_sync%")
# Users, and so their partners, are written to when they lose the addon's groups.
STAMPS = ("write_date", "write_uid")
PROMPT = 10  # seconds
# Nothing in a neutralized copy: what lets somebody in, or led to where something was.
EMPTIED = (
    "res_users_apikeys",
    "sync_backend_connect",
    "sync_webhook",
    "sync_webhook_refusal",
)
TRIGGERS = "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'sync\\_touched\\_%%'"
KEPT = (
    "purchase_order",
    "purchase_order_line",
    "res_partner",
    "product_product",
    "product_template",
)


@pytest.fixture
def leaving_stack(make_stack):
    """A stack of its own, to be ruined."""
    return make_stack("leaving")


def test_uninstalling_leaves_orders_suppliers_and_products_as_they_are(leaving_stack):
    stack = leaving_stack
    orders = stack.synced_orders(5)
    stack.app.edit("purchase-orders", stack.external_id(orders[0]), notes="Hello")
    wait_until(
        lambda: stack.seen_in_odoo(orders[0])["notes"] == "Hello",
        PROMPT,
        "an order was changed from both sides",
    )
    stack.settle()
    # A push waits for its time, with its job, when the addon goes.
    slow = {"base": 300, "cap": 300, "jitter": "none"}
    stack.configure("sync.retry.policy", [], slow)
    stack.app.kill()
    stack.set_quantity(orders[1], 5)
    wait_until(lambda: stack.operations(orders, "waiting"), PROMPT, "a push waits")
    contents = _contents(stack)
    assert stack.query(TRIGGERS)
    assert ("purchase_order", orders[0], "note") in contents

    Module = stack.model("ir.module.module", "manager")
    ids = Module.search([("name", "=", "pharmacy_sync")])
    stack.client("manager").config["timeout"] = 300
    Module.button_immediate_uninstall(ids)

    assert _differences(contents, _contents(stack)) == {}
    assert _leftovers(stack) == []
    # And Odoo works on without it.
    stack.set_quantity(orders[0], 42)
    assert stack.quantity(orders[0]) == 42
    # No job is left that would fail, or could not be looked at, for want of it.
    stack.client("manager").execute_kw("queue.job", "search_read", [[]])
    doomed = stack.query(
        "SELECT name, state FROM queue_job WHERE model_name LIKE 'sync.%%' "
        "AND state NOT IN ('done', 'cancelled', 'failed')"
    )
    assert doomed == []


def _contents(stack):
    """What the kept tables say, but for the addon's columns: ``{(table, id, column):
    value}``."""
    return {
        (table, row["id"], column): value
        for table in KEPT
        for row in stack.query(f"SELECT * FROM {table}")
        for column, value in row.items()
        if not column.startswith("sync_") and column not in STAMPS
    }


def _differences(before, after):
    return {
        key: (before.get(key), after.get(key))
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    }


def _leftovers(stack):
    """Whatever the database still has that is called like something of the addon."""
    statements = {
        "table": "SELECT relname AS name FROM pg_class WHERE relname LIKE %s "
        "AND relnamespace = 'public'::regnamespace",
        "function": "SELECT proname AS name FROM pg_proc WHERE proname LIKE %s "
        "AND pronamespace = 'public'::regnamespace",
        "trigger": "SELECT tgname AS name FROM pg_trigger WHERE tgname LIKE %s",
        "column": "SELECT table_name || '.' || column_name AS name "
        "FROM information_schema.columns WHERE column_name LIKE %s "
        "AND table_schema = 'public'",
        "model": "SELECT model AS name FROM ir_model WHERE replace(model, '.', '_') "
        "LIKE %s",
        "job function": "SELECT name FROM queue_job_function WHERE "
        "replace(name, '.', '_') LIKE '<' || %s",
        "data": "SELECT module || '.' || name AS name FROM ir_model_data "
        "WHERE module LIKE %s",
    }
    return [
        f"{kind} {row['name']}"
        for kind, statement in statements.items()
        for pattern in OWN
        for row in stack.query(statement, pattern.replace("_", "\\_"))
    ]


def test_a_neutralized_copy_talks_to_no_pharmacy(make_database, stack):
    name, __ = make_database("neutral", stack.app)
    with closing(connect(name)) as connection:
        connection.cursor().execute(
            "UPDATE sync_backend SET auth_method = 'oauth2', client_id = 'odoo', "
            "token_url = %s, token_secret = 'token', token_internal_host = 'localhost'",
            [f"{stack.app.url}/oauth/token"],
        )
    run_odoo(name, ["neutralize"])
    connection = connect(name)
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT * FROM sync_backend")
        backends = cursor.fetchall()
        left = {}
        for table in EMPTIED:
            cursor.execute(f"SELECT count(*) AS rows FROM {table}")
            left[table] = cursor.fetchone()["rows"]
        cursor.execute(TRIGGERS.replace("%%", "%"))
        triggers = cursor.fetchall()
    finally:
        connection.close()
    assert triggers == []
    assert len(backends) == 1
    (backend,) = backends
    assert backend["paused"]
    kept = ("api_key", "api_key_next", "webhook_secret", "webhook_secret_next", "token")
    assert [backend[f"{name}_secret"] for name in kept] == [None] * 5
    assert backend["token_internal_host"] is None
    assert backend["user_id"] is None
    assert backend["internal_host"] is None
    assert left == dict.fromkeys(left, 0)
    texts = [value for value in backend.values() if isinstance(value, str)]
    assert not [t for t in texts if stack.app.url in t or stack.app.key in t]
