from odoo import SUPERUSER_ID, api, fields, models

from ...core import said
from ...core.conflict.merge import MISSING
from ...core.conflict.policy import Policy, Restored
from .sync_conflict import _by_side, _text


class SyncConflict(models.Model):
    """What rules and policies decided, kept so that the value that lost is not gone."""

    _inherit = "sync.conflict"

    @api.model
    def _keep_decided(self, decided):
        """Keep decisions as resolved conflicts.

        :param decided: tuples of mapping, its list of
            :class:`...core.conflict.policy.Decision`, the pharmacy's canonical values
            and the correlation id
        """
        now = fields.Datetime.now()
        self.with_context(tracking_disable=True).create(
            [
                {
                    "name": mapping.record_name,
                    "mapping_id": mapping.id,
                    "pharmacy": pharmacy,
                    "correlation_id": correlation_id,
                    "state": "resolved",
                    "strategy": self._common_strategy(decisions),
                    "reason": " ".join(
                        dict.fromkeys(self._reason_of(d) for d in decisions)
                    ),
                    "resolved_at": now,
                    "resolved_by_id": SUPERUSER_ID,
                    "line_ids": [
                        fields.Command.create(self._decided_line(decision))
                        for decision in decisions
                    ],
                }
                for mapping, decisions, pharmacy, correlation_id in decided
                if decisions
            ]
        )

    def _common_strategy(self, decisions):
        strategies = {decision.strategy for decision in decisions}
        return strategies.pop() if len(strategies) == 1 else "merge"

    def _decided_line(self, decision):
        values, result = decision.values, decision.result
        decided = {} if result is MISSING else {"result": result}
        return {
            "field": decision.path,
            "base": _text(values.base),
            "odoo": _text(values.odoo),
            "pharmacy": _text(values.pharmacy),
            "values": {**_by_side(values), **decided},
            "choice": decision.strategy,
            "result": False if result is MISSING else _text(result),
            "reason": self._reason_of(decision),
        }

    def _reason_of(self, decision):
        if isinstance(decision.by, Policy):
            return {
                Policy.NEWEST: said.NEWEST_WINS,
                Policy.ODOO: said.ODOO_WINS,
                Policy.PHARMACY: said.PHARMACY_WINS,
            }[decision.by]
        if isinstance(decision.by, Restored):
            return said.SENT_AGAIN
        return decision.by.reason
