import time
from functools import partial

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from ...core import said
from ...core.alert import rules as core
from ...core.alert.rules import Condition
from ...core.event.routing import Route
from ...core.secrets.logs import get_logger
from ...core.taxonomy import Category, Severity
from ..base.alone import alone, contained
from ..base.locks import ALERTS
from ..base.own_transaction import apart
from ..base.rows import insert_rows
from .sources import HANDLING

_logger = get_logger(__name__)

# Time after which a look that waits for its turn gives up.
PATIENCE = "5s"
# Seconds for which this process does not call the scheduled action again for the same
# failure: by then it has come round by itself.
CALLED_FOR = 60.0
CALLED_MOST = 1000
# {(database, fingerprint): monotonic time of the call}
_called = {}
# Events that an alert may come of, or end by.
ALERTING = ("dead_letter_*", "breaker_*", "saga_*")
# What an event may have changed, by the first word of its type.
OF_EVENTS = {
    "breaker": Condition.BREAKER_OPENED,
    "dead": Condition.DEAD_LETTER,
    "saga": Condition.RECOVERY_FAILED,
}


class SyncAlert(models.Model):
    """How alerts are raised, counted and resolved: by looking how things stand.

    A scheduled action looks each minute; it is called at once for an error that is
    urgent. Events have it look sooner at what they are about. A look runs in a
    transaction of its own: if it fails or is skipped, no other work fails, and the next
    look finds the same. Looks wait for each other, at READ COMMITTED, so that nothing
    is notified twice and nothing is replayed.
    """

    _inherit = "sync.alert"

    @api.model
    def _cron_watch(self):
        """Scheduled: look at everything, and do what is due about what goes on."""
        self._watch()
        self.env["sync.escalation"]._climb_due()

    @api.model
    def _watch(self, conditions=tuple(Condition), backend_ids=None):
        """Look at some or all, and notify of what is new. Never raises.

        :param conditions: of :class:`...core.alert.rules.Condition`
        :param backend_ids: None: all backends, and what belongs to none
        """
        look = self.sudo()._look_at
        # The caller's work goes on: the next look finds the same.
        with contained(_logger.critical, "alerting itself failed"):
            apart(look, tuple(conditions), backend_ids, read_committed=True)

    @api.model
    def _look_soon(self, fingerprint):
        """Have the scheduled action look as soon as this transaction is committed.

        :param fingerprint: of the failure that is urgent
        """
        key, now = (self.env.cr.dbname, fingerprint), time.monotonic()
        if now - _called.get(key, -CALLED_FOR) < CALLED_FOR:
            return
        if len(_called) > CALLED_MOST:
            _called.clear()
        _called[key] = now
        cron = self.env.ref("pharmacy_sync.cron_alert", raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()

    def _take_turn(self):
        """Wait for other looks to end; hold the turn until this transaction ends.

        :return: False if that took too long
        """
        self.env.cr.execute(SQL("SET LOCAL lock_timeout = %s", PATIENCE))
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(SQL("SELECT pg_advisory_xact_lock(%s)", ALERTS))
        except psycopg2.errors.LockNotAvailable:
            _logger.warning("alerts are checked later: another check takes long")
            return False
        return True

    # -- Looking ----------------------------------------------------------------------

    @api.model
    def _look_at(self, conditions, backend_ids):
        """Look at each condition, and notify of what is new; each fails alone."""
        if not self._take_turn():
            return
        # What an app that is down brings about waits behind its breaker's alert: that
        # one is looked at last, or the others would be notified first.
        ordered = sorted(conditions, key=lambda c: c is Condition.BREAKER_OPENED)
        looks = [
            partial(self._check_condition, condition, backend_ids)
            for condition in ordered
        ]
        for look in (*looks, self._notify_due):
            with alone(self.env) as failure:
                look()
            if failure:
                _logger.critical(
                    "alerting itself failed at %s", look, exc_info=failure.error
                )
                self.env["sync.error"]._record(
                    failure.error, Severity.CRITICAL, operation=HANDLING
                )

    @api.model
    def _check_condition(self, condition, backend_ids):
        """Raise, count and resolve the alerts of one condition.

        :param backend_ids: of which backends, None being none; None: all
        """
        rules = self.env["sync.alert.rule"]._rules()
        active = self.env["sync.backend"].search([("active", "=", True)]).ids
        domain = [("condition", "=", str(condition)), ("state", "!=", "resolved")]
        if backend_ids is None:
            among = {*active, None}
        else:
            among = {*active, None}.intersection(backend_ids)
            domain.append(("backend_id", "in", [id_ or False for id_ in backend_ids]))
        live = {alert.fingerprint: alert for alert in self.search(domain)}
        seen = {}
        for rule in rules:
            mine = rule.condition is condition and core.scope(rule, rules, among)
            if mine:
                for sighting in self._see(rule, mine):
                    fingerprint = sighting.fingerprint(rule)
                    seen.setdefault(fingerprint, (rule, sighting))
        raised = {
            fingerprint: found
            for fingerprint, found in seen.items()
            if core.is_raised(found[0], found[1].figure)
        }
        for fingerprint in live.keys() & raised.keys():
            live[fingerprint]._count_more(*raised[fingerprint])
        self._open({key: raised[key] for key in raised.keys() - live.keys()})
        for fingerprint, alert in live.items():
            if fingerprint not in seen or core.is_over(*_figure(seen[fingerprint])):
                alert._end(alert._why_gone())

    def _why_gone(self):
        if not self.rule_id.active:
            return said.RULE_OFF
        return self._kind.gone

    def _count_more(self, rule, sighting):
        """It is open already: only what is new of it is noted.

        A figure that is a state is what it is now, also where it is less than it was;
        one that is counted within a window stays until more are counted.
        """
        self.ensure_one()
        count = max(self.count + sighting.more, sighting.count)
        severity = max(
            Severity(self.severity),
            _severity(rule, sighting),
            key=core.RANKS.get,
        )
        values = {}
        if count != self.count or severity != self.severity:
            values = {
                "count": count,
                "severity": str(severity),
                "mark": max(self.mark, sighting.mark),
                "last_at": max(sighting.at or fields.Datetime.now(), self.since),
                "correlation_id": sighting.correlation_id or self.correlation_id,
            }
        data = _data(rule, sighting)
        if values or (data != self.data and not self._kind.counted):
            self.write(
                {**values, "data": data, "subject": sighting.subject or self.subject}
            )
            self._say_anew()

    @api.model
    def _open(self, raised):
        """Raise alerts: ``{fingerprint: (rule, sighting)}``, but for what a person
        has declared resolved and that has not happened since."""
        now = fields.Datetime.now()
        last = self._last_resolved(list(raised))
        news = {
            fingerprint: found
            for fingerprint, found in raised.items()
            if core.is_news(found[1].at, *last.get(fingerprint, (None, False)), now)
        }
        if not news:
            return
        # A look that did not wait for its turn counts into the alert that is open.
        again = SQL(
            """(fingerprint) WHERE state <> 'resolved' DO UPDATE
               SET count = sync_alert.count + excluded.count,
                   last_at = excluded.last_at"""
        )
        insert_rows(self, list(self._rows(news, now)), on_conflict=again)
        self.invalidate_model()
        with alone(self.env) as failure:
            self.env["sync.alert.rule"]._act_on(list(news.values()))
        if failure:
            _logger.critical("a rule could not act", exc_info=failure.error)

    def _last_resolved(self, fingerprints):
        """``{fingerprint: (when its last alert was resolved, whether by a person)}``"""
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (fingerprint) fingerprint, resolved_at,
                          resolved_by_id IS NOT NULL
                     FROM sync_alert
                    WHERE fingerprint = ANY(%s) AND state = 'resolved'
                    ORDER BY fingerprint, id DESC""",
                fingerprints,
            )
        )
        return {fingerprint: tuple(found) for fingerprint, *found in rows}

    def _rows(self, news, now):
        ids = {sighting.backend_id for __, sighting in news.values()} - {None}
        backends = {b.id: b for b in self.env["sync.backend"].browse(ids)}
        rules = self.env["sync.alert.rule"].browse({r.id for r, __ in news.values()})
        responsible = {rule.id: rule.user_id.id for rule in rules}
        groups = self.env["sync.error.group"].browse(
            sighting.res_id
            for __, sighting in news.values()
            if sighting.res_model == "sync.error.group"
        )
        looked_after = {group.id: group.user_id.id for group in groups}
        for fingerprint, (rule, sighting) in news.items():
            backend = backends.get(sighting.backend_id)
            of_group = sighting.res_model == "sync.error.group"
            user = looked_after[sighting.res_id] if of_group else None
            yield {
                "fingerprint": fingerprint,
                "rule_id": rule.id,
                "condition": str(rule.condition),
                "backend_id": sighting.backend_id,
                "company_id": backend.company_id.id
                if backend
                else sighting.company_id or None,
                "severity": str(_severity(rule, sighting)),
                "state": "open",
                "subject": sighting.subject,
                "data": _data(rule, sighting),
                "res_model": sighting.res_model,
                "res_id": sighting.res_id,
                "correlation_id": sighting.correlation_id,
                "count": sighting.count,
                "mark": sighting.mark,
                "opened_at": now,
                "last_at": sighting.at or now,
                "since": sighting.began(now),
                "user_id": user or responsible[rule.id],
            }


class SyncEvent(models.Model):
    _inherit = "sync.event"

    @api.model
    def _event_routes(self):
        alerting = Route("alert", "_handle_alert", ALERTING, priority=45)
        return (*super()._event_routes(), alerting)

    def _handle_alert(self):
        """Look at what these events may have changed."""
        for backend, events in self.grouped("backend_id").items():
            words = {event.type.partition("_")[0] for event in events}
            self.env["sync.alert"]._watch(
                [OF_EVENTS[word] for word in sorted(words)], [backend.id or None]
            )


class SyncError(models.Model):
    _inherit = "sync.error"

    @api.model
    def _recorded(self, vals_list):
        result = super()._recorded(vals_list)
        for vals in vals_list:
            if _is_urgent(vals):
                self.env["sync.alert"]._look_soon(vals["fingerprint"])
        return result


def _is_urgent(error):
    return (
        error["severity"] == Severity.CRITICAL or error["category"] == Category.SECURITY
    )


def _severity(rule, sighting):
    return sighting.severity or core.severity(rule, sighting.figure)


def _figure(found):
    rule, sighting = found
    return rule, sighting.figure


def _data(rule, sighting):
    """What the title of an alert is made of."""
    return {
        "value": round(sighting.figure),
        "threshold": rule.threshold,
        "window": rule.window,
        "cause": sighting.cause,
        "type": sighting.error_type,
    }
