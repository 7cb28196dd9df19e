"""Reconciliation of many records: bucket checksums against a full compare.

RECONCILE_RECORDS suppliers (50,000) are the same on both sides but for ten: five were
changed in Odoo past the triggers, five at the app with their feed entries lost. Both
ways find them, in turn, in one run. Bytes are those of the app's answers.
"""

import json
import os
from statistics import median

import requests
from rig import APP_KEY, APP_URL, Client, app, connect, environment, query, timed

RECORDS = int(os.environ.get("RECONCILE_RECORDS", "50000"))
DRIFTED_EACH = 5
ROUNDS = 2
BATCH = 500
WAYS = {"full compare": True, "bucket checksums": False}
# Columns of the copies in Odoo, and the app's names for them.
FIELDS = {"name": "name", "ref": "reference", "email": "email", "phone": "phone"}
FIELDS |= {name: name for name in ("street", "city", "zip")}


def data(number):
    return {
        "name": f"Supplier {number}",
        "reference": f"S-{number}",
        "email": f"orders@supplier{number}.example.com",
        "phone": f"+34 981 {number:06}",
        "street": f"Rua {number}",
        "city": "A Coruna",
        "zip": f"{15000 + number % 1000}",
    }


def seed_app():
    """The records at the app: ``[(id, record), ...]``."""
    made = []
    for start in range(0, RECORDS, BATCH):
        items = [
            {"method": "create", "data": data(number)}
            for number in range(start, min(start + BATCH, RECORDS))
        ]
        results = app("POST", "/api/v1/suppliers/batch", items=items)["results"]
        made += [(result["id"], result["data"]) for result in results]
    return made


def seed_odoo(env, stream, records):
    """The same records in Odoo with their mappings, by SQL: the ids."""
    from odoo.addons.pharmacy_sync.core.exchange.pair import Base
    from odoo.addons.pharmacy_sync.entities.directory import Directory

    ids = insert_partners(env, records)
    adapter, directory = stream._adapter(), Directory(stream.backend_id)
    for start in range(0, len(records), 5000):
        env["sync.mapping"]._insert(
            stream,
            [
                {
                    "res_id": res_id,
                    "external_id": external_id,
                    "version": 1,
                    "base": Base.load(adapter._canonical(record, directory)),
                }
                for res_id, (external_id, record) in zip(
                    ids[start : start + 5000],
                    records[start : start + 5000],
                    strict=True,
                )
            ],
        )
    return ids


def insert_partners(env, records):
    """One partner a record, like a model that Odoo created: their ids."""
    env["res.partner"].search([("supplier_rank", ">", 0)]).supplier_rank = 0
    model = env["res.partner"].create(
        {"name": "Model", "is_company": True, "supplier_rank": 1}
    )
    env.flush_all()
    env.cr.execute(
        "SELECT string_agg(quote_ident(column_name), ', ') "
        "FROM information_schema.columns WHERE table_name = 'res_partner' "
        "AND NOT column_name = ANY(%s)",
        (["id", "commercial_partner_id", *FIELDS],),
    )
    ((rest,),) = env.cr.fetchall()
    given = ", ".join(FIELDS)
    env.cr.execute(
        f"INSERT INTO res_partner ({given}, {rest}) "
        f"SELECT {', '.join(f't.{name}' for name in FIELDS)}, {rest_of('m', rest)} "
        "FROM jsonb_to_recordset(%s::jsonb) AS t "
        f"({', '.join(f'{name} text' for name in FIELDS)}), res_partner m "
        "WHERE m.id = %s RETURNING id",
        (
            json.dumps(
                [
                    {ours: r[theirs] for ours, theirs in FIELDS.items()}
                    for __, r in records
                ]
            ),
            model.id,
        ),
    )
    ids = [res_id for (res_id,) in env.cr.fetchall()]
    model.supplier_rank = 0
    env.flush_all()
    return ids


