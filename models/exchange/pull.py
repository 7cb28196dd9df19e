import uuid
from datetime import timedelta
from functools import partial

from odoo import api, fields, models
from odoo.tools import SQL

from ...core import said
from ...core.call.deadline import CancelToken
from ...core.check.envelope import UNREADABLE, as_record
from ...core.exceptions import NOT_MADE, InvalidDataError, OperationCancelledError
from ...core.exchange.arriving import leaves_out
from ...core.refusal import KEY_WAIT, is_about_key
from ...core.retry.policy import TOTAL_DEADLINE
from ...core.secrets.logs import get_logger
from ...core.storable import storable
from ...entities.directory import Directory
from ...entities.neutral import neutral
from ..base.alone import contained, raced
from ..base.own_transaction import apart
from ..base.sync_config import shift
from ..base.sync_retry_policy import second_after
from ..error.failed_attempt import FailedAttempt
from .arrival import Arrival
from .restored import how_far

_logger = get_logger(__name__)
PAGES_PER_JOB = 200
GONE = 410
# Scheduled readings of several pharmacies begin so far apart, or closer where a minute
# would not hold them: all at once, they would take every place of the job runner, and a
# change that comes just then would wait for the last of them.
APART = timedelta(seconds=2)
MINUTE = timedelta(minutes=1)


class SyncBackend(models.Model):
    """Pharmacy to Odoo: ask for what changed since the cursor, page by page."""

    _inherit = "sync.backend"

    def _job_pull(self):
        """Job: carry the pharmacy app's changes to Odoo."""
        self.ensure_one()
        self = neutral(self, self)
        with self.env["sync.error"]._watch_over("pull job", self):
            if self._is_ready():
                self._take_place()
                self._pull_all()

    def _pull_all(self):
        """Read all streams. One in trouble holds up no other: a record that refers to
        one that has not come waits for it, alone."""
        answered, time, defect = False, shift(), None
        for stream in self.stream_ids.filtered("pulls").sorted("rank"):
            with contained(_logger.error, "stream %s fails", stream.id) as failure:
                apart(stream._apply_due)
                answered = stream._pull(time) or answered
            defect = defect or failure.error
        if answered:
            apart(self._app_is_back)
        self._apply_suspects(time)
        if defect:
            raise defect

    def _connection_changed(self):
        result = super()._connection_changed()
        # Readings that died are due.
        self.env["sync.operation"].sudo().search(
            [
                ("backend_id", "in", self.ids),
                ("kind", "=", "pull"),
                ("state", "=", "dead"),
            ]
        )._redrive(said.CONNECTION_CHANGED)
        return result


