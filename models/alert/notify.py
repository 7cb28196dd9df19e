from datetime import timedelta
from textwrap import shorten

from odoo import api, fields, models
from odoo.tools import SQL

from ...core import alerting as core
from ...core.alerting import Verdict
from ...core.logs import get_logger
from ...core.taxonomy import Severity
from ..base.alone import alone

_logger = get_logger(__name__)

ACTIVITY = "mail.mail_activity_data_todo"
# Alerts that a notification names; of more it says how many.
NAMED = 5
# Characters of what an error said.
LONGEST = 200
# For this long an alert that is over goes into a summary, and explains what follows.
REMEMBERED = timedelta(hours=1)


class SyncAlert(models.Model):
    """Notifications: a note on the backend and a message to its followers who are
    logged in; an activity for the user of the rule; the server log.

    Another channel is added by extending :meth:`_notify`, :meth:`_notify_summary` and
    :meth:`_notify_end`; they run in the transaction that marks the alerts notified,
    and must not call anything outside the database: they have a job do that.
    """

    _inherit = "sync.alert"

    @api.model
    def _notify_due(self):
        """Notify of all that are due and need not wait."""
        rules = {rule.id: rule for rule in self.env["sync.alert.rule"]._rules()}
        alerts = self.search(
            [
                ("rule_id", "in", list(rules)),
                "|",
                ("state", "!=", "resolved"),
                "&",
                ("resolved_at", ">", fields.Datetime.now() - REMEMBERED),
                "|",
                ("condition", "=", "breaker_opened"),
                *("&", ("held", "=", "limited"), ("told_at", "=", False)),
            ]
        )
        known = [alert._core(rules[alert.rule_id.id]) for alert in alerts]
        if not any(alert.due for alert in known):
            return
        now = fields.Datetime.now()
        judged = core.judge_all(known, self._notified_lately(now), now)
        by_verdict = {verdict: self.browse() for verdict in Verdict}
        for alert in alerts.filtered(lambda a: a.id in judged):
            judgement = judged[alert.id]
            by_verdict[judgement.verdict] |= alert
            alert._note_judgement(judgement, now)
        for alert in by_verdict[Verdict.NOTIFY]:
            alert._try_notifying(alert._notify)
        for __, together in by_verdict[Verdict.SUMMARY].grouped("rule_id").items():
            together._try_notifying(together._notify_summary)

    def _core(self, rule):
        """The alert as :mod:`...core.alerting` sees it."""
        return core.Alert(
            id=self.id,
            rule=rule,
            backend=self.backend_id.id or None,
            severity=Severity(self.severity),
            opened_at=self.opened_at,
            notified=Severity(self.told_severity) if self.told_severity else None,
            limited=self.held == "limited",
            last_at=self.last_at or None,
            ended_at=self.resolved_at or None,
        )

    def _notified_lately(self, now):
        """``{rule's id: notifications within the time that is limited}``; a summary is
        one."""
        rows = self.env.execute_query(
            SQL(
                """SELECT rule_id,
                          coalesce(sum(told_times) FILTER (WHERE NOT in_summary), 0)
                          + count(DISTINCT told_at) FILTER (WHERE in_summary)
                     FROM sync_alert WHERE told_at > %s AND rule_id IS NOT NULL
                    GROUP BY rule_id""",
                now - timedelta(seconds=core.LIMITED_FOR),
            )
        )
        return dict(rows)

    def _note_judgement(self, judgement, now):
        self.ensure_one()
        summary = judgement.verdict is Verdict.SUMMARY
        if summary or judgement.verdict is Verdict.NOTIFY:
            self.write(
                {
                    "told_at": now,
                    "told_severity": self.severity,
                    "told_times": self.told_times + 1,
                    "in_summary": summary,
                    "held": False,
                    "parent_id": False,
                }
            )
        elif self.held != judgement.verdict or self.parent_id.id != judgement.by:
            self.write({"held": str(judgement.verdict), "parent_id": judgement.by})

    def _try_notifying(self, notify):
        with alone(self.env) as failure:
            notify()
        if failure:
            _logger.critical(
                "could not notify of alerts %s, correlation ids %s",
                self.ids,
                self.mapped("correlation_id"),
                exc_info=failure.error,
            )

    # -- Channels ---------------------------------------------------------------------

    def _notify(self):
        """Notify of one alert, and of what comes with it."""
        self.ensure_one()
        urgent = self.severity in ("high", "critical")
        if self.severity == "critical" and self.condition != "critical_error":
            _logger.critical(
                "alert %s, correlation id %s: %s",
                self.id,
                self.correlation_id,
                self.title,
            )
        self._note(self.backend_id, self._notification_text())
        self._send(
            lambda alert: alert._notification_text(), "danger" if urgent else "warning"
        )
        if urgent and self.user_id:
            self.activity_schedule(
                ACTIVITY, summary=self.title, note=self.advice, user_id=self.user_id.id
            )

    def _notify_summary(self):
        """Notify in one message of a rule's alerts that were held back."""
        for backend, alerts in self.grouped("backend_id").items():
            alerts._note(backend, alerts._summary_text())
            alerts._send(lambda found: found._summary_text(), "warning")

    def _notify_end(self):
        """Notify that alerts are over, if their start was notified."""
        for alert in self:
            feedback = alert.resolution or self.env._("Resolved")
            alert.activity_feedback([ACTIVITY], feedback=feedback)
            if alert.told_at:
                alert._note(alert.backend_id, alert._end_text())
                alert._send(lambda found: found._end_text(), "success")

    def _note(self, backend, text):
        if backend:
            backend.message_post(body=text, subtype_xmlid="mail.mt_note")

    def _send(self, text, kind):
        """A message to those who are logged in, each in their language.

        :param text: called with these alerts in the reader's language
        """
        backend = self.backend_id
        for partner in backend.message_partner_ids | self.user_id.partner_id:
            partner._bus_send(
                "simple_notification",
                {
                    "title": backend.name or self.env._("Pharmacy Sync"),
                    "message": text(self.with_context(lang=partner.lang)),
                    "type": kind,
                    "sticky": "critical" in self.mapped("severity")
                    and kind != "success",
                },
            )

    # -- Texts ------------------------------------------------------------------------

    def _notification_text(self):
        degrees = dict(self._fields["severity"]._description_selection(self.env))
        parts = [
            f"[{degrees[self.severity]}] {_sentence(self.title)}",
            _sentence(shorten(self.detail or "", LONGEST)),
            _sentence(self.advice),
        ]
        if self.child_ids:
            parts.append(self.env._("With it: %s.", self.child_ids._named()))
        if self.correlation_id:
            parts.append(self.env._("Correlation id: %s", self.correlation_id))
        return " ".join(part for part in parts if part)

    def _summary_text(self):
        over = len(self.filtered(lambda alert: alert.state == "resolved"))
        return self.env._(
            "%(rule)s: %(count)s more alerts, %(over)s of them over: %(which)s.",
            rule=self.rule_id.name,
            count=len(self),
            over=over,
            which=self._named(),
        )

    def _end_text(self):
        parts = [
            self.env._("Resolved: %s", _sentence(self.title)),
            _sentence(self.resolution or ""),
        ]
        if self.resolved_by_id:
            parts.append(self.env._("By %s.", self.resolved_by_id.name))
        return " ".join(part for part in parts if part)

    def _named(self):
        """The titles of the first of these, and how many more there are."""
        titles = "; ".join(alert.title.rstrip(".") for alert in self[:NAMED])
        more = len(self) - NAMED
        if more > 0:
            return self.env._("%(which)s and %(count)s more", which=titles, count=more)
        return titles


def _sentence(text):
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
