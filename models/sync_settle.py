from dataclasses import replace

from odoo import models

from ..core.exceptions import (
    CircuitBreakerOpenError,
    DependencyMissingError,
    HttpError,
    ResourcePoolFullError,
)
from ..core.taxonomy import ErrorType
from .sync_cancel import CANCELLED

OK = (200, 201, 204)
FOUND, DUPLICATE, GONE, STALE = 302, 409, 410, 412
# Answers in a row after which a record that is always stale is no accident any more.
STALE_ATTEMPTS = 5
# Seconds that a record waits for one it refers to.
DEPENDENCY_WAIT = 30
# The call was not made: that is no failure of the record, and no attempt.
NOT_MADE = (CircuitBreakerOpenError, ResourcePoolFullError)


class SyncStream(models.Model):
    """Odoo to pharmacy, the last of a batch's three steps: what came of it."""

    _inherit = "sync.stream"

    def _settle_push(self, items, answers, failures):
        """Write down what came of a batch.

        :param answers: ``{operation id: result}``
        :param failures: ``{operation id: exception}`` for those without an answer
        """
        Operation, Error = self.env["sync.operation"], self.env["sync.error"]
        self.env["sync.mapping"]._lock([item["mapping_id"] for item in items])
        arrived, failed, rest = [], [], {}
        # Browsed together, so that what they refer to is read for all at once.
        operations = Operation.browse(item["operation_id"] for item in items)
        for item, operation in zip(items, operations, strict=True):
            answer = answers.get(operation.id)
            if answer and answer["status"] == CANCELLED:
                operation.mapping_id.uncertain = item["uncertain"]
                self._not_applied(operation.mapping_id, item)
                operation.attempts -= 1
                operation._end_cancelled()
                continue
            if answer:
                if answer["status"] not in OK:
                    self._not_applied(operation.mapping_id, item)
                current, failure = self._settle_answer(
                    operation, item["request"], answer
                )
                arrived += current
                failed += failure
                if item["reduced"] and operation.state == "done":
                    operation.reason = self.env._("Essential fields; the rest follows.")
                    rest[operation.mapping_id] = operation.correlation_id
                continue
            exception = failures[operation.id]
            classification = Error._classify(
                exception, self.backend_id, idempotent=False
            )
            if classification.delivery == "unknown":
                operation._withdraw_cancel()
            else:
                operation.mapping_id.uncertain = item["uncertain"]
                self._not_applied(operation.mapping_id, item)
            if isinstance(exception, NOT_MADE):
                operation._give_back(exception.retry_after or 1.0, str(exception))
            else:
                failed.append((operation, classification, exception))
        Operation._fail_each(failed)
        if self._adapter()._entity_cached:
            keys = operations.mapping_id.filtered("external_id").mapped("external_id")
            self.env["sync.cache"]._invalidate(self.backend_id, self.entity, keys)
        if arrived:
            correlation_id = items[0]["correlation_id"]
            arrivals = self._apply(arrived, correlation_id)
            self._keep_failed(arrivals, correlation_id)
            self._park_unmerged(operations, arrivals)
        if rest:
            Operation._enqueue_push(rest, self)
        operations._schedule_waiting()
        operations.filtered(lambda o: o.state == "done")._close_outdated()

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

    def _not_applied(self, mapping, item):
        """What was sent is not at the app. If its record has changed since, that has
        told already what became of earlier pushes too."""
        if mapping.version == item["request"].get("if_match", 0):
            mapping.unanswered = item["unanswered"]

    def _settle_answer(self, operation, request, answer):
        """Write down one result.

        :return: (records to be applied, where the app has other values than were sent;
            failures for :meth:`SyncOperation._fail_each`), both lists
        """
        mapping = operation.mapping_id
        status, current = answer["status"], answer.get("current")
        if status in OK:
            operation._succeed()
            return self._advance(mapping, request, answer), []
        mapping.uncertain = False
        if status == GONE:
            operation._succeed(self.env._("The pharmacy had deleted it."))
            return [current] if current else [], []
        if status in (FOUND, DUPLICATE) and current and self._is_ours(mapping, current):
            # Linked; what differs goes with the next batch.
            self._link_found(mapping, current)
            operation._leave(
                {
                    "state": "pending",
                    "reason": self.env._("The pharmacy had it already: linked."),
                },
                operation._newer_pushes(),
            )
            return [current], []
        error = answer.get("error") or {}
        code, message = error.get("code"), error.get("message") or ""
        field = error.get("field")
        classification = self.env["sync.error"]._classify_response(
            self.backend_id, status, code, message, field=field
        )
        if field and field not in message:
            message = f"{field}: {message}"
            classification = replace(classification, message=message)
        exception = HttpError(status, code, message, field=field)
        failed = [(operation, classification, exception)]
        if status != STALE or not current or self._is_stuck(operation):
            return [], failed
        # Merge now; what still differs, if anything does, goes with the next batch.
        reason = self.env._("Merged with the pharmacy's newer values.")
        self.env["sync.error"]._record_for(
            operation, classification, exception, retry_reason=reason
        )
        operation._leave(
            {"state": "pending", "reason": reason}, operation._newer_pushes()
        )
        return [current], []

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
            "base": mapping._advanced(request["data"]),
        }
        if conflict:
            conflict.pharmacy = {**(conflict.pharmacy or {}), **request["data"]}
        mapping.write(values)
        data = answer.get("data")
        return [data] if data else []
