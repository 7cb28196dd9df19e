"""Given to ``odoo shell``: take up what a dead worker left, beside other transactions.

Tells in ASK_FILE, as JSON, the states of the order's pushes after each of the two."""

import json
import os
from pathlib import Path

import psycopg2

from odoo import SUPERUSER_ID, Command, api

env = env  # noqa: F821 - given by the shell
Operation = env["sync.operation"]
backend = env["sync.backend"].search([], limit=1)
order = env["purchase.order"].create(
    {
        "partner_id": env["res.partner"].search([("vat", "=", "ESB12345674")]).id,
        "order_line": [
            Command.create(
                {"product_id": env["product.product"].search([], limit=1).id}
            )
        ],
    }
)
env.cr.commit()
env["sync.event"]._deliver_in_turn(backend)
env.cr.commit()
mapping = env["sync.mapping"].search(
    [("res_model", "=", order._name), ("res_id", "=", order.id)]
)


def let_die():
    """The order's push is under way, and its worker is dead."""
    mapping.operation_ids.filtered(lambda o: o.state == "pending").write(
        {"state": "running", "job_uuid": "dead"}
    )


def states():
    env.cr.commit()
    env.invalidate_all()
    return sorted(mapping.operation_ids.mapped("state"))


let_die()
order.origin = "edited, and its event not delivered"
env.cr.commit()
Operation._cron_recover()
reported = {"undelivered": states()}

let_die()
env.cr.commit()
with env.registry.cursor() as other:
    theirs = api.Environment(other, SUPERUSER_ID, {})
    theirs[mapping._name].browse(mapping.id).operation_ids.mapped("state")
    Operation._cron_recover()
    env.cr.commit()
    try:
        theirs[Operation._name]._enqueue_push(
            {theirs[mapping._name].browse(mapping.id): "late"},
            theirs["sync.stream"].browse(mapping.stream_id.id),
        )
        other.flush()
    except psycopg2.Error as exc:
        reported["raised"] = type(exc).__name__
    other.rollback()
reported["overtaken"] = states()
Path(os.environ["ASK_FILE"]).write_text(json.dumps(reported))
