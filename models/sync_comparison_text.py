import json

from odoo import models

from ..core.comparison import Effect, differences
from ..core.merge import MISSING


class SyncOperation(models.Model):
    """A comparison of both sides, in words."""

    _inherit = "sync.operation"

    def _told_merge(self, mapping, odoo, pharmacy):
        merge = mapping._merge(odoo, pharmacy)
        known = mapping.base or {}
        theirs = known if pharmacy is None else pharmacy
        rows = differences(known, odoo, theirs, merge.conflicts)
        labels = {effect: [] for effect in Effect}
        for row in rows:
            labels[row.effect].append(self._label(row.path, odoo, theirs))
        parts = []
        if labels[Effect.CONFLICT]:
            names = _enumerate(labels[Effect.CONFLICT])
            parts.append(
                self.env._("Both sides changed %s: a person will be asked.", names)
            )
        if labels[Effect.TO_PHARMACY]:
            names = _enumerate(labels[Effect.TO_PHARMACY])
            parts.append(self.env._("Sends %s to the pharmacy.", names))
        if labels[Effect.TO_ODOO]:
            names = _enumerate(labels[Effect.TO_ODOO])
            parts.append(self.env._("Writes the pharmacy's %s in Odoo.", names))
        verdict = "conflict" if merge.conflicts else "update" if rows else "nothing"
        text = " ".join(parts) or self.env._("Both sides have the same already.")
        return self._told(verdict, rows, text, odoo, theirs)

    def _told(self, verdict, rows, summary, odoo=None, pharmacy=None):
        return {
            "verdict": verdict,
            "summary": summary,
            "rows": [
                {
                    "label": self._label(row.path, odoo, pharmacy),
                    "base": _text(row.base),
                    "odoo": _text(row.odoo),
                    "pharmacy": _text(row.pharmacy),
                    "effect": str(row.effect),
                }
                for row in rows
            ],
        }

    def _label(self, path, *sides):
        """A field as people read it: ``Line 2 - Amoxicillin 250 mg: Quantity``."""
        names = self.env["sync.conflict"]._names_in(path, *sides)
        return ": ".join(filter(None, names))


def _enumerate(labels):
    shown = ", ".join(labels[:5])
    return f"{shown}, …" if len(labels) > 5 else shown


def _text(value):
    """A value as people read it; absent is empty."""
    if value is None or value is MISSING:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return ", ".join(_text(part) for part in value.values() if part)
    return json.dumps(value, ensure_ascii=False)
