"""What a change leaves in the tables: bytes and rows, indexes included.

The notes of the same orders are changed again and again in Odoo, and go to the app by
the real job runner. Each table is measured before and after, without dead rows, which
PostgreSQL's autovacuum takes away in time.
"""

import psycopg2
from rig import DATABASE, Client, app, connect, query, wait_until

ORDERS = 200
ROUNDS = 10
OPEN = "SELECT count(*) FROM sync_operation WHERE state NOT IN ('done', 'cancelled')"
TABLES = """SELECT c.oid::regclass::text, pg_total_relation_size(c.oid) FROM pg_class c
             WHERE c.relkind = 'r' AND c.relname ~ '^(sync_|queue_job$)' ORDER BY 1"""

admin = Client("admin", "admin")
backend, __ = connect(admin)


def wait_for_readers():
    """Dead rows stay as long as a transaction that has begun before might read them."""
    ((last,),) = query("SELECT pg_snapshot_xmax(pg_current_snapshot())::xid::text")
    wait_until(
        f"""SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database()
               AND age(backend_xmin) > age('{last}'::xid)""",
        0,
    )


def sizes():
    """``{table: (bytes, rows)}``"""
    wait_for_readers()
    connection = psycopg2.connect(f"dbname={DATABASE}")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        names = [name for name, __ in cursor.fetchall()]
        for name in names:
            cursor.execute(f"VACUUM FULL {name}")
        cursor.execute(TABLES)
        found = dict(cursor.fetchall())
        for name in names:
            cursor.execute(f"SELECT count(*) FROM {name}")
            found[name] = (found[name], cursor.fetchone()[0])
    connection.close()
    return found


def edit(number):
    notes = {order: f"<p>note {number} of {order}</p>" for order in orders}
    for order, note in notes.items():
        admin("purchase.order", "write", [order], {"note": note})
    wait_until("SELECT count(*) FROM sync_event WHERE state = 'pending'", 0)
    wait_until(OPEN, 0)


app("POST", "/admin/seed", orders=ORDERS)
admin("sync.backend", "action_synchronise", [backend])
LINKED = "SELECT count(*) FROM sync_mapping WHERE state = 'synced' AND res_model = '{}'"
wait_until(LINKED.format("purchase.order"), ORDERS)
orders = [
    row[0]
    for row in query(
        """SELECT o.id FROM purchase_order o JOIN sync_mapping m ON m.res_id = o.id
            WHERE m.res_model = 'purchase.order' AND o.state = 'draft'"""
    )
]
edit(0)
before = sizes()
for number in range(1, ROUNDS + 1):
    edit(number)
after = sizes()
changes = ROUNDS * len(orders)
print(f"\nWhat each of {changes} changes left, Odoo to the app")
print(f"{'':28}{'bytes':>9}{'rows':>9}")
for name, (size, rows) in after.items():
    grown, more = size - before[name][0], rows - before[name][1]
    if more:
        print(f"{name:28}{grown / changes:9.0f}{more / changes:9.2f}")
mappings = query("SELECT count(*) FROM sync_mapping")[0][0]
print(f"a mapping has {after['sync_mapping'][0] / mappings:.0f} bytes")
