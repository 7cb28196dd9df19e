from odoo import api, models


class SyncBreakerTransition(models.Model):
    _inherit = "sync.breaker.transition"

    @api.model_create_multi
    def create(self, vals_list):
        transitions = super().create(vals_list)
        names = {"open": "opened", "closed": "closed", "half_open": "half_open"}
        self.env["sync.event"].sudo()._emit(
            [
                {
                    "type": f"breaker_{names[transition.after]}",
                    "backend_id": transition.breaker_id.backend_id.id,
                    "res_model": "sync.breaker",
                    "res_id": transition.breaker_id.id,
                    "data": {"cause": transition.cause or ""},
                }
                for transition in transitions.sudo()
                if transition.before != transition.after
            ]
        )
        return transitions
