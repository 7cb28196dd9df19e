"""Alerts are notified by channels now, and count as such once a delivery arrived."""

from odoo import SUPERUSER_ID, api

# Conditions that had no rule: condition, sequence, name, threshold, severity.
RULES = (
    ("fallback_failed", 100, "Look-up without an answer", 0, "high"),
    ("handling_failed", 15, "Failures that could not be recorded", 0, "critical"),
    ("old_queue", 110, "Changes waiting for 15 minutes", 15, "high"),
    ("events_held", 111, "Events waiting for 10 minutes", 10, "high"),
    ("feed_held", 112, "Changes held back from the app for 10 minutes", 10, "medium"),
    ("conflicts_wait", 120, "Conflicts waiting for 4 hours", 4, "medium"),
    ("work_failed", 130, "Initial synchronisation or comparison failed", 0, "high"),
    ("job_failed", 131, "Jobs failed", 0, "high"),
    ("channel_failed", 140, "Notifications do not get through", 0, "high"),
    ("webhooks_refused", 150, "Webhooks refused", 4, "high"),
    ("clock_wrong", 151, "A clock is wrong", 4, "high"),
    ("raised", 160, "Reported by another addon", 0, "medium"),
)


def migrate(cr, version):
    cr.execute(
        """UPDATE sync_alert
              SET sent_at = notified_at, sent_severity = notified_severity,
                  sent_times = notified_times
            WHERE notified_at IS NOT NULL AND sent_at IS NULL"""
    )
    env = api.Environment(cr, SUPERUSER_ID, {})
    backends = env["sync.backend"].with_context(active_test=False).search([])
    env["sync.alert.channel"]._make_first(backends.company_id)
    # The person who connected the app is the nearest that there is.
    for backend in backends.filtered(lambda b: not b.responsible_id):
        maker = backend.create_uid
        if maker._is_internal() and backend.company_id in maker.company_ids:
            backend.responsible_id = maker
    for condition, sequence, name, threshold, severity in RULES:
        values = {
            "sequence": sequence,
            "name": name,
            "condition": condition,
            "threshold": threshold,
            "severity": severity,
        }
        xml_id = f"pharmacy_sync.alert_rule_{condition}"
        env["sync.alert.rule"]._load_records(
            [{"xml_id": xml_id, "values": values, "noupdate": True}]
        )
