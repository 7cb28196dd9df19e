"""An update keeps what people have, and goes on with what was under way.

Databases of earlier versions are kept in ``tests/upgrade``, filled as a clinic's is in
the middle of a day (``tests/upgrade/fill.py`` says with what). Each is restored and
updated by ``odoo -u``; nothing in it may be lost, its tables must be those of a new
installation, and both sides must find together from where they were.

A change of the schema passes this as it is, or comes with a migration
(``migrations/<version>/pre-*.py`` or ``post-*.py``, and a higher version in the
manifest). Rows or columns that a migration moves or makes anew are named in
:data:`MEANT`, with the reason. Records in ``data/`` that an administrator may change
are ``noupdate``, and those that may be deleted have ``forcecreate="0"`` as well: a new
one then reaches existing databases by a migration only.

When a version is released, ``./dev dump TAG`` keeps a database of it beside the others.
"""

import json
import os
import re
from pathlib import Path

import pytest
from system_databases import drop, run_odoo
from system_servers import PharmacyApp, wait_until
from system_stack import Stack
from upgrade_database import (
    VERSIONS,
    differences,
    restore,
    restore_app,
    rows,
    schema,
)

# Changed on purpose: "table" or "table.column", and why.
MEANT = {
    "sync_alert_rule.name": "rules that nobody has named are named in plain words",
    "ir_cron.cron_name": "a scheduled action is named for what it does",
}
# Records of data/ that the administrator of the kept databases had deleted.
DELETED = {
    ("record", "alert_rule_recovery_failed"),
    ("record", "conflict_rule_text"),
    ("record", "retry_policy_connection_refused"),
}
CONNECT = Path(__file__).parent / "connect_upgraded.py"
SHELL = ["shell", "--no-http", "--max-cron-threads=0", "--log-level=warn"]
UPDATE = ["server", "-u", "pharmacy_sync", "--stop-after-init", "--no-http"]
UPDATE_TIMEOUT = 300
RECOVERY = 180
# The kept databases hold some of each, or the test would prove nothing.
UNDER_WAY = {
    "sync_conflict": {"open", "resolved"},
    "sync_operation": {"dead", "cancelled", "waiting", "done"},
    "sync_saga": {"running", "completed"},
    "sync_alert": {"open", "acknowledged"},
    "sync_event": {"pending", "done"},
    "sync_error_group": {"new", "acknowledged"},
}
MEMBERS = "res_groups_users_rel"
# What a person gave up is on one side only.
IN_STEP = """
SELECT res_id FROM sync_mapping m
 WHERE res_model = 'purchase.order' AND state = 'synced' AND backend_id = %s
   AND res_id IS NOT NULL AND external_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM sync_operation o
                    WHERE o.mapping_id = m.id AND o.discarded_at IS NOT NULL)
 ORDER BY res_id
"""


# Table, name of a column in the kept databases, and now: the values must be kept.
RENAMED = (
    ("sync_alert", "told_at", "notified_at"),
    ("sync_alert", "told_severity", "notified_severity"),
    ("sync_alert", "told_times", "notified_times"),
)


def _renamed(tables):
    for table, old, new in RENAMED:
        for row in tables[table].values():
            row[new] = row.pop(old)
    return tables


class Upgrade:
    """A restored database: what was in it before, and what the update said."""

    def __init__(self, version, name):
        self.version = version
        self.name = name
        restore(version, name)
        self.before = _renamed(rows(name))
        self.log = run_odoo(name, UPDATE, seconds=UPDATE_TIMEOUT)
        self.after = rows(name)


@pytest.fixture(scope="module", params=VERSIONS)
def upgrade(request):
    name = f"{os.environ['PHARMACY_SYNC_TEST_PREFIX']}upgrade"
    drop(name)
    yield Upgrade(request.param, name)
    drop(name)


