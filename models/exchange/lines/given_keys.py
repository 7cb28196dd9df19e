from dataclasses import replace

from odoo import models

from ....core.conflict.merge import KEYED
from ....core.exceptions import InvalidDataError
from ....core.exchange.pushing import OK
from ....core.keys.given_keys import given_keys, state_with_keys, with_keys
from ....entities.directory import Directory

(LINES,) = KEYED


class SyncStream(models.Model):
    """Keys that the app gave to lines of Odoo's, as its answer or its record shows."""

    _inherit = "sync.stream"

    def _take_answered_keys(self, item, answer, state):
        """What was sent and is known of a record, once its new lines go by the keys
        that the app's answer gives them; so do Odoo's lines.

        :param item: :class:`PushItem`
        :param state: of its mapping by now
        :return: the item and the state
        """
        sent, data = item.plan.data or {}, answer.get("data")
        answered = answer["status"] in OK and isinstance(data, dict)
        if not (self.gives_line_keys and answered and sent.get(LINES)):
            return item, state
        try:
            at_app = self._adapter()._canonical(
                {LINES: data.get(LINES) or []},
                Directory(self.backend_id),
                partial=True,
            )
        except InvalidDataError:
            # It is found where it is applied.
            return item, state
        match = self._adapter()._entity_line_match
        keys = given_keys(sent[LINES], at_app[LINES], match)
        if not keys:
            return item, state
        mapping = self.env["sync.mapping"].browse(item.mapping_id)
        self._adapter()._take_keys(mapping._record(), keys)
        plan = replace(item.plan, data=with_keys(sent, keys))
        before = state_with_keys(item.state, keys)
        return replace(item, plan=plan, state=before), state_with_keys(state, keys)

    def _take_arriving_keys(self, arrivals, directory):
        """Lines that were sent, and whose answer was lost, are in the app's record with
        a key of the app's: those of Odoo that are the same in all that it says."""
        if not self.gives_line_keys:
            return
        for arrival in arrivals:
            mapping = arrival.mapping
            lines = (arrival.data or {}).get(LINES)
            if not lines or not mapping or not mapping.res_id:
                continue
            state = arrival.state
            known = {line["key"] for line in state.base.pharmacy.get(LINES, ())}
            if all(line["key"] in known for line in lines):
                continue
            record = mapping._record()
            ours = self._adapter()._line_values_by_key(record, directory)
            new = [{**line, "key": key} for key, line in ours.items()]
            keys = given_keys(new, [line for line in lines if line["key"] not in known])
            if keys:
                self._adapter()._take_keys(record, keys)
                arrival.state = state_with_keys(state, keys)
                mapping._move(state, arrival.state)
