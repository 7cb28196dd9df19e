from odoo import api, fields, models
from odoo.tools import SQL

from ...core import said
from ...core.check.envelope import UNREADABLE
from ...core.exceptions import AWAITED, HeldValueError, SuspectedError
from ...core.exchange.listing import is_news
from ...core.retry.moments import rests
from ...core.retry.policy import DEPENDENCY_WAIT
from ...core.storable import storable
from ...core.taxonomy import ErrorType
from ..error.failed_attempt import FailedAttempt
from .suspects import SUSPECT_WAIT


class SyncOperation(models.Model):
    """Arrived records that could not be applied and are kept, each by an operation."""

    _inherit = "sync.operation"

    def _rests(self):
        """Whether this reading, which is dead, is not tried once more yet; it is at
        once if a person retries it or changes the backend's connection."""
        error = self.error_ids.sorted("id")[-1:]
        # A defect that all attempts have met does not pass.
        passes = error.retryable and error.type != ErrorType.UNEXPECTED
        ended = self.done_at or fields.Datetime.now()
        begun = self.first_attempt_at or ended
        return rests(begun, ended, fields.Datetime.now(), passes)

    @api.model
    def _unread(self, stream, records):
        """Those records of a page with repetitions that were not read before: neither
        applied at their version, nor kept because they could not be."""
        known, kept = self._read_before(stream, [r for r in records if _has_id(r)])
        epoch = stream.backend_id.epoch
        unread = []
        for record in records:
            number, version = _version_key(record)
            deleted = _has_id(record) and record.get("deleted") is True
            mapping = known.get(number) if isinstance(number, str) else None
            kept_before = (number, version) in kept
            if not kept_before and is_news(mapping, version, deleted, epoch):
                unread.append(record)
        return unread

    def _read_before(self, stream, records):
        """:return: (``{external id: values of the mapping}``, ids and versions of what
        is kept)"""
        ids = [record["id"] for record in records]
        own = [("stream_id", "=", stream.id)]
        known = {
            values["external_id"]: values
            for values in self.env["sync.mapping"].search_read(
                [*own, ("external_id", "in", ids)],
                ["external_id", "version", "in_part", "deleted", "epoch"],
            )
        }
        kept = self.search(
            [
                *own,
                ("kind", "=", "apply"),
                ("state", "!=", "done"),
                ("external_id", "in", [*ids, False]),
            ]
        )
        return known, [_version_key(operation.payload) for operation in kept]

    def _apply_kept(self, suspected=False):
        """Try these again.

        :param suspected: whether the only one may kill its worker
        """
        tried = []
        for (stream, correlation_id), operations in self.grouped(
            lambda o: (o.stream_id, o.correlation_id)
        ).items():
            records = operations.mapped("payload")
            arrivals = stream._apply_apart(records, correlation_id, suspected)
            tried += zip(operations, arrivals, strict=True)
        if not suspected:
            tried = self._apply_with_holders(tried)
        self._apply_failed([(o, a) for o, a in tried if a.outcome == "failed"])
        applied = [(o, a) for o, a in tried if a.outcome != "failed"]
        self.browse(o.id for o, __ in applied)._succeed()
        for operation, arrival in applied:
            operation._applied(arrival)

    def _apply_with_holders(self, tried):
        """A record that gets a value of another one, whose own change is kept as well,
        is applied together with that: alone neither could be.

        :param tried: pairs of operation and arrival
        :return: the same, with what came of it
        """
        done = {o: a for o, a in tried if not isinstance(a.error, HeldValueError)}
        held = {o: a for o, a in tried if o not in done}
        by_stream = self.browse(o.id for o in held).grouped("stream_id")
        for stream, operations in by_stream.items():
            known, arrivals = self.browse(), [held[o] for o in operations]
            while operations - known:
                known = operations
                wanted = [getattr(a.error, "external_id", None) for a in arrivals]
                kept = stream._kept_arrivals(filter(None, wanted)).values()
                operations |= known.concat(*kept)._free()
                if len(operations) < 2:
                    break
                arrivals = stream._apply_apart(
                    operations.mapped("payload"), operations[0].correlation_id
                )
                held.update(zip(operations, arrivals, strict=True))
        return [*done.items(), *held.items()]

    def _free(self):
        """Those of these that no other transaction is at, and that wait their turn."""
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM sync_operation
                    WHERE id = ANY(%s) AND state IN ('pending', 'waiting')
                    FOR NO KEY UPDATE SKIP LOCKED""",
                self.ids,
            )
        )
        return self.browse(operation_id for (operation_id,) in rows)

    @api.model
    def _apply_failed(self, failures):
        """Arrived records that could not be applied: pairs of operation and
        :class:`.apply.Arrival`."""
        Error = self.env["sync.error"]
        now = fields.Datetime.now()
        awaited, failed, suspected = [], [], []
        for operation, arrival in failures:
            backend = operation.backend_id
            classification = Error._classify(arrival.error, backend)
            failure = FailedAttempt(operation, classification, arrival.error)
            if isinstance(arrival.error, SuspectedError):
                suspected.append(failure)
            # What it refers to may be in the very next page: that costs no attempt.
            elif isinstance(arrival.error, AWAITED) and now < operation.deadline_at:
                awaited.append(failure)
            else:
                operation.attempts += 1
                failed.append(failure)
        about = {
            "retry_delay": DEPENDENCY_WAIT,
            "retry_reason": said.MAY_COME,
        }
        Error._record_each([failure.with_values(**about) for failure in awaited])
        for failure in awaited:
            failure.operation._park(DEPENDENCY_WAIT, str(failure.exception))
        for failure in suspected:
            failure.operation._park(SUSPECT_WAIT, str(failure.exception))
        self._fail_each(failed)
        self.browse(o.id for o, __ in failures)._schedule_waiting()


def _has_id(record):
    return isinstance(record, dict) and isinstance(record.get("id"), str)


def _version_key(record):
    """Which version of which record it is, as it is kept; of what is no record, all."""
    record = storable(record if isinstance(record, dict) else {UNREADABLE: record})
    if record.get("id") is None:
        return None, record
    return record["id"], record.get("version")
