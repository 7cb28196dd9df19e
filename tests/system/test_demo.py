"""The demonstration is loaded, and loaded again, beside a backend of somebody's own."""

import os
from contextlib import closing

import pytest
from system_databases import clone, connect, drop, run_odoo
from system_servers import ROOT, PharmacyApp

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# It sorts before the demonstration's, and has the user whom that would take.
OWN = """
env["sync.backend"].create({
    "name": "A Pharmacy of One's Own",
    "url": "http://127.0.0.1:9",
    "api_key": "own-key",
    "user_id": env["res.users"].create({
        "login": "pharmacy",
        "name": "Own",
        "group_ids": [(6, 0, [env.ref("pharmacy_sync.group_api").id])],
    }).id,
})
env.cr.commit()
"""
BACKENDS = """
SELECT b.name, b.url, b.api_key_secret, u.login
  FROM sync_backend b LEFT JOIN res_users u ON u.id = b.user_id ORDER BY b.name
"""
GROUPS = """
SELECT d.name FROM res_groups_users_rel r JOIN res_users u ON u.id = r.uid
  JOIN ir_model_data d ON d.model = 'res.groups' AND d.res_id = r.gid
 WHERE u.login = 'pharmacy_demo'
"""


@pytest.fixture
def database():
    name = f"{os.environ['PHARMACY_SYNC_TEST_PREFIX']}demo"
    drop(name)
    clone(os.environ["PHARMACY_SYNC_TEST_TEMPLATE"], name)
    yield name
    drop(name)


def shell(database, script, **env):
    words = ["shell", "--no-http", "--max-cron-threads=0", "--log-level=warn"]
    return run_odoo(database, words, script, env)


def test_the_demonstration_writes_into_its_own_backend_only(database, tmp_path):
    app = PharmacyApp(tmp_path)
    app.start()
    try:
        app.call("POST", "/admin/seed", orders=5)
        shell(database, OWN)
        env = {
            **app.connection(),
            "PHARMACY_WEBHOOK_SECRET": SECRET,
            "PHARMACY_ODOO_URL": "http://127.0.0.1:9",
            "PHARMACY_ODOO_KEY_FILE": str(tmp_path / "key"),
            "PHARMACY_DEMO_ORDERS": "5",
        }
        for __ in "12":
            shell(database, (ROOT / "demo/load.py").read_text(), **env)
    finally:
        app.kill()
    with closing(connect(database)) as connection:
        cursor = connection.cursor()
        cursor.execute(BACKENDS)
        own, demo = [tuple(row.values()) for row in cursor.fetchall()]
        cursor.execute(GROUPS)
        groups = [row["name"] for row in cursor.fetchall()]
    taken = ("A Pharmacy of One's Own", "http://127.0.0.1:9", "own-key", "pharmacy")
    assert own == taken
    assert demo == ("Veterinary Pharmacy", app.url, app.key, "pharmacy_demo")
    assert groups == ["group_api"]
    assert (tmp_path / "key").read_text()
