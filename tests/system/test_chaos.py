"""A storm over two servers as ``./dev chaos`` makes it, in small: nothing is lost, and
what is damaged behind everybody's back afterwards is found."""

import os

import pytest
from system_databases import clone, connect, drop

from odoo.addons.pharmacy_sync.devtools import chaos
from odoo.addons.pharmacy_sync.devtools.chaos.persons import ORDER
from odoo.addons.pharmacy_sync.devtools.chaos.storm import Storm

SEED = 4
SECONDS = 20


@pytest.fixture
def database():
    name = f"{os.environ['PHARMACY_SYNC_TEST_PREFIX']}chaos"
    drop(name)
    clone(os.environ["PHARMACY_SYNC_TEST_TEMPLATE"], name)
    yield name
    drop(name)


@pytest.mark.timeout(600)
def test_a_storm_loses_nothing_and_damage_is_found(database):
    with chaos.serving(database, 2, word="chaos_test") as servers:
        storm = Storm(SEED, SECONDS, servers)
        storm.rage()
        calm = storm.compare()
        chaos.report(calm, storm)
        assert calm.sentences() == []
        assert calm.acknowledged > 20

        lost, doubled, changed = damage(storm, database)
        verdict = storm.compare()
        assert [text.split()[1] for text in verdict.lost] == [lost]
        assert [text.split()[1] for text in verdict.duplicated] == [doubled]
        assert {text.split()[1] for text in verdict.diverged} == {f"{changed}:"}
        assert any(text.startswith("dead letter") for text in verdict.stuck)


def damage(storm, database):
    """Lose an order that was acknowledged, double another, change a third, and leave an
    operation behind: the names of the orders."""
    reader = storm.reader()
    there = [record for record in storm.ledger.living(ORDER) if reader.id_of(record)]
    lost, doubled, changed = there[:3]
    path = f"purchase-orders/{reader.id_of(lost)}"
    assert reader.ask("DELETE", path, If_Match="*").good
    twin = reader.ask("GET", f"purchase-orders/{reader.id_of(doubled)}").data
    values = {name: twin[name] for name in ("reference", "supplier_id", "notes")}
    assert reader.ask("POST", "purchase-orders", values).good
    connection = connect(database)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM purchase_order_line l USING purchase_order o "
            "WHERE o.id = l.order_id AND o.origin = %s",
            [lost[1]],
        )
        cursor.execute("DELETE FROM purchase_order WHERE origin = %s", [lost[1]])
        cursor.execute(
            "UPDATE purchase_order_line l SET product_qty = 999 FROM purchase_order o "
            "WHERE o.id = l.order_id AND o.origin = %s",
            [changed[1]],
        )
        cursor.execute(
            "UPDATE sync_operation SET state = 'dead' "
            "WHERE id = (SELECT max(id) FROM sync_operation)"
        )
    connection.close()
    return lost[1], doubled[1], changed[1]
