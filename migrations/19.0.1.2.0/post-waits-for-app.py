from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """What died because the app was away waits for the app: no person is needed."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    env["sync.operation"].search([("state", "=", "dead"), ("revive", "=", True)]).write(
        {"state": "waiting", "parked": True, "done_at": False}
    )
