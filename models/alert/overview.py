from odoo import api, fields, models
from odoo.fields import Domain

# Alerts that the page names.
SHOWN = 5


class SyncOverview(models.AbstractModel):
    _inherit = "sync.overview"

    @api.model
    def _more(self, own):
        return {**super()._more(own), "alerts": self._alerts(own)}

    def _alerts(self, own):
        """The latest open alerts, but for those that are a part of another one."""
        Alert = self.env["sync.alert"]
        domain = (
            Domain("state", "!=", "resolved") & Domain("parent_id", "=", False) & own
        )
        alerts = Alert.search(domain, limit=SHOWN)
        degrees = dict(Alert._fields["severity"]._description_selection(self.env))
        return {
            "count": Alert.search_count(domain),
            "link": self._link("alert", own, search_default_open=1),
            "log_link": self._link("alert", own),
            "latest": [
                {
                    "id": alert.id,
                    "severity": alert.severity,
                    "severity_label": degrees[alert.severity],
                    "title": alert.title,
                    "backend": alert.backend_id.name or "",
                    "since": fields.Datetime.to_string(alert.opened_at),
                    "count": alert.count,
                    "parts": len(alert.child_ids),
                    "acknowledged_by": alert.acknowledged_by_id.name or "",
                }
                for alert in alerts
            ],
        }
