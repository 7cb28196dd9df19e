import uuid
from datetime import timedelta
from functools import partial

from odoo import fields, models
from odoo.tools import SQL

from ..core.deadline import CancelToken
from ..core.exceptions import DependencyMissingError, OperationCancelledError
from .own_transaction import in_own_transaction
from .sync_apply import Arrival
from .sync_settle import NOT_MADE

PAGES_PER_JOB = 200
GONE = 410
# Seconds that an arrived record waits for one it refers to.
DEPENDENCY_WAIT = 60


class SyncBackend(models.Model):
    """Pharmacy to Odoo: ask for what changed since the cursor, page by page."""

    _inherit = "sync.backend"

    def _job_pull(self):
        """Job: carry the pharmacy app's changes to Odoo."""
        self.ensure_one()
        if self.paused or not self.active:
            return
        for stream in self.stream_ids.filtered("pulls").sorted("rank"):
            in_own_transaction(self.env, partial(_apply_due, stream.id))
            if not stream._pull():
                # What comes after refers to this one's records.
                return
        in_own_transaction(self.env, partial(_app_answered, self.id))


def _app_answered(backend_id, env):
    env["sync.backend"].browse(backend_id)._app_is_back()


def _apply_due(stream_id, env):
    env["sync.stream"].browse(stream_id)._apply_due()


