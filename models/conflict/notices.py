from odoo import api, models

from ...core.event.routing import Route
from ..base.rights import USER
from ..event.handlers import NOTIFY

ACTIVITY = "pharmacy_sync.activity_decide"
# Open activities of one person, beyond which the list To Do is read anyway.
MOST = 50


class SyncEvent(models.Model):
    _inherit = "sync.event"

    @api.model
    def _event_routes(self):
        asked = Route(
            "notification", "_handle_notification", ("conflict_opened",), NOTIFY
        )
        both = ("conflict_opened", "conflict_resolved")
        activity = Route("activity", "_handle_activity", both, NOTIFY)
        return (*super()._event_routes(), asked, activity)

    def _handle_activity(self):
        """Who changed a record that is in conflict has an activity on it, until it is
        decided."""
        for conflict in self.env["sync.conflict"].browse(self.mapped("res_id")):
            record = conflict.exists() and conflict.mapping_id._record()
            if not record or "activity_ids" not in record:
                continue
            if conflict.mapping_id._open_conflict():
                self._schedule_activity(conflict, record)
            elif conflict.state == "resolved":
                self._close_activity(conflict, record)

    def _schedule_activity(self, conflict, record):
        user = conflict.odoo_user_id
        asked = self.env["mail.activity"].search_count(
            [
                ("activity_type_id", "=", self.env.ref(ACTIVITY).id),
                ("user_id", "=", user.id),
            ],
            limit=MOST,
        )
        known = record.activity_search([ACTIVITY])
        if known or asked >= MOST or not user.active or not user.has_group(USER):
            return
        own = self.with_context(lang=user.lang).env
        record.with_context(mail_activity_quick_update=True).activity_schedule(
            ACTIVITY,
            user_id=user.id,
            summary=own._(
                "Decide with the pharmacy: %s",
                conflict.with_context(lang=user.lang).summary or "",
            ),
        )

    def _close_activity(self, conflict, record):
        own = self.with_context(lang=conflict.odoo_user_id.lang).env
        strategies = conflict._fields["strategy"]._description_selection(own)
        said = own._(
            "%(user)s decided what to keep: %(how)s.",
            user=conflict.resolved_by_id.name,
            how=dict(strategies).get(conflict.strategy, ""),
        )
        record.activity_feedback([ACTIVITY], feedback=said)
