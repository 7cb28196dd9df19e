"""What belongs to which of several backends is a rule of the stream now.

Until now every backend got what its company had, and what no company had. Streams of
backends that are not the first go on with what is linked; people are asked about the
rest.
"""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    env["sync.stream"]._propose_rules()
    name = "pharmacy_sync.alert_rule_rule_proposed"
    if not env.ref(name, raise_if_not_found=False):
        values = {
            "sequence": 80,
            "name": "What is sent needs a decision",
            "condition": "rule_proposed",
            "severity": "medium",
        }
        env["sync.alert.rule"]._load_records(
            [{"xml_id": name, "values": values, "noupdate": True}]
        )
