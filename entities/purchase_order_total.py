from odoo import api, models
from odoo.fields import Command
from odoo.tools.misc import formatLang

from ..core.conflict.merge import lines_by_key


class SyncEntityPurchaseOrder(models.AbstractModel):
    """What an order would come to with other lines: Odoo computes it, taxes included,
    of a copy that is in memory only."""

    _inherit = "sync.entity.purchase_order"

    @api.model
    def _totals(self, record, before, after, directory):
        had, has = (
            lines_by_key("lines", data.get("lines")) for data in (before, after)
        )
        if had == has or before.get("currency") != after.get("currency"):
            return None
        lines = dict(zip(record.order_line, record.order_line.copy_data(), strict=True))
        if self._total_of(record, lines.values()) != record.amount_total:
            # Another addon adds what a copy does not have: nobody can say.
            return None
        changed = self._changed_lines(record, lines, had, has, directory)
        return tuple(
            formatLang(self.env, total, currency_obj=record.currency_id)
            for total in (record.amount_total, self._total_of(record, changed))
        )

    def _changed_lines(self, record, lines, had, has, directory):
        """Odoo's values of the lines that the order would have.

        :param lines: the values of its lines now, by line
        :param had, has: canonical lines by key, as they are and as they would be
        """
        current, added = self._lines_of(record), []
        gone = {current[key] for key in current.keys() - has.keys()}
        kept = {line: values for line, values in lines.items() if line not in gone}
        for index, (key, line) in enumerate(has.items()):
            if key not in current:
                added.append((index, line))
            elif names := {name for name in line if line[name] != had[key].get(name)}:
                values = self._line_values(index, line, directory, names)
                values = self._complete_line(current[key], values)
                kept[current[key]] = {**kept[current[key]], **values}
        return [*kept.values(), *self._new_line_values(record, added, directory)]

    def _total_of(self, record, lines):
        """The total of such an order with these lines."""
        # Of no origin: it would share what is in memory with the order itself.
        (values,) = record.copy_data({"order_line": []})
        new = [
            Command.create({**line, "order_id": False, "sync_key": False})
            for line in lines
        ]
        draft = record.new({**values, "order_line": new})
        return record.currency_id.round(draft.amount_total)
