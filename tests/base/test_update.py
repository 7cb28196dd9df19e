from odoo.modules import Manifest
from odoo.tests import TransactionCase, tagged
from odoo.tools.convert import convert_file

ADDON = "pharmacy_sync"
# What the addon is made of; an update puts it right.
CODE = ("ir.", "res.groups.privilege")
# Of the rest: what an administrator may set, to what he sets it here.
SET = {
    "ir.cron": {"interval_number": 47, "interval_type": "days", "active": False},
    "mail.activity.type": {"name": "Ours", "delay_count": 9, "icon": "fa-bell"},
    "mail.message.subtype": {"name": "Ours", "default": True},
    "queue.job.channel": {"removal_interval": 9},
    "queue.job.function": {"retry_pattern": {"1": 9}},
    "report.paperformat": {"format": "Letter", "margin_top": 33},
    "res.groups": {"api_key_duration": 12},
    "sync.alert.rule": {"name": "Ours", "severity": "low", "active": False},
    "sync.conflict.rule": {"reason": "Ours", "sequence": 97, "active": False},
    "sync.retry.policy": {"max_attempts": 2, "cap": 77},
}


@tagged("post_install", "-at_install")
class TestUpdate(TransactionCase):
    """What an administrator changed or deleted is left so by an update."""

    def made(self):
        """Model to the records of data files that are no code."""
        rows = self.env["ir.model.data"].search([("module", "=", ADDON)])
        found = {}
        for row in rows:
            model = row.model
            if model in SET or not model.startswith(CODE):
                record = self.env[model].with_context(active_test=False)
                found.setdefault(model, record)
                found[model] |= record.browse(row.res_id)
        return found

    def update(self):
        for path in Manifest.for_addon(ADDON)["data"]:
            convert_file(self.env, ADDON, path, {}, mode="update")
        self.env.invalidate_all()

    def test_what_an_administrator_set_stays(self):
        made = self.made()
        self.assertEqual(made.keys(), SET.keys())
        for model, records in made.items():
            records.write(SET[model])
        self.env.flush_all()
        before = {model: records.read(SET[model]) for model, records in made.items()}
        self.update()
        for model, records in made.items():
            self.assertEqual(records.read(SET[model]), before[model], model)

    def test_a_rule_that_was_deleted_stays_deleted(self):
        made = self.made()
        for model in ("sync.alert.rule", "sync.conflict.rule", "sync.retry.policy"):
            made[model].unlink()
        self.update()
        for model in ("sync.alert.rule", "sync.conflict.rule", "sync.retry.policy"):
            self.assertFalse(self.env[model].with_context(active_test=False).search([]))
