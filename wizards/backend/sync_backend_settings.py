import base64
import json

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...core.settings_file import differing, unknown
from ...models.backend.auth.sync_auth import AUTH_FIELDS
from ...models.base.actions import open_record
from ...models.base.rights import MANAGER, check_may

FORMAT, VERSION = "pharmacy_sync.backend", 1
# Bytes of a file.
LONGEST = 1_000_000
SIMPLE = ("boolean", "char", "float", "integer", "selection", "text")
# Which pharmacy it is, whether it is worked with, and which records belong to it: that
# is each database's own.
OWN = {
    "sync.backend": ("name", "url", "active", "paused", *AUTH_FIELDS),
    "sync.stream": ("entity", "rule", "rule_domain"),
}
# What is chosen field by field in a stream: its field, and the fields of its values.
BY_FIELD = {
    "field_direction_ids": ("direction",),
    "conflict_policy_ids": ("policy",),
    "further_field_ids": ("offered", "odoo_field", "path", "direction"),
    "field_name_ids": ("path", "kind", "values", "fallback"),
}


class SyncBackendSettings(models.TransientModel):
    """Carries the settings of a backend to another database, in a file.

    The file says how a pharmacy is synchronised, not which: no name, address, key or
    secret, and nothing of what was synchronised.
    """

    _name = "sync.backend.settings"
    _inherit = ["sync.bounded"]
    _description = "Settings of a Backend as a File"

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", required=True, ondelete="cascade"
    )
    content = fields.Binary("Settings Now", compute="_compute_content")
    content_name = fields.Char(compute="_compute_content")
    upload = fields.Binary("File", attachment=False)
    upload_name = fields.Char()
    changes = fields.Text("What Would Change", compute="_compute_changes")

    @api.depends("backend_id")
    def _compute_content(self):
        for wizard in self:
            wizard._check_manager()
            document = {"format": FORMAT, "version": VERSION, **wizard._settings()}
            text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
            wizard.content = base64.b64encode(text.encode())
            name = self.env["ir.http"]._slugify(wizard.backend_id.name)
            wizard.content_name = f"{name}.json"

    @api.depends("upload", "backend_id")
    def _compute_changes(self):
        for wizard in self:
            found = wizard._differing() if wizard.upload else ()
            wizard.changes = "\n".join(
                f"{' / '.join(path)}: {_shown(now)} → {_shown(then)}"
                for path, now, then in found
            )

    def action_apply(self):
        """Set what the file sets; all of it, or nothing.

        :raises AccessError: the user is no manager
        :raises UserError: the file is none of settings, or sets what cannot be
        """
        self.ensure_one()
        self._check_manager()
        if not self.upload:
            raise UserError(self.env._("Choose a file."))
        sections = {}
        for path, __, value in self._differing():
            sections.setdefault(path[:-1], {})[path[-1]] = value
        places = self._places()
        for path, values in sections.items():
            try:
                _set(places[path], values)
            except (UserError, ValueError, TypeError, OverflowError) as exc:
                raise UserError(
                    self.env._("%(where)s: %(what)s", where=" / ".join(path), what=exc)
                ) from exc
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _check_manager(self):
        message = self.env._("Only managers may carry settings over.")
        check_may(self.backend_id, MANAGER, message)

    # -- The settings -----------------------------------------------------------------

    def _places(self):
        """``{path of a section: the record whose settings stand there}``."""
        backend = self.backend_id.with_context(active_test=False)
        return {
            ("backend",): backend,
            **{("streams", s.entity): s for s in backend.stream_ids.sorted("rank")},
            **{("breakers", b.operation): b for b in backend.breaker_ids},
            **{("pools", pool.name): pool for pool in backend.pool_ids},
        }

    def _settings(self):
        settings = {}
        for path, record in self._places().items():
            section = settings
            for name in path:
                section = section.setdefault(name, {})
            for name in _carried(record):
                section[name] = record[name]
            for name in BY_FIELD.keys() & record._fields.keys():
                section[name] = self._rows(record, name)
        return settings

    def _rows(self, stream, name):
        """What is chosen field by field, in order: ``[[field, choice, ...], ...]``."""
        return [
            [row.field, *(row[value] for value in BY_FIELD[name])]
            for row in stream[name].sorted("field")
        ]

    # -- The file ---------------------------------------------------------------------

    def _differing(self):
        """What the file sets otherwise than it is: path, value now, value then."""
        now, given = self._settings(), self._given()
        strange = [" / ".join(path) for path in unknown(now, given)]
        if strange:
            message = self.env._("Nothing here is called so: %s", ", ".join(strange))
            raise UserError(message)
        return list(differing(now, given))

    def _given(self):
        try:
            content = base64.b64decode(self.with_context(bin_size=False).upload)
            content = content if len(content) <= LONGEST else b""
            # NaN and Infinity are no JSON, but Python reads them.
            given = json.loads(content, parse_constant=int)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict) or given.pop("format", None) != FORMAT:
            raise UserError(self.env._("This is no file of a backend's settings."))
        if given.pop("version", None) != VERSION:
            raise UserError(self.env._("It was saved by another version of the addon."))
        return given


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    def action_settings_file(self):
        """Open the settings as a file; the dialog is kept, for its file to be saved.

        :raises AccessError: the user is no manager
        """
        self.check_access("read")
        self.ensure_one()
        wizard = self.env["sync.backend.settings"].create({"backend_id": self.id})
        name = self.env._("Settings as a File")
        return {**open_record(wizard), "name": name, "target": "new"}


def _carried(record):
    """Names of the simple fields that a person sets."""
    own = OWN.get(record._name, ())
    return sorted(
        name
        for name, field in record._fields.items()
        if field.store
        and field.copy
        and field.type in SIMPLE
        and not (field.readonly or field.related or field.compute or field.groups)
        and name not in own
        and not name.startswith(("message_", "activity_"))
    )


def _set(record, values):
    """Set values of one section, those that belong together at once."""
    record.write({n: value for n, value in values.items() if n not in BY_FIELD})
    for name in BY_FIELD.keys() & values.keys():
        chosen, rows = {}, record[name]
        for field, *choice in values[name]:
            chosen[field] = dict(zip(BY_FIELD[name], choice, strict=True))
        rows.filtered(lambda row, chosen=chosen: row.field not in chosen).unlink()
        for row in rows.exists():
            row.write(chosen.pop(row.field))
        rows.create(
            [
                {"stream_id": record.id, "field": field, **choice}
                for field, choice in chosen.items()
            ]
        )
    record.flush_recordset()


def _shown(value):
    if isinstance(value, list):
        return ", ".join(" ".join(map(str, row)) for row in value) or "-"
    return "-" if value in (False, None, "") else str(value)
