from collections import defaultdict
from dataclasses import dataclass, field, replace

from odoo import models

from ...core.exceptions import NOT_MADE, DependencyMissingError, HttpError
from ...core.retry import DEPENDENCY_WAIT
from ...core.taxonomy import ErrorType
from ..operation.cancel import CANCELLED

OK = (200, 201, 204)
FOUND, FETCHED = 302, 303
NOT_FOUND, DUPLICATE, GONE, STALE = 404, 409, 410, 412
# Answers in a row after which a record that is always stale is no accident any more.
STALE_ATTEMPTS = 5


@dataclass
class Fates:
    """What came of the operations of a batch, to be written for all at once."""

    # Ids of operations, by the reason, and by what was raised.
    done: dict = field(default_factory=lambda: defaultdict(list))
    not_made: dict = field(default_factory=lambda: defaultdict(list))
    # Ids of operations.
    cancelled: list = field(default_factory=list)
    linked: list = field(default_factory=list)
    fetched: list = field(default_factory=list)
    # Failures, as :meth:`SyncOperation._fail_each` takes them.
    stale: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    # The app's records, to be applied.
    arrived: list = field(default_factory=list)


class SyncStream(models.Model):
    """Odoo to pharmacy, the last of a batch's three steps: what came of it."""

    _inherit = "sync.stream"

    def _settle_push(self, items, answers, failures):
        """Write down what came of a batch.

        :param answers: ``{operation id: result}``
        :param failures: ``{operation id: exception}`` for those without an answer
        """
        self.env["sync.mapping"]._lock([item["mapping_id"] for item in items])
        # Browsed together, so that what they refer to is read for all at once.
        operations = self.env["sync.operation"].browse(i["operation_id"] for i in items)
        fates = Fates()
        for item, operation in zip(items, operations, strict=True):
            if answer := answers.get(operation.id):
                self._settle_answer(operation, item, answer, fates)
            else:
                self._settle_silence(operation, item, failures[operation.id], fates)
        self._write_fates(fates)
        if self._adapter()._entity_cached:
            keys = operations.mapping_id.filtered("external_id").mapped("external_id")
            self.env["sync.cache"]._invalidate(self.backend_id, self.entity, keys)
        if fates.arrived:
            correlation_id = items[0]["correlation_id"]
            arrivals = self._apply_apart(fates.arrived, correlation_id)
            self._keep_failed(arrivals, correlation_id)
            self._park_unmerged(operations, arrivals)
            self._end_fetched(operations.browse(fates.fetched), arrivals)
        self._send_the_rest(operations, items)
        operations._schedule_waiting()
        operations.filtered(lambda o: o.state == "done")._carried_over()
        carried = [
            (operation.mapping_id.res_id, item["correlation_id"])
            for item, operation in zip(items, operations, strict=True)
            if answers.get(operation.id, {}).get("status") in OK
        ]
        self.env["sync.event"].sudo()._emit_synced(self, carried)

    def _write_fates(self, fates):
        Operation, Error = self.env["sync.operation"], self.env["sync.error"]
        for reason, ids in fates.done.items():
            Operation.browse(ids)._succeed(reason)
        Operation.browse(fates.cancelled)._end_cancelled()
        if fates.linked:
            # What differs goes with the next batch.
            reason = self.env._("The pharmacy had it already: linked.")
            linked = Operation.browse(fates.linked)
            linked._leave_all({"state": "pending", "reason": reason})
        if fates.fetched:
            reason = self.env._("Read first: the pharmacy had never told all of it.")
            fetched = Operation.browse(fates.fetched)
            fetched._leave_all({"state": "pending", "reason": reason})
        if fates.stale:
            # Merged now; what still differs, if anything does, goes with the next.
            reason = self.env._("Merged with the pharmacy's newer values.")
            Error._record_each(
                [(*each, {"retry_reason": reason}) for each in fates.stale]
            )
            stale = Operation.browse(operation.id for operation, *__ in fates.stale)
            stale._leave_all(
                {"state": "pending", "reason": reason, "recovery": "merged"}
            )
        for exception, ids in fates.not_made.items():
            seconds = exception.retry_after or 1.0
            Operation.browse(ids)._give_back(seconds, str(exception))
        Operation._fail_each(fates.failed)

    def _send_the_rest(self, operations, items):
        """Queue what was left out of updates while the pool was saturated."""
        rest = {}
        for item, operation in zip(items, operations, strict=True):
            if item["reduced"] and operation.state == "done":
                operation.reason = self.env._("Essential fields; the rest follows.")
                rest[operation.mapping_id] = operation.correlation_id
        if rest:
            self.env["sync.operation"]._enqueue_push(rest, self)

    def _park_unmerged(self, operations, arrivals):
        """What the app's newer values refer to has not come yet. A push that has to be
        merged with them waits for it as they do, and that costs no attempt."""
        missing = {
            arrival.external_id: arrival.error
            for arrival in arrivals
            if isinstance(arrival.error, DependencyMissingError)
        }
        for operation in operations:
            error = missing.get(operation.mapping_id.external_id)
            if error and operation.state == "pending":
                operation.attempts -= 1
                operation._park(
                    DEPENDENCY_WAIT,
                    self.env._("Waits for what it refers to: %s", error),
                )

    def _end_fetched(self, operations, arrivals):
        """What these were about to send over has been read: to read costs no attempt.
        One that cannot be applied cannot be sent over either."""
        applied = {arrival.external_id: arrival for arrival in arrivals}
        Error, failures = self.env["sync.error"], []
        for operation in operations.filtered(lambda o: o.state == "pending"):
            arrival = applied[operation.mapping_id.external_id]
            if arrival.error:
                classification = Error._classify(arrival.error, self.backend_id)
                failures.append((operation, classification, arrival.error))
            else:
                operation.write(
                    {
                        "attempts": operation.attempts - 1,
                        "payload": {"fetched": arrival.version},
                    }
                )
        self.env["sync.operation"]._fail_each(failures)

    def _not_applied(self, mapping, item):
        """What was sent is not at the app. If its record has changed since, that has
        told already what became of earlier pushes too."""
        if mapping.version == item["request"].get("if_match", 0):
            mapping.unanswered = item["unanswered"]

    def _settle_silence(self, operation, item, exception, fates):
        """No answer came to one of the batch."""
        classification = self.env["sync.error"]._classify(
            exception, self.backend_id, idempotent=False
        )
        if classification.delivery == "unknown":
            operation._withdraw_cancel()
        else:
            operation.mapping_id.uncertain = item["uncertain"]
            self._not_applied(operation.mapping_id, item)
        if isinstance(exception, NOT_MADE):
            fates.not_made[exception].append(operation.id)
        else:
            fates.failed.append((operation, classification, exception))

    def _settle_answer(self, operation, item, answer, fates):
        """An answer came to one of the batch."""
        mapping = operation.mapping_id
        status, current = answer["status"], answer.get("current")
        if status in OK:
            fates.done[False].append(operation.id)
            fates.arrived += self._advance(mapping, item["request"], answer)
            return
        self._not_applied(mapping, item)
        if status == CANCELLED:
            mapping.uncertain = item["uncertain"]
            operation.attempts -= 1
            fates.cancelled.append(operation.id)
            return
        mapping.uncertain = False
        if status == FETCHED:
            fates.fetched.append(operation.id)
        elif status == GONE:
            reason = self.env._("The pharmacy had deleted it.")
            fates.done[reason].append(operation.id)
        elif (
            status in (FOUND, DUPLICATE) and current and self._is_ours(mapping, current)
        ):
            self._link_found(mapping, current)
            fates.linked.append(operation.id)
        else:
            failure = self._refusal(operation, answer)
            if status != STALE or not current or self._is_stuck(operation):
                fates.failed.append(failure)
                return
            fates.stale.append(failure)
        if current:
            fates.arrived.append(current)

    def _refusal(self, operation, answer):
        """The app refused one of the batch: a failure for
        :meth:`SyncOperation._fail_each`."""
        status, error = answer["status"], answer.get("error") or {}
        code, message = error.get("code"), error.get("message") or ""
        blamed = error.get("field")
        classification = self.env["sync.error"]._classify_response(
            self.backend_id,
            status,
            code,
            message,
            field=blamed,
            missing=self._adapter()._missing_types(),
        )
        if blamed and blamed not in message:
            message = f"{blamed}: {message}"
            classification = replace(classification, message=message)
        refused = HttpError(
            status, code, message, field=blamed, error_type=classification.type
        )
        return operation, classification, refused

    def _is_stuck(self, operation):
        """Whether it meets newer values time after time, and with nothing between."""
        if operation.attempts <= STALE_ATTEMPTS:
            return False
        latest = operation.error_ids.sorted("id")[-STALE_ATTEMPTS:]
        return set(latest.mapped("type")) == {ErrorType.VERSION_CONFLICT}

    def _link_found(self, mapping, current):
        """The app had the record already."""
        if mapping.external_id:
            # A pull has linked it meanwhile, and may have read what came after this.
            return
        if current.get("external_ref") != mapping.key:
            mapping._forget_agreed()
        mapping.write({"external_id": current["id"], "version": 0})

    def _is_ours(self, mapping, current):
        """Whether the app's record is, or may become, this mapping's counterpart."""
        if mapping.external_id:
            return mapping.external_id == current["id"]
        if current.get("external_ref") == mapping.key:
            return True
        taken = self.env["sync.mapping"].search_count(
            [("stream_id", "=", self.id), ("external_id", "=", current["id"])], limit=1
        )
        # A record of the same barcode that nobody claims is the same thing.
        return not taken and not current.get("external_ref")

    def _advance(self, mapping, request, answer):
        """The app has what was sent: that is the new base."""
        version = answer.get("version") or 0
        conflict = mapping._open_conflict()
        if request["method"] == "delete":
            mapping.write({"uncertain": False, "version": version, "deleted": True})
            conflict._close("odoo")
            return []
        if version < mapping.version:
            # A pull has read what came after it.
            mapping.uncertain = False
            return []
        values = {
            "uncertain": False,
            "unanswered": False,
            "version": version,
            "external_id": answer["id"],
            **mapping._base_values(mapping._advanced(request["data"])),
        }
        if conflict:
            conflict.pharmacy = {**(conflict.pharmacy or {}), **request["data"]}
        mapping.write(values)
        data = answer.get("data")
        return [data] if data else []