@pytest.fixture(scope="module")
def clinics(upgrade, tmp_path_factory):
    """Both clinics, served by one Odoo, each with its app as it was."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("north", "south")}
    apps = {name: PharmacyApp(folder) for name, folder in folders.items()}
    for name, folder in folders.items():
        restore_app(upgrade.version, name, folder / "app.sqlite")
    reported = folders["north"] / "prepared.json"
    known = {name: {"url": app.url, "key": app.key} for name, app in apps.items()}
    env = {"APPS": json.dumps(known), "PREPARED_FILE": str(reported)}
    run_odoo(upgrade.name, SHELL, CONNECT.read_text(), env)
    prepared = json.loads(reported.read_text())
    north, south = (
        Stack(folders[name], upgrade.name, app, prepared[name])
        for name, app in apps.items()
    )
    try:
        for stack in (north, south):
            stack.app.start()
        south.odoo = north.odoo.start()
        north.recover(RECOVERY)
        yield north, south
    finally:
        for stack in (north, south):
            stack.stop()


def test_update_loses_nothing(upgrade):
    assert not list(differences(upgrade.before, upgrade.after, MEANT))


def test_update_gives_nobody_rights(upgrade):
    after, before = upgrade.after[MEMBERS], upgrade.before[MEMBERS]
    assert after.keys() == before.keys()


def test_update_warns_of_nothing(upgrade):
    assert not re.findall(r"^.* (?:WARNING|ERROR|CRITICAL) .*$", upgrade.log, re.M)


def test_tables_are_those_of_a_new_installation(upgrade):
    new = schema(os.environ["PHARMACY_SYNC_TEST_TEMPLATE"])
    updated = schema(upgrade.name)
    for name in DELETED:
        assert name not in updated, "what an administrator deleted came back"
        del new[name]
    wrong = {
        key: (updated.get(key, "missing"), new.get(key, "not in a new one"))
        for key in updated.keys() | new.keys()
        if updated.get(key) != new.get(key)
    }
    assert not wrong


def test_work_under_way_is_ended(upgrade, clinics):
    north, __ = clinics
    before = upgrade.before
    for table, states in UNDER_WAY.items():
        assert states <= {row["state"] for row in before[table].values()}, table
    sent = [
        mapping
        for mapping in before["sync_mapping"].values()
        if mapping["unanswered"] or mapping["uncertain"]
    ]
    assert {bool(mapping["external_id"]) for mapping in sent} == {True, False}
    for mapping in sent:
        # What was sent before the update, and never answered, was not done twice.
        north.assert_in_step([mapping["res_id"]])
    # A reservation may wait for a job of its own, and is no change that is not sent.
    under_way = (
        "SELECT count(*) FROM sync_saga WHERE state NOT IN ('completed', 'compensated')"
    )
    wait_until(lambda: not north.value(under_way), RECOVERY, "no reservation waits")
    for table in ("sync_conflict", "sync_operation"):
        after = rows(upgrade.name)[table]
        for key, row in before[table].items():
            if row["state"] in ("open", "dead"):
                assert after[key]["state"] == row["state"], (table, key)


def test_both_sides_go_on_and_end_equal(clinics):
    for stack in clinics:
        ours, theirs = stack.query(IN_STEP, stack.prepared["backend"])[-2:]
        note = f"after the update of {ours['res_id']}"
        stack.model("purchase.order").write([ours["res_id"]], {"note": note})
        external_id = stack.external_id(theirs["res_id"])
        stack.app.edit("purchase-orders", external_id, notes=note)
        stack.trigger("cron_pull")
        stack.settle()
        for order in (ours, theirs):
            assert stack.seen_in_odoo(order["res_id"])["notes"] == note
        for row in stack.query(IN_STEP, stack.prepared["backend"]):
            order = row["res_id"]
            record = stack.app.get("purchase-orders", stack.external_id(order))
            assert stack.seen_in_odoo(order) == stack.seen_at_app(record), order


def test_what_waits_for_a_person_can_be_decided(clinics):
    for stack in clinics:
        (conflict,) = stack.query(
            "SELECT c.id, m.res_id FROM sync_conflict c "
            "JOIN sync_mapping m ON m.id = c.mapping_id "
            "WHERE c.state = 'open' AND m.backend_id = %s",
            stack.prepared["backend"],
        )
        stack.model("sync.conflict", "buyer").action_keep_odoo([conflict["id"]])
        stack.settle()
        stack.assert_in_step([conflict["res_id"]])
