"""Reconciliation of many records: bucket checksums against a full compare.

RECONCILE_RECORDS suppliers (50,000) are the same on both sides but for a few, changed
where nobody was told: half in Odoo by SQL, half at the app with the feed entry lost.
Both ways find them, in turn, in one run; bytes are those of the answers of the app.
"""

import json
import os
from statistics import median

import requests
from rig import APP_KEY, APP_URL, Client, app, connect, environment, query, timed

RECORDS = int(os.environ.get("RECONCILE_RECORDS", "50000"))
DRIFTED = 10
ROUNDS = 2
BATCH = 500

admin = Client("admin", "admin")
backend_id, __ = connect(admin)


def seed_app():
    """The records at the app: ``[(id, data), ...]``."""
    made = []
    for start in range(0, RECORDS, BATCH):
        items = [
            {"method": "create", "data": data(number)}
            for number in range(start, min(start + BATCH, RECORDS))
        ]
        results = app("POST", "/api/v1/suppliers/batch", items=items)["results"]
        made += [(result["id"], result["data"]) for result in results]
    return made


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


COPIED = ("name", "email", "phone", "street", "city", "zip")


def seed_odoo(env, stream, records):
    """The same records in Odoo, and their mappings, by SQL."""
    Partner = env["res.partner"]
    model = Partner.create({"name": "Model", "is_company": True, "supplier_rank": 1})
    env.flush_all()
    columns = [
        name
        for (name,) in env.execute_query(
            _sql("SELECT column_name FROM information_schema.columns "
                 "WHERE table_name = 'res_partner'")
        )
        if name not in ("id", "ref", "commercial_partner_id", *COPIED)
    ]
    names = ", ".join(f'"{name}"' for name in columns)
    rows = [{**values, "ref": values["reference"]} for __, values in records]
    ids = env.execute_query(
        _sql(
            f"INSERT INTO res_partner (ref, {', '.join(COPIED)}, {names}) "
            f"SELECT t.ref, {', '.join(f't.{name}' for name in COPIED)}, "
            + ", ".join(f'm."{name}"' for name in columns)
            + " FROM jsonb_to_recordset(%s::jsonb) AS t (ref text, "
            + ", ".join(f"{name} text" for name in COPIED)
            + "), res_partner m WHERE m.id = %s RETURNING id",
            json.dumps(rows),
            model.id,
        )
    )
    # Nobody is to sell anything to the one they were made after.
    model.supplier_rank = 0
    env.cr.execute("UPDATE res_partner SET commercial_partner_id = id "
                   "WHERE commercial_partner_id IS NULL")
    adapter = env["sync.entity.supplier"]
    directory = Directory(stream.backend_id)
    canonical = [adapter._canonical(values, directory) for __, values in records]
    for start in range(0, len(records), 5000):
        part = slice(start, start + 5000)
        env["sync.mapping"]._insert(
            stream,
            [
                {"res_id": res_id, "external_id": ext, "version": 1, "base": base}
                for (res_id,), (ext, __), base in zip(
                    ids[part], records[part], canonical[part], strict=True
                )
            ],
        )
    page = requests.get(
        f"{APP_URL}/api/v1/changes",
        params={"entity": "suppliers", "cursor": 0, "limit": 1},
        headers={"Authorization": f"Bearer {APP_KEY}"},
        timeout=60,
    ).json()
    return page, [res_id for (res_id,) in ids]


def _sql(text, *values):
    from odoo.tools import SQL

    return SQL(text, *values)


def drift(env, stream, records, ids):
    """Change a few where nobody is told, and skip the feed's entries."""
    half = DRIFTED // 2
    for res_id in ids[:half]:
        env.cr.execute("UPDATE res_partner SET city = 'Lugo' WHERE id = %s", (res_id,))
    seq = None
    for external_id, __ in records[-half:]:
        response = requests.patch(
            f"{APP_URL}/api/v1/suppliers/{external_id}",
            json={"city": "Vigo"},
            headers={"Authorization": f"Bearer {APP_KEY}", "If-Match": "*"},
            timeout=60,
        )
        response.raise_for_status()
    stream.cursor = seq or head(stream)


def head(stream):
    """The end of the app's change feed, found by halving: no cursor beyond it."""
    low, high = 0, 10_000_000
    while low < high:
        middle = (low + high + 1) // 2
        answer = requests.get(
            f"{APP_URL}/api/v1/changes",
            params={"entity": "suppliers", "cursor": middle, "limit": 1},
            headers={"Authorization": f"Bearer {APP_KEY}"},
            timeout=60,
        )
        low, high = (middle, high) if answer.status_code == 200 else (low, middle - 1)
    return str(low)


def reconcile(env, stream, full):
    """One comparison: (seconds, bytes received, calls, found)."""
    app("POST", "/admin/settings", without_checksums=full)
    work = env["sync.reconciliation"].create({"stream_id": stream.id, "state": "running"})
    env.cr.commit()
    seconds = timed(work._job_work_to_the_end)
    received, calls = query(
        "SELECT sum(bytes_received), count(*) FROM sync_call WHERE correlation_id = %s",
        work.correlation_id,
    )[0]
    found = query(
        "SELECT count(*) FROM sync_drift WHERE reconciliation_id = %s AND state = 'open'",
        work.id,
    )[0][0]
    return seconds, int(received), calls, found


from_odoo = {}
