from datetime import timedelta
from textwrap import shorten

from markupsafe import escape

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.alert import rules as core
from ...core.alert.rules import Verdict
from ...core.retry.moments import AHEAD
from ...core.secrets.logs import get_logger
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
    """Which alerts are notified now, and what is done in Odoo itself: a note on the
    backend, a message to those who are logged in, an activity for the responsible
    person, the server log. What leaves Odoo is put on record here, in the transaction
    that decides it, and carried by jobs: see ``channel/``.
    """

    _inherit = "sync.alert"

    @api.model
    def _notify_due(self):
        """Notify of all that are due and need not wait."""
        if not self.env["sync.config"]._feature("notifications"):
            return
        self.env["sync.delivery"]._repeat_failed()
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
                *("&", ("held", "=", "limited"), ("sent_at", "=", False)),
            ]
        )
        silenced = self.env["sync.alert.silence"]._silenced(alerts)
        known = [
            alert._core(rules[alert.rule_id.id], alert in silenced) for alert in alerts
        ]
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

    def _core(self, rule, silenced=False):
        """The alert as :mod:`...core.alert.rules` sees it."""
        return core.Alert(
            id=self.id,
            rule=rule,
            backend=self.backend_id.id or None,
            severity=Severity(self.severity),
            opened_at=self.opened_at,
            notified=Severity(self.sent_severity) if self.sent_severity else None,
            silenced=silenced,
            limited=self.held == "limited",
            last_at=self.last_at or None,
            ended_at=self.resolved_at or None,
            company=(not self.backend_id and self.company_id.id) or None,
        )

    def _notified_lately(self, now):
        """``{rule's id: notifications within the time that is limited}``; a summary is
        one."""
        seconds = self.env["sync.config"]._value("alert_rate_limit")
        rows = self.env.execute_query(
            SQL(
                """SELECT rule_id,
                          coalesce(sum(sent_times) FILTER (WHERE NOT in_summary), 0)
                          + count(DISTINCT sent_at) FILTER (WHERE in_summary)
                     FROM sync_alert
                    WHERE sent_at > %s AND sent_at <= %s AND rule_id IS NOT NULL
                    GROUP BY rule_id""",
                now - timedelta(seconds=seconds),
                # Not those of a clock that was ahead.
                now + AHEAD,
            )
        )
        return dict(rows)

    def _note_judgement(self, judgement, now):
        self.ensure_one()
        summary = judgement.verdict is Verdict.SUMMARY
        if summary or judgement.verdict is Verdict.NOTIFY:
            self.write(
                {
                    "sent_at": now,
                    "sent_severity": self.severity,
                    "sent_times": self.sent_times + 1,
                    "in_summary": summary,
                    "held": False,
                    "parent_id": False,
                }
            )
            return
        verdict, parent = str(judgement.verdict), judgement.by or False
        if self.held != verdict or self.parent_id.id != parent:
            self.write({"held": verdict, "parent_id": parent})

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
            # The next look tries again.
            self.write({"sent_severity": False, "held": "failed"})

    # -- In Odoo ----------------------------------------------------------------------

    def _notify(self):
        """Notify of one alert, and of what comes with it."""
        self.ensure_one()
        log = _logger.critical if self.severity == "critical" else _logger.warning
        if self.condition != "critical_error":
            log(
                "alert %s, correlation id %s: %s",
                self.id,
                self.correlation_id,
                self.title,
            )
        self._notify_channels("opened")

    def _notify_summary(self):
        """Notify in one message of a rule's alerts that were held back."""
        for __, alerts in self.grouped("backend_id").items():
            alerts._notify_channels("opened")

    def _notify_acknowledged(self):
        """Notify those who are still called, that somebody looks after these."""
        on = self.env["sync.config"]._feature("notifications")
        for alert in self if on else ():
            heard = alert.delivery_ids.filtered(lambda d: d.state != "cancelled")
            for channel in heard.channel_id.filtered(lambda c: c.kind == "pagerduty"):
                self.env["sync.delivery"]._enqueue_alerts(
                    channel, alert, "acknowledged"
                )

    def _notify_end(self):
        """Notify that alerts are over, where their start was notified."""
        on = self.env["sync.config"]._feature("notifications")
        for alert in self:
            in_language = self.env["sync.error"]._in_language
            feedback = in_language(alert.resolution) or self.env._("Resolved")
            alert.activity_feedback([ACTIVITY], feedback=feedback)
            heard = alert.sudo().delivery_ids.filtered(
                lambda d: d.kind == "opened" and d.state != "cancelled"
            )
            for channel in heard.channel_id.filtered("active") if on else ():
                alert._notify_channel(channel, "resolved")

    def _notify_channels(self, kind):
        """Have each channel send those of these that it takes."""
        taking = {}
        for alert in self:
            for channel in self.env["sync.alert.channel"]._taking(alert):
                taking[channel] = taking.get(channel, self.browse()) | alert
        failures = []
        for channel, alerts in taking.items():
            with alone(self.env) as failure:
                alerts._notify_channel(channel, kind)
            if failure:
                _logger.critical(
                    "channel %s failed", channel.name, exc_info=failure.error
                )
                failures.append(failure.error)
        if failures and len(failures) == len(taking):
            raise failures[0]
        logged = self - self.browse().union(*taking.values())
        logged.held = "logged"

    def _notify_channel(self, channel, kind):
        if channel.kind != "in_app":
            self.env["sync.delivery"].sudo()._enqueue_alerts(channel, self, kind)
            return
        self._show(channel, kind)
        self.env["sync.delivery"].sudo()._show_in_app(channel, self, kind)
        if kind == "opened":
            self._note_arrival()

    def _show(self, channel, kind):
        """Show it in Odoo itself, and keep it for those who are not logged in."""
        urgent = self._worst() in (Severity.HIGH, Severity.CRITICAL)
        text, colour = _TEXTS[kind], "danger" if urgent else "warning"
        note = self._note(self.backend_id, text(self))
        if kind == "opened" and len(self) == 1:
            self.note_id = note
        self._send(channel, text, "success" if kind == "resolved" else colour)
        if kind == "opened" and urgent:
            for alert in self.filtered(lambda a: a.state == "open"):
                alert._remind()

    def _remind(self):
        """Leave an activity for the responsible person."""
        user = self.user_id or self.backend_id.responsible_id
        known = self.activity_ids.filtered(lambda a: a.user_id == user)
        if user and not known:
            self.activity_schedule(
                ACTIVITY, summary=self.title, note=self.advice, user_id=user.id
            )

    def _note(self, backend, text):
        """Leave a note on the backend.

        :return: the ``mail.message``
        """
        if not backend:
            return self.env["mail.message"]
        return backend.message_post(body=text, subtype_xmlid="mail.mt_note")

    def _say_anew(self):
        """Have what was written of it in Odoo say what it says now."""
        for alert in self:
            if alert.note_id:
                alert.note_id.sudo().body = escape(alert._opened_text())
            known = alert.activity_ids.filtered(
                lambda a: a.activity_type_id == self.env.ref(ACTIVITY)
            )
            known.summary = alert.title

    def _send(self, channel, text, kind):
        """A message to those who are logged in, each in their language.

        :param text: called with these alerts in the reader's language
        """
        backend = self.backend_id
        people = (
            backend.message_partner_ids
            | self.user_id.partner_id
            | channel.user_ids.partner_id
            | backend.responsible_id.partner_id
        )
        for partner in people:
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

    # -- Whether it arrived -----------------------------------------------------------

    def _note_arrival(self):
        """These were notified: it has arrived."""
        now = fields.Datetime.now()
        for alert in self:
            alert.write(
                {
                    "notified_at": now,
                    "notified_severity": alert.severity,
                    "notified_times": alert.notified_times + 1,
                    "held": False,
                }
            )

    def _note_failure(self):
        """It has not arrived there; nowhere, if nothing else has, or may."""
        for alert in self.filtered(lambda a: not a.notified_at):
            if all(d.state in ("failed", "cancelled") for d in alert.delivery_ids):
                alert.held = "failed"

    def _worst(self):
        return max(map(Severity, self.mapped("severity")), key=core.RANKS.get)

    def _is_urgent(self):
        """Whether one of these is critical, and looked after by nobody."""
        return any(a.state == "open" and a.severity == "critical" for a in self)

    # -- Texts ------------------------------------------------------------------------

    def _opened_text(self):
        return self._notification_text() if len(self) == 1 else self._summary_text()

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
            "%(rule)s: more alerts (%(count)s, over: %(over)s): %(which)s.",
            rule=self.rule_id.name,
            count=len(self),
            over=over,
            which=self._named(),
        )

    def _end_text(self):
        parts = [
            self.env._("Resolved: %s", _sentence(self.title)),
            _sentence(self.env["sync.error"]._in_language(self.resolution) or ""),
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


_TEXTS = {
    "opened": lambda alerts: alerts._opened_text(),
    "resolved": lambda alerts: alerts._end_text(),
}


def _sentence(text):
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
