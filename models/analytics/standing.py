"""How each pharmacy stands, in one sentence that all pages show."""

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from babel.dates import format_timedelta

from odoo import api, fields, models
from odoo.tools import SQL, babel_locale_parse, format_datetime, format_time

from ...core.analytics.backend_state import (
    LATE,
    Facts,
    Standing,
    State,
    record_sentence,
    stand,
)
from ..base.rights import OPERATOR, USER, check_group, check_may

# Latest calls that are looked at for when the app fell silent.
CALLS = 500
# Pending events that are counted: more make no difference.
EVENTS = 1000
# Columns of a row that are facts as they are.
COUNTED = ("conflicts", "failed", "differs", "silent", "held", "paused", "refused")
# Columns of a stream's row that are facts in place of its pharmacy's.
OF_STREAM = ("conflicts", "failed", "differs")
# States in which a person may have the app asked again.
ASKED_AGAIN = (State.AWAY, State.TROUBLED)


@dataclass(frozen=True)
class Look:
    """What was seen of one pharmacy. Times are UTC, or None.

    :ivar unseen: changes among those that wait which are not in the queue yet
    """

    facts: Facts
    unseen: int
    since: datetime | None
    next: datetime | None

    @property
    def standing(self) -> Standing:
        return stand(self.facts)


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    standing = fields.Char("How It Stands", compute="_compute_standing")
    standing_level = fields.Char(compute="_compute_standing")
    standing_state = fields.Char(compute="_compute_standing")

    @api.depends_context("uid", "lang", "tz")
    def _compute_standing(self):
        looks = self._look_at()
        for backend in self:
            look = looks.get(backend.id)
            backend.standing = look and backend._sentence(look)
            backend.standing_level = look and look.standing.level
            backend.standing_state = look and str(look.standing.state)

    def action_try_now(self):
        """Ask apps again that do not answer, without waiting for the next try.

        :raises AccessError: the user is no operator
        """
        message = self.env._("Only operators may have the pharmacy app asked again.")
        check_may(self, OPERATOR, message)
        for backend in self.sudo():
            for breaker in backend.breaker_ids.filtered(lambda b: b.state == "open"):
                state, __ = breaker._read_row(lock=True)
                breaker._write_row(replace(state, open_until=time.time()))
            waiting = [("backend_id", "=", backend.id), ("state", "=", "waiting")]
            Operation = backend.env["sync.operation"]
            Operation.search([*waiting, ("parked", "=", True)]).eta = False
            backend._schedule_push()
            backend._schedule_pull()
        return self._notify(
            self.env._("Asked again"),
            self.env._("What is kept goes out as soon as the pharmacy app answers."),
        )

    def _look_at(self):
        """What is so of each of these now.

        :return: ``{backend id: Look}``
        """
        if not self.ids:
            return {}
        self.env.flush_all()
        now = fields.Datetime.now()
        rows = self.env.execute_query_dict(
            SQL(
                _LOOK,
                now=now,
                late=now - timedelta(seconds=LATE),
                events=EVENTS,
                calls=CALLS,
                ids=self.ids,
            )
        )
        mends = self.env.user.has_group(OPERATOR)
        return {row["id"]: _look_of(row, mends) for row in rows}

    def _sentence(self, look):
        """What is said of this pharmacy, in the reader's language and time zone."""
        self.ensure_one()
        values = {
            **vars(look.facts),
            "since": self._moment(look.since),
            "next": self._next(look.next),
            "age": self._age(look.facts.oldest),
        }
        return " ".join(self.env._(text, **values) for text in look.standing.sentences)

    def _moment(self, moment):
        if not moment:
            return self.env._("a moment ago")
        today = fields.Datetime.context_timestamp(self, fields.Datetime.now()).date()
        if fields.Datetime.context_timestamp(self, moment).date() == today:
            return format_time(self.env, moment, time_format="short")
        return format_datetime(self.env, moment, dt_format="short")

    def _next(self, moment):
        if not moment or moment <= fields.Datetime.now():
            return self.env._("within a minute")
        return format_time(self.env, moment, time_format="medium")

    def _age(self, seconds):
        locale = babel_locale_parse(self.env["res.lang"]._get_code(self.env.lang))
        return format_timedelta(
            timedelta(seconds=int(seconds)), format="short", threshold=2, locale=locale
        )


class SyncBreaker(models.Model):
    _inherit = "sync.breaker"

    def action_try_now(self):
        """Ask the apps of these again: see the backend's."""
        return self.backend_id.action_try_now()