class SyncStream(models.Model):
    _inherit = "sync.stream"

    @api.model
    def _cron_pull(self):
        """Scheduled: read what changed in the pharmacy apps."""
        with self.env["sync.error"]._watch_over("scheduled pull"):
            backends, now = self.env["sync.backend"]._at_work(), fields.Datetime.now()
            gap = min(APART, MINUTE / (len(backends) or 1))
            # One that a webhook asked for serves the first.
            backends[:1]._schedule_pull()
            for number, backend in enumerate(backends[1:], 1):
                backend._schedule_pull(now + number * gap, key="scheduled")

    def _pull(self, time=None):
        """Read all pages since the cursor; commit each with its cursor.

        :param time: when to hand over to the next job, see ``sync_config.shift``
        :return: whether the app answered, to the end or for as long as there was time
        """
        self.ensure_one()
        if apart(self._pull_waits):
            return False
        correlation_id = uuid.uuid4().hex
        backend = self.backend_id
        client = backend._client("pull", self._adapter()._entity_pool)
        # Read anew: long work pulls more than once in one job.
        cursor, tries, course = apart(self._get_place)
        token = CancelToken(partial(apart, self._pull_cancelled))
        time = time or shift()
        try:
            for __ in range(PAGES_PER_JOB):
                token.check()
                page = self._pull_page(client, cursor, correlation_id, tries)
                changes = page["changes"]
                if backend._shows_set_back(self, client, changes, correlation_id):
                    return False
                moved = apart(self._store_page, cursor, page, correlation_id)
                cursor, tries = page["next_cursor"], 0
                if not moved or not page["has_more"]:
                    return True
                course = self._gone_on(course, cursor)
                if time.expired:
                    break
        except OperationCancelledError:
            # The cursor stays where it is: the next scheduled read goes on there.
            apart(self._end_pull_cancelled)
            return False
        except NOT_MADE as exc:
            eta = second_after(exc.retry_after)
            apart(self._hand_over_pull, eta, course.kept(cursor or ""))
            return False
        except Exception as exc:  # noqa: BLE001
            # Kept, whatever it is, as the failed pull, which is tried again. If the app
            # knows no such cursor, its database was set back: all is read again.
            gone = self._reads_feed() and cursor and getattr(exc, "status", 0) == GONE
            if gone:
                apart(self.backend_id._refuse_cursor, self, cursor)
            else:
                apart(self._refuses_place, exc, cursor)
            apart(self._fail_pull, exc, correlation_id, gone)
            return False
        apart(self._hand_over_pull, None, course.kept(cursor))
        return True

    def _is_half_read(self):
        """Whether another job must go on where this one's turn was over."""
        return self._pull_operation().state in ("pending", "running")

    def _pull_waits(self):
        """Whether a failed pull is waiting for its time, or is dead; or nothing has
        failed, and there is nothing to be read yet."""
        if not self.backend_id._is_at_work():
            return True
        operation = self._pull_operation()
        if operation.state == "dead":
            return operation._rests()
        if operation.state == "waiting":
            return not operation._is_time()
        return not operation and self._round_rests()

    def _pull_cancelled(self):
        """Who asked the stream's pull to stop, if anybody did."""
        operation = self._pull_operation()
        return operation.cancel_at and operation.cancel_user_id.name

    def _end_pull_cancelled(self):
        self._pull_operation()._end_cancelled()

    def _pull_operation(self):
        """The failed pull that was not made up for yet, if any."""
        Operation = self.env["sync.operation"]
        return Operation.search(
            [("stream_id", "=", self.id), *Operation.OPEN_PULL], limit=1
        )

    def _store_page(self, cursor, page, correlation_id):
        """Apply one page and move the cursor, in one transaction.

        :return: False if somebody else read this page meanwhile
        """
        query = "SELECT cursor FROM sync_stream WHERE id = %s FOR NO KEY UPDATE"
        ((current,),) = raced(self.env, SQL(query, self.id))
        if (current or None) != (cursor or None):
            return False
        records = [as_record(change) for change in page["changes"]]
        if page.get("repeats"):
            records = self.env["sync.operation"]._unread(self, records)
        if records:
            arrivals = self._apply_apart(records, correlation_id, looked=True)
            self._keep_failed(arrivals, correlation_id)
        self._note_page(page)
        moved = page["next_cursor"] != cursor or records
        place = how_far(self, page["next_cursor"], records) if moved else {}
        self.write({"read_at": fields.Datetime.now(), **place})
        operation = self._pull_operation()
        if page["has_more"]:
            # A long one is seen at work, and can be stopped.
            self._begin_pull(operation, correlation_id)
        else:
            operation._succeed()
        return True

    def _begin_pull(self, operation, correlation_id):
        if operation.state == "running":
            return
        now = fields.Datetime.now()
        operation = operation or operation.create(
            {
                "kind": "pull",
                "stream_id": self.id,
                "correlation_id": correlation_id,
                "first_attempt_at": now,
            }
        )
        operation.write(
            {
                "state": "running",
                "job_uuid": self.env.context.get("job_uuid"),
                "started_at": now,
                "eta": False,
                "reason": False,
            }
        )

    def _hand_over_pull(self, eta=None, kept=""):
        """The next job goes on where this one's turn is over.

        :param kept: how the pages led there, see :meth:`.Course.kept`
        """
        self.cursor_course = kept
        operation = self._pull_operation()
        if operation.state == "running":
            operation._change_state({"state": "pending", "job_uuid": False}, {})
        self.backend_id._schedule_pull(eta)

    def _keep_failed(self, arrivals, correlation_id):
        """An arrived record that could not be applied waits, or is a dead letter; one
        that could makes up for an earlier one that could not.

        :return: ``{external_id: operation}``
        """
        Operation = self.env["sync.operation"]
        first, later, nameless = {}, [], []
        for arrival in arrivals:
            if not arrival.external_id:
                # No other one is known to be the same.
                nameless.append(arrival)
            # The same record twice: what came of the second comes after.
            elif first.setdefault(arrival.external_id, arrival) is not arrival:
                later.append(arrival)
        kept = self._kept_arrivals(first)
        late = {i for i, operation in kept.items() if _is_late(first[i], operation)}
        failed = {
            i: a for i, a in first.items() if a.outcome == "failed" and i not in late
        }
        directory = Directory(self.backend_id)
        made_up = [
            kept[i].id
            for i in kept.keys() - failed.keys() - late
            if not self._leaves_out_more(first[i], kept[i], directory)
        ]
        Operation.browse(made_up)._succeed(said.NEWER_CAME)
        new = {i: a for i, a in failed.items() if i not in kept}
        made = Operation.create(
            [self._apply_values(a, correlation_id) for a in [*new.values(), *nameless]]
        )
        kept.update(zip(new, made, strict=False))
        for external_id, arrival in failed.items():
            kept[external_id].payload = _kept(arrival.record)
        Operation._apply_failed(
            [
                *((kept[i], arrival) for i, arrival in failed.items()),
                *zip(made[len(new) :], nameless, strict=True),
            ]
        )
        if later:
            kept.update(self._keep_failed(later, correlation_id))
        return kept

    def _kept_arrivals(self, external_ids):
        """Operations that keep arrived records: ``{external_id: operation}``."""
        Operation = self.env["sync.operation"]
        found = Operation.search(
            [
                ("stream_id", "=", self.id),
                ("kind", "=", "apply"),
                ("external_id", "in", list(external_ids)),
                ("state", "not in", Operation.CLOSED),
            ]
        )
        return {operation.external_id: operation for operation in found}

    def _leaves_out_more(self, arrival, operation, directory):
        """Whether an applied record leaves out what the waiting one carries: then the
        waiting one must still be applied."""
        waiting = operation.payload or {}
        if arrival.record.get("deleted") or waiting.get("deleted"):
            return False
        try:
            had, has = (
                self._adapter()._canonical(record, directory, partial=True)
                for record in (waiting, arrival.record)
            )
        except InvalidDataError:
            return False
        return leaves_out(had, has)

    def _apply_values(self, arrival, correlation_id):
        return {
            "kind": "apply",
            "stream_id": self.id,
            "mapping_id": arrival.mapping.id if arrival.mapping else False,
            "external_id": arrival.external_id,
            "payload": _kept(arrival.record),
            "correlation_id": correlation_id,
            "first_attempt_at": fields.Datetime.now(),
        }

    def _queue_arrivals(self, arrivals, correlation_id):
        """Keep what arrived by call, failed, and is worth trying again.

        :return: ``{external_id: operation}``
        """
        wanted = [
            arrival
            for arrival in arrivals
            if arrival.external_id
            and (not arrival.error or self._classify(arrival.error).retryable)
        ]
        return self._keep_failed(wanted, correlation_id)

    def _put_off(self, records, exception):
        """Records that the database is too busy for, as arrivals that failed."""
        arrivals = [Arrival(record) for record in records]
        for arrival in arrivals:
            if self._read_envelope(arrival):
                self._set_failed(arrival, exception)
        return arrivals

    def _classify(self, exception):
        return self.env["sync.error"]._classify(exception, self.backend_id)

    def _apply_due(self):
        """Try arrived records again that could not be applied before."""
        due = self.env["sync.operation"]._claim(self, "apply", self.batch_size)
        due._apply_kept()

    def _fail_pull(self, exception, correlation_id, again=False):
        """Keep a failed pull as an operation, and try it again when its policy says.

        :param again: at once: its cause was put away
        """
        if is_about_key(exception):
            # Known of the backend, or soon: no reading has failed.
            eta = fields.Datetime.now() + timedelta(seconds=KEY_WAIT)
            self._hand_over_pull(eta)
            return
        operation = self._pull_operation() or self.env["sync.operation"].create(
            {
                "kind": "pull",
                "stream_id": self.id,
                "correlation_id": correlation_id,
                "first_attempt_at": fields.Datetime.now(),
            }
        )
        now = fields.Datetime.now()
        # It is the same stream and cursor for ever: an old one is given its time anew.
        operation.write(
            {
                "attempts": operation.attempts + 1,
                "correlation_id": correlation_id,
                "deadline_at": now + TOTAL_DEADLINE,
            }
        )
        classification = self._classify(exception)
        if again:
            failure = FailedAttempt(operation, classification, exception)
            self.env["sync.error"]._record_each([failure])
            operation._park(0, said.READ_FROM_START)
            # Another reading may have put it away, and be through with all since.
            self.backend_id._schedule_pull()
        else:
            operation._fail(classification, exception)
            operation._schedule_waiting()


def _kept(record):
    """A record that failed as an operation can keep it."""
    return storable(record if isinstance(record, dict) else {UNREADABLE: record})


def _is_late(arrival, operation):
    """Whether the state that waits is newer than the one that has arrived."""
    waits = (operation.payload or {}).get("version")
    return isinstance(waits, int) and 0 < arrival.version < waits
