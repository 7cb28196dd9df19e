"""Odoo is killed in the middle of an initial synchronisation: it goes on, and nothing
is linked or created twice."""

import uuid

from system_servers import wait_until

RECOVERY = 120  # seconds
BOTH, ONLY_THERE, ONLY_HERE = 60, 60, 60
BATCH = 5


def test_killed_in_the_middle(stack, configure):
    mark = uuid.uuid4().hex[:8]
    configure("sync.stream", [("entity", "=", "supplier")], batch_size=BATCH)
    stack.set_paused(True)
    _make_both_sides(stack, mark)
    Initial = stack.model("sync.initial", "operator")
    streams = stack.query("SELECT id FROM sync_stream WHERE entity = 'supplier'")
    work = Initial.create(
        {
            "backend_id": stack.prepared["backend"],
            "stream_ids": [(6, 0, [row["id"] for row in streams])],
        }
    )
    Initial.action_preview([work])
    wait_until(lambda: _row(stack, work)["phase"] == "ready", 60, "the preview")
    planned = stack.query(
        "SELECT action, count(*) FROM sync_initial_line WHERE initial_id = %s "
        "AND coalesce(pharmacy_name, odoo_name) LIKE %s GROUP BY action",
        work,
        f"{mark}%",
    )
    assert {row["action"]: row["count"] for row in planned} == {
        "link": BOTH,
        "create_odoo": ONLY_THERE,
        "create_pharmacy": ONLY_HERE,
    }
    Initial.action_start([work])
    wait_until(
        lambda: _row(stack, work)["done_count"] >= _row(stack, work)["total"] / 3,
        60,
        lambda: f"progress: {_row(stack, work)}",
    )
    stack.odoo.kill()
    killed = _row(stack, work)
    assert killed["state"] == "running"
    assert killed["done_count"] < killed["total"]
    stack.odoo.start()

    def is_done():
        stack.trigger("cron_recover")
        return _row(stack, work)["state"] == "done"

    wait_until(is_done, RECOVERY, lambda: f"done: {_row(stack, work)}")
    stack.set_paused(False)
    stack.recover(RECOVERY)
    _assert_each_once(stack, mark)
    row = _row(stack, work)
    # What the killed worker had in hand was carried out alone.
    assert (row["done_count"], row["failed_count"]) == (row["total"], 0)
    states = stack.query(
        "SELECT state, count(*) FROM sync_initial_line WHERE initial_id = %s "
        "AND action <> 'leave' GROUP BY state",
        work,
    )
    assert [line["state"] for line in states] == ["done"]


def _make_both_sides(stack, mark):
    def values(kind, number):
        return {"name": f"{mark} {kind} {number}", "reference": f"{mark}-{number}"}

    there = [values("both", n) for n in range(BOTH)]
    there += [values("there", 1000 + n) for n in range(ONLY_THERE)]
    items = [{"method": "create", "data": data} for data in there]
    stack.app.call("POST", "/api/v1/suppliers/batch", items=items)
    here = [values("both", n) for n in range(BOTH)]
    here += [values("here", 2000 + n) for n in range(ONLY_HERE)]
    stack.model("res.partner", "manager").create(
        [
            {
                "name": data["name"],
                "ref": data["reference"],
                "is_company": True,
                "supplier_rank": 1,
            }
            for data in here
        ]
    )


def _row(stack, work):
    (row,) = stack.query(
        "SELECT phase, state, done_count, failed_count, total, reason "
        "FROM sync_initial WHERE id = %s",
        work,
    )
    return row


def _assert_each_once(stack, mark):
    expected = BOTH + ONLY_THERE + ONLY_HERE
    there = [r for r in stack.app.items("suppliers") if r["name"].startswith(mark)]
    here = stack.query(
        "SELECT id, name FROM res_partner WHERE name LIKE %s", f"{mark}%"
    )
    assert len(there) == len(here) == expected
    assert {r["name"] for r in there} == {r["name"] for r in here}
    mapped = stack.query(
        "SELECT m.external_id, m.state, p.name FROM sync_mapping m "
        "JOIN res_partner p ON p.id = m.res_id "
        "WHERE m.res_model = 'res.partner' AND p.name LIKE %s",
        f"{mark}%",
    )
    names = {r["id"]: r["name"] for r in there}
    assert {r["state"] for r in mapped} == {"synced"}
    assert {r["external_id"]: r["name"] for r in mapped} == names
