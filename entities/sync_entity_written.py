from odoo import api, models

from ..core.conflict.merge import KEYED
from ..core.exceptions import SyncError
from ..core.taxonomy import ErrorType
from .directory import together


class SyncEntity(models.AbstractModel):
    """What the pharmacy says becomes Odoo's, by the steps of Odoo's own pages."""

    _inherit = "sync.entity"

    @api.model
    def _create(self, backend, incoming, directory):
        """Create records for a list of canonical dicts, in their order."""
        self._preload_arrived(incoming, directory)
        records = self.env[self._entity_model].create(
            [self._values(data, directory) for data in incoming]
        )
        if self._entity_lines:
            values = self._all_line_values(records, incoming, directory)
            self._line_model().create(values)
        return records

    @api.model
    def _update(self, record, changes, directory):
        """Write the canonical ``changes`` on one record."""
        self._update_all({record: changes}, directory)

    @api.model
    def _update_all(self, changes, directory):
        """Write canonical changes on many records, those that are alike together.

        :param changes: by record
        """
        groups = self._alike(changes, directory)
        for records, values in groups:
            if written := {n: v for n, v in values.items() if n != "active"}:
                records.write(written)
        self._update_all_lines(changes, directory)
        for records, values in groups:
            if values.get("active") is not None:
                self._set_active(records, values["active"])

    @api.model
    def _alike(self, changes, directory):
        """The records that take over the same, lines apart: ``[(records, values)]``."""
        groups = {}
        for record, data in changes.items():
            own = {name: value for name, value in data.items() if name not in KEYED}
            if own:
                group = groups.setdefault(repr(sorted(own.items())), (own, []))
                group[1].append(record)
        every = self.env[self._entity_model].concat(*changes)
        return [
            (together(records, every), self._values(own, directory))
            for own, records in groups.values()
        ]

    @api.model
    def _set_active(self, records, active):
        """Archive records or take them back by Odoo's own step: what hangs on them,
        such as the template of a last variant, goes along."""
        # The step looks for what is still in use.
        records = records.with_context(active_test=True)
        if active:
            records.action_unarchive()
        else:
            records.action_archive()

    @api.model
    def _delete(self, record):
        """The pharmacy deleted its record: archive ours, which history may need.

        :raises SyncError: Odoo does not archive it
        """
        self._set_active(record, False)
        if self._is_alive(record):
            raise SyncError(
                f"The pharmacy deleted {record.display_name}, which Odoo does not "
                "archive.",
                error_type=ErrorType.BUSINESS_RULE_VIOLATION,
                record=f"{self._entity}/{record.display_name}",
                field="active",
            )
