"""The addon is uninstalled, or its database copied: no harm to what is not its own."""

import pytest
from system_databases import connect, run_odoo

OWN = ("sync_%", "pharmacy_sync%")
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
    stack.settle()
    contents = {table: _contents(stack, table) for table in KEPT}
    assert contents["purchase_order"]["count"] == 5

    Module = stack.model("ir.module.module", "manager")
    ids = Module.search([("name", "=", "pharmacy_sync")])
    stack.client("manager").config["timeout"] = 300
    Module.button_immediate_uninstall(ids)

    assert {table: _contents(stack, table) for table in KEPT} == contents
    assert _leftovers(stack) == []
    # And Odoo works on without it.
    stack.set_quantity(orders[0], 42)
    assert stack.value(
        "SELECT product_qty FROM purchase_order_line WHERE id = %s",
        stack.first_line(orders[0]),
    ) == 42
    assert stack.undone_jobs() == []


def _contents(stack, table):
    """Number and checksum of a table's rows, but for the addon's columns."""
    columns = stack.value(
        "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY column_name) "
        "FROM information_schema.columns WHERE table_name = %s "
        "AND column_name NOT LIKE 'sync\\_%%'",
        table,
    )
    (row,) = stack.query(
        f"SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t.id)) AS checksum "
        f"FROM (SELECT {columns} FROM {table}) t"
    )
    return dict(row)


def _leftovers(stack):
    """Whatever the database still has that is called like something of the addon."""
    statements = {
        "table": "SELECT relname AS name FROM pg_class WHERE relname LIKE %s "
        "AND relnamespace = 'public'::regnamespace",
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
    run_odoo(name, ["neutralize"])
    connection = connect(name)
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT * FROM sync_backend")
        backends = cursor.fetchall()
    finally:
        connection.close()
    assert len(backends) == 1
    (backend,) = backends
    assert backend["paused"]
    assert backend["api_key_secret"] is None
    assert backend["webhook_secret_secret"] is None
    texts = [value for value in backend.values() if isinstance(value, str)]
    assert not [t for t in texts if stack.app.url in t or stack.app.key in t]