def rest_of(table, columns):
    return ", ".join(f"{table}.{name}" for name in columns.split(", "))


def drift(env, stream, records, ids):
    """Change a few of either side where nothing notices."""
    env.cr.execute(
        "UPDATE res_partner SET city = 'Lugo' WHERE id = ANY(%s)",
        (ids[:DRIFTED_EACH],),
    )
    for external_id, __ in records[-DRIFTED_EACH:]:
        call = requests.patch(
            f"{APP_URL}/api/v1/suppliers/{external_id}",
            json={"city": "Vigo"},
            headers={"Authorization": f"Bearer {APP_KEY}", "If-Match": "*"},
            timeout=60,
        )
        call.raise_for_status()
    stream.cursor = end_of_feed()


def end_of_feed():
    cursor, more = "0", True
    while more:
        path = f"/api/v1/changes?entity=suppliers&limit=500&cursor={cursor}"
        page = app("GET", path)
        cursor, more = page["next_cursor"], page["has_more"]
    return cursor


def reconcile(env, stream, full):
    """One comparison: seconds, bytes received, calls, drift found."""
    app("POST", "/admin/settings", without_checksums=full)
    work = env["sync.reconciliation"].create(
        {"stream_id": stream.id, "state": "running"}
    )
    correlation_id = work.correlation_id
    env.cr.commit()

    def to_the_end():
        while work._step():
            env.cr.rollback()  # as one job after the other: a new snapshot

    seconds = timed(to_the_end)
    received, calls = query(
        "SELECT sum(bytes_received), count(*) FROM sync_call WHERE correlation_id = %s",
        correlation_id,
    )[0]
    ((found,),) = query(
        "SELECT count(*) FROM sync_drift WHERE reconciliation_id = %s "
        "AND state = 'open'",
        work.id,
    )
    from odoo.addons.pharmacy_sync.models.base.own_transaction import apart

    apart(work._end_work, "done")
    env.cr.rollback()
    return seconds, int(received), calls, found


admin = Client("admin", "admin")
backend_id, __ = connect(admin)
# The server's own schedule must leave the records alone.
admin("sync.backend", "write", [backend_id], {"paused": True})
with environment() as env:
    backend = env["sync.backend"].browse(backend_id)._as_runner()
    stream = backend.stream_ids.filtered(lambda s: s.entity == "supplier")
    records = seed_app()
    # What the triggers note is on its way, and no drift.
    stream.env.cr.execute("ALTER TABLE res_partner DISABLE TRIGGER USER")
    ids = seed_odoo(stream.env, stream, records)
    drift(stream.env, stream, records, ids)
    stream.env.flush_all()
    stream.env.cr.execute("ALTER TABLE res_partner ENABLE TRIGGER USER")
    stream.env.cr.commit()
    stream.env.cr.execute("ANALYZE")
    results = {way: [] for way in WAYS}
    for __ in range(ROUNDS):
        for way, full in WAYS.items():
            results[way].append(reconcile(stream.env, stream, full))
    app("POST", "/admin/settings", without_checksums=False)

print(f"\n{RECORDS} records, {2 * DRIFTED_EACH} drifted")
print(f"{'':20}{'seconds':>10}{'bytes':>14}{'calls':>8}{'found':>8}")
middle = {}
for way, rounds in results.items():
    middle[way] = [median(values) for values in zip(*rounds, strict=True)]
    seconds, received, calls, found = middle[way]
    print(f"{way:20}{seconds:10.1f}{received:14,.0f}{calls:8.0f}{found:8.0f}")
full, sums = (middle[way] for way in WAYS)
print(
    f"checksums read 1/{full[1] / sums[1]:.0f} of the bytes, in "
    f"1/{full[2] / sums[2]:.1f} of the calls and {sums[0] / full[0]:.2f} of the time"
)
assert full[3] == sums[3] == 2 * DRIFTED_EACH, "both ways find all of it"