class SyncOverview(models.AbstractModel):
    _inherit = "sync.overview"

    @api.model
    @api.readonly
    def standings(self):
        """How each pharmacy stands that the user sees.

        :return: a list of dicts: ``id``, ``name``, ``state``, ``level``, ``text``,
            ``decide`` and ``failed`` (how much the user may do something about),
            ``can_try``
        :raises AccessError: the user is none of Pharmacy Sync
        """
        message = self.env._("The overview is for Pharmacy Sync's users.")
        check_group(self.env, USER, message)
        backends = self.env["sync.backend"].search([("active", "=", True)])
        return self._standings(backends, backends._look_at())

    @api.model
    def _standings(self, backends, looks):
        operator = self.env.user.has_group(OPERATOR)
        return [
            {
                "id": backend.id,
                "name": backend.name,
                "state": str(look.standing.state),
                "level": look.standing.level,
                "text": backend._sentence(look),
                "decide": look.facts.conflicts,
                "failed": look.facts.failed if operator else 0,
                "can_try": operator and look.standing.state in ASKED_AGAIN,
            }
            for backend in backends
            if (look := looks.get(backend.id))
        ]


class SyncTracked(models.AbstractModel):
    _inherit = "sync.tracked"

    sync_sentence = fields.Char("Pharmacy Says", compute="_compute_sync_sentence")

    @api.depends_context("uid", "lang", "tz", "allowed_company_ids")
    def _compute_sync_sentence(self):
        """How each record stands with each pharmacy that it is linked with."""
        links = self.env["sync.mapping"]
        if links.has_access("read"):
            own = self._sync_records()
            links = links.search(
                [("res_model", "=", own._name), ("res_id", "in", own.ids)]
            )
        looks = links.backend_id._look_at()
        linked = links.grouped("res_id")
        for record in self:
            texts = [
                self._sync_say(record.sync_state, link, looks)
                for res_id in record._sync_records().ids
                for link in linked.get(res_id, ())
            ]
            record.sync_sentence = " ".join(dict.fromkeys(texts))

    @api.model
    def _sync_say(self, state, link, looks):
        """What is said of one link, of a record that is shown in ``state``."""
        # An edit that nobody has looked at yet is known to the record alone.
        own = "pending" if state == "pending" else link.state
        sentence = record_sentence(own, looks[link.backend_id.id].standing.state)
        return self.env._(sentence, pharmacy=link.backend_id.name)


class SyncStream(models.Model):
    """How one kind of record stands, at a glance."""

    _inherit = "sync.stream"

    standing = fields.Char("How It Stands", compute="_compute_status")
    standing_level = fields.Char(compute="_compute_status")
    standing_state = fields.Char(compute="_compute_status")
    sent_at = fields.Datetime("Last Change Sent", compute="_compute_status")
    next_read_at = fields.Datetime(
        "Next Reading",
        compute="_compute_status",
        help="At the latest: a webhook of the pharmacy app has it read at once, unless "
        "its whole list is read.",
    )
    waiting_count = fields.Integer("Changes That Wait", compute="_compute_status")
    lag = fields.Char(
        "Longest Wait",
        compute="_compute_status",
        help="How long the oldest of the changes that wait has waited.",
    )
    day_count = fields.Integer(
        "Records in 24 Hours",
        compute="_compute_status",
        help="How often a record was brought in step within the last 24 hours, in "
        "either direction.",
    )

    @api.depends_context("uid", "lang", "tz")
    def _compute_status(self):
        looks = self.backend_id._look_at()
        now = fields.Datetime.now()
        entities = self.env["sync.event"]._event_entities()
        rows = self.env.execute_query_dict(
            SQL(
                _FLOW,
                now=now,
                day=now - timedelta(hours=24),
                ids=self.ids,
                late=now - timedelta(seconds=LATE),
                events=EVENTS,
                types=[f"{entities[s.entity].prefix}_synced" for s in self],
            )
        )
        found = {row["id"]: row for row in rows}
        cron = self.env.ref("pharmacy_sync.cron_pull", raise_if_not_found=False)
        scheduled = cron and cron.sudo().active and cron.sudo().nextcall
        for stream in self:
            # On its page, while it is edited, it is a copy that has no id of its own.
            row = found.get(stream._origin.id, {})
            look = stream._look(looks[stream.backend_id._origin.id], row)
            stream.sent_at, stream.day_count = row.get("sent_at"), row.get("day", 0)
            stream.waiting_count = waiting = look.facts.waiting
            stream.lag = bool(waiting) and stream.backend_id._age(look.facts.oldest)
            stream.standing = stream.backend_id._sentence(look)
            stream.standing_level = look.standing.level
            stream.standing_state = str(look.standing.state)
            reads = stream.pulls and not (look.facts.off or look.facts.paused)
            due = row.get("eta") or stream.sudo()._next_round_at() or scheduled
            # One that is late is due now, not in the past.
            stream.next_read_at = reads and due and max(due, now)

    def _look(self, backend, row):
        """What was seen of one stream.

        :param backend: :class:`Look` of its pharmacy
        :param row: what was counted of it
        """
        off = not self.active or not self.backend_id.active
        facts = replace(
            backend.facts,
            off=off,
            unread=bool(self.trouble) and not off,
            waiting=row.get("waiting", 0),
            oldest=max(0.0, float(row.get("age") or 0)),
            **{name: row.get(name, 0) for name in OF_STREAM},
        )
        return replace(backend, facts=facts)


