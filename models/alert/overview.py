from datetime import timezone

from odoo import api, fields, models
from odoo.fields import Domain

from ...core.alert.rules import RANKS
from ...core.analytics.exposition import Family, Kind
from ...core.taxonomy import Severity

# Alerts that the page names, and the latest among which these are the worst.
SHOWN, LOOKED_AT = 5, 100


class SyncOverview(models.AbstractModel):
    _inherit = "sync.overview"

    @api.model
    def _more(self, own):
        return {**super()._more(own), "alerts": self._alerts(own)}

    def _alerts(self, own):
        """The worst open alerts, but for those that are a part of another one."""
        Alert = self.env["sync.alert"]
        domain = Domain("is_open", "=", True) & own
        alerts = Alert.search(domain, limit=LOOKED_AT).sorted(
            lambda alert: RANKS[Severity(alert.severity)], reverse=True
        )
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
                    "since": fields.Datetime.to_string(alert.since),
                    "count": alert.count,
                    "parts": len(alert.child_ids),
                    "acknowledged_by": alert.acknowledged_by_id.name or "",
                }
                for alert in alerts[:SHOWN]
            ],
        }


class SyncExposition(models.AbstractModel):
    _inherit = "sync.exposition"

    @api.model
    def _families(self, backends):
        return [
            *super()._families(backends),
            self._about_alerts(backends),
            *self._about_channels(),
            *self._about_recovery(),
        ]

    def _about_alerts(self, backends):
        counts = {
            (backend.id or "", severity): count
            for backend, severity, count in self.env["sync.alert"]._read_group(
                [("is_open", "=", True)], ["backend_id", "severity"], ["__count"]
            )
        }
        return Family(
            "alerts_open",
            Kind.GAUGE,
            "Alerts that are not resolved, nor a part of another one.",
            [
                ({"backend": b, "severity": s}, counts.get((b, str(s)), 0))
                for b in (*backends.ids, "")
                for s in Severity
            ],
        )

    def _about_channels(self):
        """Whether people can be notified: where no channel gets through, nobody hears
        of it but by this."""
        # pylint: disable-next=no-search-all
        channels = self.env["sync.alert.channel"].search([])
        waiting = dict(
            self.env["sync.delivery"]._read_group(
                [
                    ("state", "in", ("waiting", "sending")),
                    ("channel_id", "in", channels.ids),
                ],
                ["channel_id"],
                ["__count"],
            )
        )
        labels = {c: {"channel": c.id, "kind": c.kind} for c in channels}
        return [
            Family(
                "channel_failures",
                Kind.GAUGE,
                "Attempts in a row that failed, of a channel that is switched on.",
                [(labels[c], c.failures) for c in channels],
            ),
            Family(
                "channel_deliveries_waiting",
                Kind.GAUGE,
                "Notifications that have not arrived yet.",
                [(labels[c], waiting.get(c, 0)) for c in channels],
            ),
        ]

    def _about_recovery(self):
        run = self.env["sync.recovery.run"]._latest()
        started = run.started_at and run.started_at.replace(tzinfo=timezone.utc)
        seconds = started.timestamp() if started else None
        return [
            Family(
                "recovery_last_run_timestamp_seconds",
                Kind.GAUGE,
                "When the latest recovery ran.",
                [({}, seconds)],
            ),
            Family(
                "recovery_left",
                Kind.GAUGE,
                "What a step of the latest recovery found and could not mend.",
                _by_step(run, lambda line: line.found - line.mended),
            ),
            Family(
                "recovery_mended",
                Kind.GAUGE,
                "What a step of the latest recovery mended.",
                _by_step(run, lambda line: line.mended),
            ),
            Family(
                "recovery_step_failed",
                Kind.GAUGE,
                "Whether a step of the latest recovery failed itself.",
                _by_step(run, lambda line: line.state == "failed"),
            ),
        ]


def _by_step(run, figure):
    found = {}
    for line in run.line_ids:
        found[line.step] = found.get(line.step, 0) + figure(line)
    return [({"step": step}, value) for step, value in found.items()]
