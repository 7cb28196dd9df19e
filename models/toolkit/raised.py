from odoo import api, fields, models

from ...core.alert.rules import Condition
from ...core.taxonomy import Severity
from ..alert.sources import Sighting
from ..base.own_transaction import apart


class SyncAlert(models.Model):
    """Alerts that another addon raises: nothing is looked at, they are open until that
    addon or a person says that it is over."""

    _inherit = "sync.alert"

    @api.model
    def _sources(self):
        return {**super()._sources(), Condition.RAISED: self._see_raised}

    @api.model
    def _see_raised(self, rule, backend_ids):
        """Those that are open, as they are."""
        if None not in backend_ids:
            return []
        alerts = self.search([("rule_id", "=", rule.id), ("state", "!=", "resolved")])
        return [
            Sighting(
                None,
                figure=rule.threshold + 1,
                subject=alert.subject,
                count=alert.count,
                mark=alert.mark,
                at=alert.last_at,
                key=alert.fingerprint.split(":", 2)[2],
                company_id=alert.company_id.id,
                severity=Severity(alert.severity),
            )
            for alert in alerts
        ]

    @api.model
    def _raise(self, key, title, severity, about):
        """Raise an alert in a transaction of its own.

        :return: whether there is a rule for it
        """
        rule = self._raising_rule()
        if rule:
            sighting = Sighting(
                None,
                figure=rule.threshold + 1,
                subject=title,
                res_model=about["res_model"],
                res_id=about["res_id"],
                more=1,
                at=fields.Datetime.now(),
                key=key,
                company_id=about["company_id"],
                severity=severity,
                correlation_id=about["correlation_id"],
            )
            apart(self.sudo()._raise_now, rule, sighting, read_committed=True)
        return bool(rule)

    def _raise_now(self, rule, sighting):
        ours = self._take_turn()
        fingerprint = sighting.fingerprint(rule)
        live = self._live(fingerprint)
        if live:
            live._count_more(rule, sighting)
        else:
            self._open({fingerprint: (rule, sighting)})
        if ours:
            # Else the next look does it.
            self._notify_due()

    @api.model
    def _calm(self, key, company_id):
        rule = self._raising_rule()
        if rule:
            over = Sighting(None, figure=0, key=key, company_id=company_id)
            calm = self.sudo()._calm_now
            apart(calm, over.fingerprint(rule), read_committed=True)

    def _calm_now(self, fingerprint):
        self._take_turn()
        live = self._live(fingerprint)
        if live:
            live._end(live._why_gone())

    def _live(self, fingerprint):
        return self.search(
            [("fingerprint", "=", fingerprint), ("state", "!=", "resolved")]
        )

    @api.model
    def _raising_rule(self):
        return next(
            (
                rule
                for rule in self.env["sync.alert.rule"]._rules()
                if rule.condition is Condition.RAISED and rule.backend is None
            ),
            None,
        )