def _look_of(row, mends):
    facts = Facts(
        mends=mends,
        **{name: row[name] for name in COUNTED},
        waiting=row["queued"] + row["unseen"],
        oldest=max(0.0, float(row["oldest"] or 0)),
    )
    since = row["rests_since"] if facts.paused or facts.refused else row["silent_since"]
    return Look(facts, row["unseen"], since or row["held_since"], row["next"])


# Latest calls: in the order of the index that begins with the backend. By that of their
# dates alone one would read all that others' calls left since its own last one.
_LOOK = """
SELECT b.id, (b.paused OR b.maintained) IS TRUE AS paused,
       b.refused_at IS NOT NULL AS refused, b.rests_since, queue.*, unseen.*,
       decisions.*, known.*, silence.*, held.*, coalesce(held.until, queue.eta) AS next,
       greatest(queue.age, unseen.age) AS oldest
  FROM sync_backend b
  CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'dead') AS failed,
           count(*) FILTER (WHERE state <> 'dead' AND kind <> 'pull') AS queued,
           min(eta) FILTER (WHERE state = 'waiting') AS eta,
           extract(epoch FROM %(now)s - min(greatest(requested_at, held_until))
                   FILTER (WHERE state <> 'dead' AND kind <> 'pull')) AS age
      FROM sync_operation
     WHERE backend_id = b.id AND state IN ('pending', 'running', 'waiting', 'dead')
  ) AS queue
  CROSS JOIN LATERAL (
    SELECT count(*) AS unseen, extract(epoch FROM %(now)s - min(create_date)) AS age
      FROM (SELECT create_date FROM sync_event
             WHERE backend_id = b.id AND state = 'pending' AND stream_id IS NOT NULL
               AND create_date < %(late)s
             LIMIT %(events)s) AS late
  ) AS unseen
  CROSS JOIN LATERAL (
    SELECT count(*) AS conflicts FROM sync_conflict
     WHERE backend_id = b.id AND state = 'open'
  ) AS decisions
  CROSS JOIN LATERAL (
    SELECT count(*) AS differs FROM sync_mapping
     WHERE backend_id = b.id AND state = 'differs'
  ) AS known
  CROSS JOIN LATERAL (
    SELECT count(*) AS silent, min(create_date) AS silent_since
      FROM (SELECT id, create_date, coalesce(
                       max(id) FILTER (WHERE result = 'success') OVER (), 0) AS answered
              FROM (SELECT id, create_date, result FROM sync_call
                     WHERE backend_id BETWEEN b.id AND b.id
                       AND operation IN ('push', 'pull')
                       AND result IN ('success', 'failure')
                     ORDER BY backend_id DESC, create_date DESC, id DESC
                     LIMIT %(calls)s) AS latest
           ) AS calls
     WHERE id > answered
  ) AS silence
  CROSS JOIN LATERAL (
    SELECT count(*) > 0 AS held, min(since) AS held_since, min(open_until) AS until
      FROM sync_breaker
     WHERE backend_id = b.id
       AND CASE mode WHEN 'normal' THEN state <> 'closed' ELSE mode = 'forced_open' END
  ) AS held
 WHERE b.id = ANY(%(ids)s)
"""

_FLOW = """
SELECT s.id, queue.*, sent.sent_at, day.day, needs.*
  FROM unnest(%(ids)s::int4[], %(types)s::text[]) AS s(id, type)
  JOIN sync_stream t ON t.id = s.id
  CROSS JOIN LATERAL (
    SELECT count(since) AS waiting, extract(epoch FROM %(now)s - min(since)) AS age,
           min(eta) AS eta
      FROM (SELECT CASE WHEN kind <> 'pull'
                        THEN greatest(requested_at, held_until) END AS since,
                   CASE kind WHEN 'pull' THEN eta END AS eta
              FROM sync_operation WHERE backend_id = t.backend_id AND stream_id = s.id
              AND state <> 'dead' AND state IN ('pending', 'running', 'waiting', 'dead')
            UNION ALL
            (SELECT create_date, NULL FROM sync_event
              WHERE backend_id = t.backend_id AND stream_id = s.id
                AND state = 'pending' AND create_date < %(late)s
              LIMIT %(events)s)) AS waiting
  ) AS queue
  LEFT JOIN LATERAL (
    SELECT done_at AS sent_at FROM sync_operation
     WHERE stream_id = s.id AND kind = 'push' AND state = 'done'
     ORDER BY done_at DESC NULLS LAST LIMIT 1
  ) AS sent ON true
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(count), 0) AS day FROM sync_event_metric
     WHERE backend_id = t.backend_id AND type = s.type AND hour >= %(day)s
  ) AS day
  CROSS JOIN LATERAL (
    SELECT (SELECT count(*) FROM sync_operation WHERE backend_id = t.backend_id
               AND state = 'dead' AND stream_id = s.id) AS failed,
           (SELECT count(*) FROM sync_conflict WHERE backend_id = t.backend_id
               AND state = 'open' AND entity = t.entity) AS conflicts,
           (SELECT count(*) FROM sync_mapping WHERE backend_id = t.backend_id
               AND state = 'differs' AND stream_id = s.id) AS differs
  ) AS needs
"""
