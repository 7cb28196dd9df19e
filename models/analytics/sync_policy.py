import uuid

from odoo import api, fields, models

from ...core.secrets.secret_names import DEFAULT_SECRET_FIELDS, secret_name
from ..base.rows import insert_rows

OURS = "pharmacy_sync."
# Characters of a value that the trace keeps.
LONGEST = 200


class SyncPolicy(models.AbstractModel):
    """A model whose records decide how the addon behaves: the audit trace keeps who
    made, changed and removed them."""

    _name = "sync.policy"
    _description = "Kept in the Audit Trace"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        for record in records:
            record._note_policy(record.env._("Made: %s", record.display_name))
        return records

    def write(self, vals):
        names = [
            name
            for name in vals
            if name in self._fields
            and self._fields[name].store
            and not self._fields[name].readonly
        ]
        before = (
            {record: record._policy_values(names) for record in self} if names else {}
        )
        result = super().write(vals)
        for record, old in before.items():
            now = record._policy_values(names)
            changes = [
                f"{label}: {old[label]} → {now[label]}"
                for label in old
                if old[label] != now[label]
            ]
            if changes:
                record._note_policy(f"{record.display_name}: {'; '.join(changes)}")
        return result

    def unlink(self):
        for record in self:
            record._note_policy(record.env._("Removed: %s", record.display_name))
        return super().unlink()

    def _policy_values(self, names):
        """``{label: value}`` of fields as a person may see them."""
        return {
            self._fields[name]._description_string(self.env): self._policy_value(name)
            for name in names
        }

    def _policy_value(self, name):
        value = self[name]
        if _is_secret(name):
            return "***" if value else ""
        if isinstance(value, models.BaseModel):
            value = ", ".join(value.mapped("display_name"))
        return str(value)[:LONGEST]

    def _note_policy(self, what):
        self.ensure_one()
        own = self.sudo()
        backend = own.backend_id if "backend_id" in own._fields else None
        self._append_policy(self, what, backend)

    @api.model
    def _append_policy(self, record, what, backend=None):
        """Append a line to the audit trace."""
        owner = backend or record.sudo()
        company = owner.company_id.id if "company_id" in owner._fields else None
        insert_rows(
            self.env["sync.audit"],
            [
                {
                    "type": "policy_changed",
                    "at": fields.Datetime.now(),
                    "user_id": self.env.uid,
                    "backend_id": backend.id if backend else None,
                    "company_id": company,
                    "res_model": record._name,
                    "res_id": record.id,
                    "data": {"cause": what},
                    "correlation_id": uuid.uuid4().hex,
                }
            ],
        )


class SyncRetryPolicy(models.Model):
    _name = "sync.retry.policy"
    _inherit = ["sync.retry.policy", "sync.policy"]


class SyncPool(models.Model):
    _name = "sync.pool"
    _inherit = ["sync.pool", "sync.policy"]


class SyncBreaker(models.Model):
    _name = "sync.breaker"
    _inherit = ["sync.breaker", "sync.policy"]


class SyncService(models.Model):
    _name = "sync.service"
    _inherit = ["sync.service", "sync.policy"]


class SyncErrorRule(models.Model):
    _name = "sync.error.rule"
    _inherit = ["sync.error.rule", "sync.policy"]


class SyncConflictRule(models.Model):
    _name = "sync.conflict.rule"
    _inherit = ["sync.conflict.rule", "sync.policy"]


class SyncConflictPolicy(models.Model):
    _name = "sync.conflict.policy"
    _inherit = ["sync.conflict.policy", "sync.policy"]


class SyncFieldDirection(models.Model):
    _name = "sync.field.direction"
    _inherit = ["sync.field.direction", "sync.policy"]


class SyncFurtherField(models.Model):
    _name = "sync.further.field"
    _inherit = ["sync.further.field", "sync.policy"]


class SyncFieldName(models.Model):
    _name = "sync.field.name"
    _inherit = ["sync.field.name", "sync.policy"]


class SyncStream(models.Model):
    _name = "sync.stream"
    _inherit = ["sync.stream", "sync.policy"]


class IrConfigParameter(models.Model):
    """The settings, whichever road they are changed by."""

    _inherit = "ir.config_parameter"

    @api.model_create_multi
    def create(self, vals_list):
        parameters = super().create(vals_list)
        parameters._note_settings(dict.fromkeys(parameters.ids, ""))
        return parameters

    def write(self, vals):
        before = {parameter.id: parameter.value for parameter in self}
        result = super().write(vals)
        self._note_settings(before)
        return result

    def _note_settings(self, before):
        """:param before: ``{id: value}``"""
        Policy = self.env["sync.policy"]
        for parameter in self.filtered(lambda p: (p.key or "").startswith(OURS)):
            was, now = before[parameter.id], parameter.value
            if was != now and not _is_secret(parameter.key):
                key = parameter.key.removeprefix(OURS)
                Policy._append_policy(parameter, f"{key}: {was or '-'} → {now}")


def _is_secret(name):
    return secret_name(name, DEFAULT_SECRET_FIELDS) is not None
