"""Given to ``odoo shell``: notify by SMS, through Odoo's own way to its service, which
SMS_SERVICE stands for. Tells in ASK_FILE, as JSON, what became of each delivery."""

import json
import os
from pathlib import Path

from odoo.addons.pharmacy_sync.core.exceptions import DataCorruptedError

env = env  # noqa: F821 - given by the shell
reported = {}
env["ir.config_parameter"].set_param("sms.endpoint", os.environ["SMS_SERVICE"])
backend = env["sync.backend"].search([], limit=1)
env.company.country_id = env.ref("base.es")
person = env.ref("base.user_admin")
person.partner_id.write({"phone": "600 123 987", "country_id": env.ref("base.es").id})
backend.responsible_id = person
Channel = env["sync.alert.channel"].with_context(active_test=False)
Channel.search([]).active = False
channel = Channel.search(
    [("kind", "=", "sms"), ("company_id", "=", backend.company_id.id)]
)
channel.write({"active": True, "phones": "+34 600 000 111"})
reported["missing"] = channel.missing
env.cr.commit()
# A request has read something before it sends a test.
reported["name"] = channel.with_user(person).name
reported["test"] = channel.with_user(person).action_send_test()["params"]["message"]
env.cr.commit()


def notify():
    """An error that is critical, once those before it are over: its delivery."""
    env["sync.error.group"].search([]).action_resolve()
    env.cr.commit()
    env["sync.alert"]._cron_watch()
    env.cr.commit()
    message = "checksum mismatch"
    env["sync.error"]._record(
        DataCorruptedError(message), backend_id=backend.id, operation="push"
    )
    env.cr.commit()
    env["sync.alert"]._cron_watch()
    env.cr.commit()
    found = [("channel_id", "=", channel.id), ("kind", "=", "opened")]
    return env["sync.delivery"].search(found, limit=1)


def carry(delivery):
    delivery._as_runner()._job_deliver()
    env.cr.rollback()
    env.invalidate_all()
    return {
        name: delivery[name] for name in ("state", "attempts", "answer", "channel_kind")
    }


first = notify()
reported["arrived"] = carry(first)
reported["alert"] = bool(first.alert_ids.notified_at)
for name in ("unreachable", "no_credit"):
    env["ir.config_parameter"].set_param(
        "sms.endpoint", os.environ[f"SMS_{name.upper()}"]
    )
    env.cr.commit()
    reported[name] = carry(notify())
reported["queued"] = env["sms.sms"].search_count([("state", "=", "outgoing")])
Path(os.environ["ASK_FILE"]).write_text(json.dumps(reported))
