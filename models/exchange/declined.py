from dataclasses import replace

from odoo import models

from ...core.declined import not_taken, value_at
from ...core.merge import MISSING
from ..conflict.merge import by_odoo


class SyncStream(models.Model):
    """What Odoo did not take of an arriving record: said to the caller, and a conflict
    for a person."""

    _inherit = "sync.stream"

    def _keep_declined(self, arrival, stored, inserted, directory):
        """A record was created, and Odoo has something else than the pharmacy said:
        what of it was declined is for a person."""
        paths = not_taken(
            {}, arrival.data, stored, self._adapter()._keeps(), creating=True
        )
        if not paths:
            return {}
        if not arrival.mapping:
            arrival.mapping = inserted.filtered(lambda m: m.res_id == arrival.res_id)
        mapping = arrival.mapping
        refused = by_odoo(paths, directory.said.pop(arrival.res_id, None))
        state = mapping._state()
        mapping._move(state, replace(state, declined=refused))
        comparison = mapping._compare(stored, arrival.data)
        self.env["sync.conflict"]._refresh(
            mapping,
            comparison.merge,
            arrival.data,
            self.env.context.get("sync_correlation_id"),
            arrival.record,
            reasons=mapping._reasons(comparison),
        )
        self._warn_declined(arrival, refused, stored)
        return refused

    def _warn_declined(self, arrival, refused, stored):
        """Say what Odoo did not take, and why if it said so."""
        for path, refusal in refused.items():
            has = value_at(stored, path)
            arrival.warnings.append(
                self.env._(
                    "%(field)s was declined, Odoo has %(value)s. %(reason)s",
                    field=path,
                    value=self.env._("nothing") if has in (None, "", MISSING) else has,
                    reason=arrival.mapping._declined_text(refusal),
                )
            )

    def _warn_not_kept(self, arrival, not_kept, refused):
        """Say what Odoo has otherwise than the pharmacy said it.

        :param refused: what was declined, and said already
        """
        for path, value in not_kept.items():
            if path in refused:
                continue
            arrival.warnings.append(
                self.env._(
                    "Odoo does not keep %(field)s as sent: it has %(value)s.",
                    field=path,
                    value=self.env._("nothing") if value in (None, "") else value,
                )
            )
