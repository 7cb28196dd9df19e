from dataclasses import dataclass

from odoo import api, fields, models

from ....core.conflict.merge import MISSING, Side, parse_path
from ....core.conflict.resolution import differences
from ....entities.directory import Directory
from ....entities.neutral import cause_of
from ...base.rows import insert_rows

PENDING = "sync_versions"


@dataclass
class Version:
    """What one transaction made of a mapping's agreed values."""

    before: dict
    after: dict
    number: int
    by: Side
    correlation_id: str | None


class SyncMappingVersion(models.Model):
    """What a version of a record changed in the values that both sides had agreed on.

    A row has the changed values only, before and after, so that any earlier value is
    found from there: the first one is the oldest row's value before.
    """

    _name = "sync.mapping.version"
    _description = "Earlier Values of a Linked Record"
    _order = "id desc"
    _log_access = False

    mapping_id = fields.Many2one(
        "sync.mapping", required=True, readonly=True, ondelete="cascade", index=True
    )
    version = fields.Integer("Pharmacy Version", readonly=True, aggregator=None)
    at = fields.Datetime("Time", required=True, readonly=True, index=True)
    side = fields.Selection(
        [("odoo", "Odoo"), ("pharmacy", "Pharmacy")],
        "Changed By",
        required=True,
        readonly=True,
    )
    changes = fields.Json(
        readonly=True, help="By path, the agreed value before and after."
    )
    correlation_id = fields.Char(readonly=True)

    @api.model
    def _note(self, mapping, before, after, by, correlation_id):
        """Remember a change of the agreed values until the transaction is about to
        commit: all of its changes are written in one statement.

        :param before: what the pharmacy had when both sides agreed
        :param after: the mapping's state from now on
        :param by: the :class:`....core.conflict.merge.Side` that changed the values
        """
        precommit = self.env.cr.precommit
        pending = precommit.data.get(PENDING)
        if pending is None:
            pending = precommit.data[PENDING] = {}
            precommit.add(self.sudo()._write_noted)
        correlation_id = correlation_id or cause_of(self.env)
        known = pending.get(mapping.id)
        before = known.before if known else before
        pending[mapping.id] = Version(
            before, after.base.pharmacy, after.version, by, correlation_id
        )

    @api.model
    def _forget(self, mappings):
        """These are about to be removed."""
        pending = self.env.cr.precommit.data.get(PENDING, {})
        for id_ in mappings.ids:
            pending.pop(id_, None)

    @api.model
    def _write_noted(self):
        now = fields.Datetime.now()
        rows = [
            {
                "mapping_id": mapping_id,
                "version": version.number,
                "at": now,
                "side": str(version.by),
                "changes": changes,
                "correlation_id": version.correlation_id,
            }
            for mapping_id, version in self.env.cr.precommit.data.pop(PENDING).items()
            if (changes := _changes(version))
        ]
        insert_rows(self, rows)

    def _in_words(self):
        """The changes as people read them, what is sensitive masked."""
        self.ensure_one()
        backend = self.mapping_id.backend_id
        texts = self.mapping_id.stream_id._adapter()
        directory = Directory(backend)
        parts = []
        for path, values in (self.changes or {}).items():
            label = ": ".join(filter(None, texts._names_in(path, *self._lines(path))))
            before, after = (
                backend._shown(path, texts._value_text(path, value, directory))
                or self.env._("nothing")
                for value in values
            )
            parts.append(f"{label}: {before} → {after}")
        return "; ".join(parts)

    def _lines(self, path):
        """Canonical values in which the line of a path has its name."""
        name, key, field = parse_path(path)
        known = [self.mapping_id.base]
        if key and not field:
            lines = [line for line in self.changes[path] if line]
            known += [{name: [line]} for line in lines]
        return known


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        return (*super()._expired(), ("sync_mapping_version", "versions", "at < %s"))


def _changes(version):
    """What the version changed, as it is kept; nothing, before the first agreement and
    once what was agreed is forgotten."""
    if not version.before or not version.after:
        return {}
    return {
        path: [None if value is MISSING else value for value in values]
        for path, values in differences(version.before, version.after).items()
    }
