from odoo import models

from ...core import said
from ...core.conflict.comparison import Effect, differences
from ...entities.neutral import neutral


class SyncOperation(models.Model):
    """A comparison of both sides, in words."""

    _inherit = "sync.operation"

    def _forecast_merge(self, mapping, odoo, pharmacy, directory):
        comparison = neutral(mapping, self.backend_id)._compare(odoo, pharmacy)
        merge, known = comparison.merge, comparison.base.pharmacy
        theirs = {**known, **(pharmacy or {})}
        rows = differences(known, comparison.words, theirs, merge.conflicts)
        labels = {effect: [] for effect in Effect}
        for row in rows:
            labels[row.effect].append(self._label(row.path, odoo, theirs))
        parts = []
        if labels[Effect.CONFLICT]:
            names = _enumerate(labels[Effect.CONFLICT])
            parts.append(said.say(said.BOTH_CHANGED, names))
        if labels[Effect.TO_PHARMACY]:
            names = _enumerate(labels[Effect.TO_PHARMACY])
            parts.append(said.say(said.SENDS, names))
        if labels[Effect.TO_ODOO]:
            names = _enumerate(labels[Effect.TO_ODOO])
            parts.append(said.say(said.WRITES, names))
        verdict = "conflict" if merge.conflicts else "update" if rows else "nothing"
        text = said.together(*parts) or said.RETRY_CLOSES
        rows = self._difference_rows(rows, directory, odoo, theirs)
        return self._forecast(verdict, text, rows)

    def _forecast(self, verdict, summary, rows=()):
        """The values of :attr:`comparison`."""
        return {"verdict": verdict, "summary": summary, "rows": list(rows)}

    def _difference_rows(self, rows, directory, *sides):
        """Differences between ``sides``, canonical values, as people read them."""
        value_text = self.stream_id._adapter()._value_text
        shown = self.backend_id._shown

        def text(path, value):
            return shown(path, value_text(path, value, directory))

        return [
            {
                "label": self._label(row.path, *sides),
                "base": text(row.path, row.base),
                "odoo": text(row.path, row.odoo),
                "pharmacy": text(row.path, row.pharmacy),
                "effect": str(row.effect),
            }
            for row in rows
        ]

    def _label(self, path, *sides):
        """A field as people read it: ``Line 2 - Amoxicillin 250 mg: Quantity``."""
        names = self.stream_id._adapter()._names_in(path, *sides)
        return ": ".join(filter(None, names))


def _enumerate(labels):
    shown = ", ".join(labels[:5])
    return f"{shown}, …" if len(labels) > 5 else shown