class SyncStream(models.Model):
    _inherit = "sync.stream"

    def _pull(self):
        """Read all pages since the cursor; commit each with its cursor.

        :return: whether the end was reached
        """
        self.ensure_one()
        if self._own("_pull_waits"):
            return False
        correlation_id = uuid.uuid4().hex
        adapter = self._adapter()
        client = self.backend_id._client("pull", adapter._entity_pool)
        collection = adapter._entity_collection
        # Read anew: long work pulls more than once in one job.
        cursor = self._own("_get_cursor")
        token = CancelToken(partial(self._own, "_pull_cancelled"))
        try:
            for __ in range(PAGES_PER_JOB):
                token.check()
                page = client.changes(
                    collection, cursor, self.batch_size, correlation_id
                )
                moved = in_own_transaction(
                    self.env,
                    partial(_store_page, self.id, cursor, page, correlation_id),
                )
                cursor = page["next_cursor"]
                if not moved or not page["has_more"]:
                    return True
        except OperationCancelledError:
            # The cursor stays where it is: the next scheduled read goes on there.
            self._own("_end_pull_cancelled")
            return False
        except NOT_MADE as exc:
            eta = fields.Datetime.now() + timedelta(seconds=int(exc.retry_after) + 1)
            self._own("_hand_over_pull", eta)
            return False
        except Exception as exc:
            if getattr(exc, "status", None) == GONE:
                # The app knows no such cursor (its database was set back): read all
                # again; what did not change is left alone.
                in_own_transaction(self.env, partial(_forget_cursor, self.id))
            in_own_transaction(
                self.env, partial(_pull_failed, self.id, exc, correlation_id)
            )
            return False
        self._own("_hand_over_pull")
        return True

    def _get_cursor(self):
        return self.cursor

    def _pull_waits(self):
        """Whether a failed pull is waiting for its time."""
        operation = self._pull_operation()
        now = fields.Datetime.now()
        return operation.state == "waiting" and (operation.eta or now) > now

    def _pull_operation(self):
        """The failed pull that was not made up for yet, if any."""
        return self.env["sync.operation"].search(
            [
                ("stream_id", "=", self.id),
                ("kind", "=", "pull"),
                ("state", "not in", ("done", "cancelled")),
            ],
            limit=1,
        )

    def _store_page(self, cursor, page, correlation_id):
        """Apply one page and move the cursor, in one transaction.

        :return: False if somebody else read this page meanwhile
        """
        ((current,),) = self.env.execute_query(
            SQL(
                "SELECT cursor FROM sync_stream WHERE id = %s FOR NO KEY UPDATE",
                self.id,
            )
        )
        if (current or None) != (cursor or None):
            return False
        records = [
            {**change.get("data", {}), "id": change["id"], "version": change["version"]}
            | ({"deleted": True} if change.get("deleted") else {})
            for change in page["changes"]
        ]
        if records:
            self._keep_failed(self._apply(records, correlation_id), correlation_id)
        if page["next_cursor"] != cursor or records:
            self.write(
                {"cursor": page["next_cursor"], "pulled_at": fields.Datetime.now()}
            )
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

    def _hand_over_pull(self, eta=None):
        """The next job goes on where this one's turn is over."""
        operation = self._pull_operation()
        if operation.state == "running":
            operation._leave({"state": "pending", "job_uuid": False}, {})
        self.backend_id._schedule_pull(eta)

    def _keep_failed(self, arrivals, correlation_id):
        """An arrived record that could not be applied waits, or is a dead letter; one
        that could makes up for an earlier one that could not.

        :return: ``{external_id: operation}``
        """
        Operation = self.env["sync.operation"]
        kept = {
            operation.external_id: operation
            for operation in Operation.search(
                [
                    ("stream_id", "=", self.id),
                    ("kind", "=", "apply"),
                    ("external_id", "in", [a.external_id for a in arrivals]),
                    ("state", "not in", Operation.CLOSED),
                ]
            )
        }
        for arrival in arrivals:
            operation = kept.get(arrival.external_id, Operation)
            waits = (operation and (operation.payload or {}).get("version")) or 0
            if arrival.version and arrival.version < waits:
                # A call was late: the state that waits is the newer one.
                continue
            if arrival.outcome != "failed":
                operation._succeed(operation and self.env._("A newer version came."))
                continue
            if not operation:
                operation = Operation.create(
                    {
                        "kind": "apply",
                        "stream_id": self.id,
                        "mapping_id": arrival.mapping.id if arrival.mapping else False,
                        "external_id": arrival.external_id,
                        "correlation_id": correlation_id,
                        "first_attempt_at": fields.Datetime.now(),
                    }
                )
                kept[arrival.external_id] = operation
            operation.write({"payload": arrival.record})
            self._apply_failed(operation, arrival)
        return kept

    def _queue_arrivals(self, arrivals, correlation_id):
        """Of what arrived by call and failed, keep what is worth trying again.

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

    def _apply_failed(self, operation, arrival):
        if isinstance(arrival.error, DependencyMissingError):
            # What it refers to may be in the very next page: that costs no attempt.
            in_time = fields.Datetime.now() < operation.deadline_at
            self.env["sync.error"]._record_for(
                operation,
                self._classify(arrival.error),
                arrival.error,
                retry_delay=in_time and DEPENDENCY_WAIT,
                retry_reason=in_time and self.env._("It may come yet."),
            )
            if in_time:
                operation._park(DEPENDENCY_WAIT, str(arrival.error))
                operation._schedule_waiting()
                return
        operation.attempts += 1
        operation._fail(self._classify(arrival.error), arrival.error)
        operation._schedule_waiting()

    def _apply_due(self):
        """Try arrived records again that could not be applied before."""
        operations = self.env["sync.operation"]._claim(self, "apply", self.batch_size)
        for operation in operations:
            (arrival,) = self._apply([operation.payload], operation.correlation_id)
            if arrival.outcome == "failed":
                self._apply_failed(operation, arrival)
            else:
                operation._succeed()
                operation._return_edit(arrival)

    def _fail_pull(self, exception, correlation_id):
        """Keep a failed pull as an operation, and try it again when its policy says."""
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
                "deadline_at": now + timedelta(hours=24),
            }
        )
        operation._fail(self._classify(exception), exception)
        operation._schedule_waiting()


def _store_page(stream_id, cursor, page, correlation_id, env):
    stream = env["sync.stream"].browse(stream_id)
    return stream._store_page(cursor, page, correlation_id)


def _forget_cursor(stream_id, env):
    env["sync.stream"].browse(stream_id).cursor = False


def _pull_failed(stream_id, exception, correlation_id, env):
    env["sync.stream"].browse(stream_id)._fail_pull(exception, correlation_id)
