"""Where events come from besides changes of records: conflicts, breakers, dead
letters, and records that were carried over."""

from odoo import api, models

from .settle import OK


class SyncConflict(models.Model):
    _inherit = "sync.conflict"

    @api.model_create_multi
    def create(self, vals_list):
        conflicts = super().create(vals_list)
        conflicts._emit_event("conflict_opened")
        return conflicts

    def write(self, vals):
        closing = self.browse()
        if vals.get("state") == "resolved":
            closing = self.filtered(lambda conflict: conflict.state == "open")
        result = super().write(vals)
        closing._emit_event("conflict_resolved")
        return result

    def _emit_event(self, event_type):
        self.env["sync.event"].sudo()._emit(
            [
                {
                    "type": event_type,
                    "backend_id": conflict.backend_id.id,
                    "res_model": conflict._name,
                    "res_id": conflict.id,
                    "correlation_id": conflict.correlation_id,
                    "data": {"cause": conflict.mapping_id.record_name},
                }
                for conflict in self.sudo()
            ]
        )


class SyncOperation(models.Model):
    _inherit = "sync.operation"

    @api.model_create_multi
    def create(self, vals_list):
        operations = super().create(vals_list)
        operations.filtered(lambda o: o.state == "dead")._emit_event(
            "dead_letter_created"
        )
        return operations

    def write(self, vals):
        state = vals.get("state")
        if not state:
            return super().write(vals)
        was_dead = self.filtered(lambda operation: operation.state == "dead")
        result = super().write(vals)
        if state == "dead":
            (self - was_dead)._emit_event("dead_letter_created")
        elif was_dead:
            ended = state == "cancelled"
            kind = "discarded" if ended else "redriven"
            was_dead._emit_event(f"dead_letter_{kind}")
        return result

    def _emit_event(self, event_type):
        self.env["sync.event"].sudo()._emit(
            [
                {
                    "type": event_type,
                    "backend_id": operation.backend_id.id,
                    "res_model": operation._name,
                    "res_id": operation.id,
                    "correlation_id": operation.correlation_id,
                    "data": {"cause": operation.reason or ""},
                }
                for operation in self.sudo()
            ]
        )


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


class SyncStream(models.Model):
    _inherit = "sync.stream"

    def _settle_push(self, items, answers, failures):
        result = super()._settle_push(items, answers, failures)
        carried = [
            item
            for item in items
            if answers.get(item["operation_id"], {}).get("status") in OK
        ]
        mappings = self.env["sync.mapping"].browse(i["mapping_id"] for i in carried)
        self._emit_synced(
            (mapping.res_id, item["correlation_id"])
            for mapping, item in zip(mappings, carried, strict=True)
        )
        return result

    def _apply(self, records, correlation_id):
        arrivals = super()._apply(records, correlation_id)
        self._emit_synced(
            (arrival.res_id, correlation_id)
            for arrival in arrivals
            if arrival.outcome in ("created", "updated") and arrival.res_id
        )
        return arrivals

    def _emit_synced(self, pairs):
        """Both sides have the same of these ``(record id, correlation id)``."""
        entity = self.env["sync.event"]._event_entities()[self.entity]
        self.env["sync.event"].sudo()._emit(
            [
                {
                    "type": f"{entity.prefix}_synced",
                    "backend_id": self.backend_id.id,
                    "res_model": entity.model,
                    "res_id": res_id,
                    "correlation_id": correlation_id,
                }
                for res_id, correlation_id in pairs
            ],
            # Whoever carried them delivers events when it is through.
            schedule=False,
        )
