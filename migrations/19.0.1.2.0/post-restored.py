"""Backends know the database that they are connected in; two alerts are new."""

from odoo import SUPERUSER_ID, api

RULES = {
    "alert_rule_set_back": {
        "sequence": 25,
        "name": "Pharmacy app set back to an earlier state",
        "condition": "set_back",
        "severity": "high",
    },
    "alert_rule_copied": {
        "sequence": 26,
        "name": "Copied database",
        "condition": "copied",
        "severity": "high",
    },
}


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    backends = env["sync.backend"].with_context(active_test=False).search([])
    for backend in backends.filtered(lambda b: not b.origin):
        backend._keep_origin()
    env["sync.alert.rule"]._load_records(
        [
            {"xml_id": f"pharmacy_sync.{name}", "values": values, "noupdate": True}
            for name, values in RULES.items()
            if not env.ref(f"pharmacy_sync.{name}", raise_if_not_found=False)
        ]
    )
