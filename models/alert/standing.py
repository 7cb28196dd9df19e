from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.alert.rules import Condition
from .sources import HANDLING, Sighting

# The work of errors that say that nothing served in place of the app.
FALLBACK = "fallback"
# Attempts in a row after which a channel is said to fail.
SEVERAL = 3


class SyncAlert(models.Model):
    """More of what may raise an alert: what stands still, and what was given up."""

    _inherit = "sync.alert"

    @api.model
    def _sources(self):
        return {
            **super()._sources(),
            Condition.SET_BACK: self._see_set_back,
            Condition.COPIED: self._see_copied,
            Condition.RULE_PROPOSED: self._see_rule_proposed,
            Condition.FALLBACK_FAILED: self._see_fallback_failed,
            Condition.HANDLING_FAILED: self._see_handling_failed,
            Condition.OLD_QUEUE: self._see_old_queue,
            Condition.EVENTS_HELD: self._see_events_held,
            Condition.FEED_HELD: self._see_feed_held,
            Condition.CONFLICTS_WAIT: self._see_conflicts_wait,
            Condition.WORK_FAILED: self._see_work_failed,
            Condition.JOB_FAILED: self._see_job_failed,
            Condition.CHANNEL_FAILED: self._see_channel_failed,
        }

    @api.model
    def _see_set_back(self, rule, backend_ids):
        backends = self.env["sync.backend"].browse(id_ for id_ in backend_ids if id_)
        return [
            _of_state(b, b, b.set_back_reason, b.set_back_at)
            for b in backends.filtered("set_back_at")
        ]

    @api.model
    def _see_copied(self, rule, backend_ids):
        backends = self.env["sync.backend"].browse(id_ for id_ in backend_ids if id_)
        return [_of_state(b, b) for b in backends.filtered("is_copy")]

    @api.model
    def _see_rule_proposed(self, rule, backend_ids):
        streams = self.env["sync.stream"].search(
            [("rule_proposed", "=", True), ("backend_id", "in", backend_ids)]
        )
        return [_of_state(stream, stream.backend_id) for stream in streams]

    # -- Errors of a kind -------------------------------------------------------------

    @api.model
    def _see_fallback_failed(self, rule, backend_ids):
        only = SQL("e.work = %s", FALLBACK)
        return self._see_unresolved(rule, backend_ids, only)

    @api.model
    def _see_handling_failed(self, rule, backend_ids):
        only = SQL("e.work = %s", HANDLING)
        return self._see_unresolved(rule, backend_ids, only)

    # -- What stands still ------------------------------------------------------------

    @api.model
    def _see_old_queue(self, rule, backend_ids):
        """Minutes since the oldest change became due that nobody has taken up."""
        return self._see_age(
            backend_ids,
            SQL(
                """SELECT backend_id, count(*),
                          min(greatest(requested_at, coalesce(eta, requested_at))),
                          NULL
                     FROM sync_operation o
                    WHERE (state = 'pending' OR state = 'waiting' AND NOT parked)
                      AND coalesce(eta, requested_at) <= now() at time zone 'UTC'
                    GROUP BY backend_id"""
            ),
            "sync.operation",
        )

    @api.model
    def _see_events_held(self, rule, backend_ids):
        """Minutes that the oldest event has waited for its handlers."""
        return self._see_age(
            backend_ids,
            SQL(
                """SELECT backend_id, count(*), min(create_date),
                          CASE WHEN backend_id IS NULL THEN company_id END
                     FROM sync_event WHERE state = 'pending' GROUP BY backend_id, 4"""
            ),
            "sync.event",
        )

    def _see_age(self, backend_ids, query, model):
        now = fields.Datetime.now()
        Backend, Company = self.env["sync.backend"], self.env["res.company"]
        return [
            Sighting(
                backend_id,
                figure=int((now - since).total_seconds() // 60),
                subject=(Backend.browse(backend_id) or Company.browse(company)).name,
                count=count,
                at=since,
                key=model,
                company_id=company,
            )
            for backend_id, count, since, company in self.env.execute_query(query)
            if backend_id in backend_ids
            and (company or Backend.browse(backend_id)._is_at_work())
        ]

    @api.model
    def _see_feed_held(self, rule, backend_ids):
        """Minutes that the feed of changes has waited for an open transaction."""
        streams = self.env["sync.stream"].search([("backend_id", "in", backend_ids)])
        return [
            Sighting(
                stream.backend_id.id,
                figure=int(held["waiting_seconds"] // 60),
                subject=stream.display_name,
                res_model="sync.stream",
                res_id=stream.id,
                count=held["held_back"],
            )
            for stream, held in streams._held_now().items()
            if held["held_back"]
        ]

    @api.model
    def _see_conflicts_wait(self, rule, backend_ids):
        """Hours that the oldest conflict has waited for a person."""
        rows = self.env["sync.conflict"]._read_group(
            [("state", "=", "open"), ("backend_id", "in", backend_ids)],
            ["backend_id"],
            ["__count", "create_date:min", "id:min"],
        )
        now = fields.Datetime.now()
        return [
            Sighting(
                backend.id,
                figure=int((now - since).total_seconds() // 3600),
                subject=str(count),
                res_model="sync.conflict",
                res_id=first,
                count=count,
                at=since,
                key="conflicts",
            )
            for backend, count, since, first in rows
        ]

    # -- What was given up ------------------------------------------------------------

    @api.model
    def _see_work_failed(self, rule, backend_ids):
        """Initial synchronisations and comparisons whose latest run failed."""
        found = []
        for name in ("sync.initial", "sync.reconciliation"):
            ended = [
                ("backend_id", "in", backend_ids),
                ("state", "in", ("done", "failed")),
            ]
            latest = self.env[name]._read_group(ended, ["backend_id"], ["id:max"])
            works = self.env[name].browse([work for __, work in latest])
            found += [
                Sighting(
                    work.backend_id.id,
                    figure=1,
                    subject=work.display_name,
                    res_model=name,
                    res_id=work.id,
                    at=work.ended_at or None,
                    cause=work.reason or "",
                    correlation_id=work.correlation_id,
                    key=name,
                )
                for work in works.filtered(lambda work: work.state == "failed")
            ]
        return found

    @api.model
    def _see_job_failed(self, rule, backend_ids):
        """Jobs of this addon that failed as a whole."""
        if None not in backend_ids:
            return []
        rows = self.env.execute_query(
            SQL(
                """SELECT model_name, method_name, count(*), max(id),
                          max(date_done), (array_agg(exc_name ORDER BY id DESC))[1]
                     FROM queue_job
                    WHERE state = 'failed' AND starts_with(model_name, 'sync.')
                    GROUP BY model_name, method_name"""
            )
        )
        return [
            Sighting(
                None,
                figure=count,
                subject=f"{model} {method}",
                count=count,
                mark=last,
                at=at,
                cause=exception or "",
                key=f"{model} {method}",
            )
            for model, method, count, last, at, exception in rows
        ]

    @api.model
    def _see_channel_failed(self, rule, backend_ids):
        """Channels and webhooks to which nothing gets through."""
        day = fields.Datetime.now() - timedelta(days=1)
        found = []
        for receivers in self.env["sync.backend"]._all_receivers():
            failing = receivers.filtered(
                lambda r: r.failures >= SEVERAL and r.active and r.write_date > day
            )
            for receiver in failing:
                own = receiver.backend_id or self.env["sync.backend"].search(
                    [("company_id", "=", receiver.company_id.id)], limit=1
                )
                if own.id in backend_ids:
                    found.append(
                        Sighting(
                            own.id,
                            figure=receiver.failures,
                            subject=receiver.name,
                            res_model=receiver._name,
                            res_id=receiver.id,
                            count=receiver.failures,
                            cause=receiver._latest_answer(),
                        )
                    )
        return found


class SyncStream(models.Model):
    _inherit = "sync.stream"

    def _held_now(self):
        """How the feed of each of these stands: see ``_held_back``."""
        fence = self._fence() if self else None
        return {stream: stream._held_back(fence) for stream in self}


def _of_state(record, backend, cause="", at=None):
    return Sighting(
        backend.id,
        figure=1,
        subject=record.display_name,
        res_model=record._name,
        res_id=record.id,
        at=at,
        cause=cause or "",
    )
