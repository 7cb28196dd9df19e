"""What came of a push: what the app answered, and that a record is gone on either side,
becomes the operation's end and its reason.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace

from odoo import fields, models

from ...core import said
from ...core.check.envelope import check_envelope
from ...core.conflict.merge import Side
from ...core.exceptions import (
    AWAITED,
    NOT_MADE,
    HttpError,
    InvalidDataError,
)
from ...core.exchange.arriving import Move, received
from ...core.exchange.bisect import HeldUpError
from ...core.exchange.pushing import (
    DUPLICATE,
    OK,
    STALE,
    STALE_ATTEMPTS,
    Fate,
    Step,
    answered,
    is_stuck,
    silent,
)
from ...core.refusal import KEY_WAIT, is_about_key
from ...core.retry.policy import DEPENDENCY_WAIT
from ...core.taxonomy import ErrorType
from ...entities.directory import Directory
from ..base.sync_retry_policy import after
from ..error.failed_attempt import FailedAttempt

# Seconds until what was not sent is, unless the cause says when.
NOT_MADE_WAIT = 1
HELD_UP_WAIT = 10


@dataclass
class PushOutcomes:
    """What came of the operations of a batch, to be written for all at once."""

    # Ids of operations, by the reason, and by what was raised.
    done: dict = field(default_factory=lambda: defaultdict(list))
    not_made: dict = field(default_factory=lambda: defaultdict(list))
    # Ids of operations.
    cancelled: list = field(default_factory=list)
    linked: list = field(default_factory=list)
    lost: list = field(default_factory=list)
    fetched: list = field(default_factory=list)
    # Of :class:`FailedAttempt`.
    stale: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    overwrote: list = field(default_factory=list)
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
        self.env["sync.mapping"]._lock([item.mapping_id for item in items])
        # Browsed together, so that what they refer to is read for all at once.
        operations = self.env["sync.operation"].browse(i.operation_id for i in items)
        outcomes = PushOutcomes()
        for item, operation in zip(items, operations, strict=True):
            if answer := answers.get(operation.id):
                self._settle_answer(operation, item, answer, outcomes)
            else:
                self._settle_silence(operation, item, failures[operation.id], outcomes)
        self._write_outcomes(outcomes)
        if self._adapter()._entity_cached:
            keys = operations.mapping_id.filtered("external_id").mapped("external_id")
            self.env["sync.cache"]._invalidate(self.backend_id, self.entity, keys)
        if outcomes.arrived:
            correlation_id = items[0].correlation_id
            arrivals = self._apply_apart(outcomes.arrived, correlation_id)
            self._keep_failed(arrivals, correlation_id)
            self._park_unmerged(operations, arrivals)
            self._end_fetched(operations.browse(outcomes.fetched), arrivals)
        self._send_the_rest(operations, items)
        operations._schedule_waiting()
        operations.filtered(lambda o: o.state == "done")._carried_over()
        carried = [
            (operation.mapping_id.res_id, item.correlation_id)
            for item, operation in zip(items, operations, strict=True)
            if answers.get(operation.id, {}).get("status") in OK
        ]
        self.env["sync.event"].sudo()._emit_synced(self, carried)

    def _write_outcomes(self, outcomes):
        Operation, Error = self.env["sync.operation"], self.env["sync.error"]
        for reason, ids in outcomes.done.items():
            Operation.browse(ids)._succeed(reason)
        Operation.browse(outcomes.cancelled)._end_cancelled()
        if outcomes.linked:
            # What differs goes with the next batch.
            reason = said.LINKED_THERE
            linked = Operation.browse(outcomes.linked)
            linked._change_states({"state": "pending", "reason": reason})
        if outcomes.lost:
            reason = said.SENT_ANEW
            lost = Operation.browse(outcomes.lost)
            lost._change_states({"state": "pending", "reason": reason})
        if outcomes.fetched:
            reason = said.READ_FIRST
            fetched = Operation.browse(outcomes.fetched)
            fetched._change_states({"state": "pending", "reason": reason})
        if outcomes.stale:
            # Merged now; what still differs, if anything does, goes with the next.
            reason = said.MERGED
            Error._record_each(
                [failure.with_values(retry_reason=reason) for failure in outcomes.stale]
            )
            stale = Operation.browse(failure.operation.id for failure in outcomes.stale)
            stale._change_states(
                {"state": "pending", "reason": reason, "recovery": "merged"}
            )
        if outcomes.overwrote:
            Error._record_each(outcomes.overwrote)
            self.overwrote_at = self.overwrote_at or fields.Datetime.now()
        for exception, ids in outcomes.not_made.items():
            wait = KEY_WAIT if is_about_key(exception) else NOT_MADE_WAIT
            if isinstance(exception, HeldUpError):
                wait = HELD_UP_WAIT
            seconds = getattr(exception, "retry_after", None) or wait
            # The words of an app that refuses the key may hold anything.
            reason = self.backend_id._redact(str(exception))
            Operation.browse(ids)._give_back(seconds, reason)
        Operation._fail_each(outcomes.failed)

    def _send_the_rest(self, operations, items):
        """Queue what was left out of updates while the pool was saturated."""
        rest = {}
        for item, operation in zip(items, operations, strict=True):
            if item.plan.reduced and operation.state == "done":
                operation.reason = said.ESSENTIALS
                rest[operation.mapping_id] = operation.correlation_id
        if rest:
            self.env["sync.operation"]._enqueue_push(rest, self)

    def _park_unmerged(self, operations, arrivals):
        """What the app's newer values refer to has not come yet. A push that has to be
        merged with them waits for it as they do, and that costs no attempt."""
        missing = {
            arrival.external_id: arrival.error
            for arrival in arrivals
            if isinstance(arrival.error, AWAITED)
        }
        for operation in operations:
            error = missing.get(operation.mapping_id.external_id)
            if error and operation.state == "pending":
                operation.attempts -= 1
                operation._park(
                    DEPENDENCY_WAIT,
                    said.say(said.WAITS_FOR, error),
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
                failure = FailedAttempt(operation, classification, arrival.error)
                failures.append(failure)
            else:
                operation.write(
                    {
                        "attempts": operation.attempts - 1,
                        "payload": {"read_at": arrival.version},
                    }
                )
        self.env["sync.operation"]._fail_each(failures)

    def _settle_silence(self, operation, item, exception, outcomes):
        """No answer came to one of the batch."""
        sent = getattr(exception, "sent", None)
        classification = self.env["sync.error"]._classify(
            exception, self.backend_id, sent=sent, idempotent=False
        )
        unknown = classification.delivery == "unknown"
        if unknown:
            operation._withdraw_cancel()
        mapping = operation.mapping_id
        state = mapping._state()
        directions = self._directions()
        after = silent(state, item.state, item.plan, unknown, directions)
        mapping._move(state, after)
        # To wait for another key costs no attempt either.
        if is_about_key(exception) or isinstance(exception, (*NOT_MADE, HeldUpError)):
            outcomes.not_made[exception].append(operation.id)
        else:
            failure = FailedAttempt(operation, classification, exception)
            outcomes.failed.append(failure)

    def _settle_answer(self, operation, item, answer, outcomes):
        """An answer came to one of the batch."""
        mapping, state = operation.mapping_id, operation.mapping_id._state()
        item, known = self._take_answered_keys(item, answer, state)
        found = answered(
            known,
            item.state,
            item.plan,
            answer,
            key=mapping.key,
            taken=self._is_taken(mapping, answer.get("current")),
            written=self._written_values(item, answer),
            keeps=self._adapter()._taken(),
            directions=self._directions(),
        )
        mapping._move(state, found.state, Side.ODOO, item.correlation_id)
        if found.went_back:
            reason = self.backend_id._why_low(
                item.state.external_id, item.state.version
            )
            self.backend_id._went_back(reason, item.state.app_epoch)
        conflict = mapping._open_conflict()
        if found.state.deleted or not found.state.external_id:
            conflict._close("odoo")
        elif conflict and found.accepted:
            conflict.pharmacy = {**(conflict.pharmacy or {}), **found.accepted}
        arrives = found.arrives
        self._note_overwriting(operation, item, answer, outcomes)
        if found.fate is Fate.DONE:
            outcomes.done[False].append(operation.id)
        elif found.fate is Fate.GONE:
            reason = said.DELETED_THERE
            outcomes.done[reason].append(operation.id)
        elif found.fate is Fate.CANCELLED:
            operation.attempts -= 1
            outcomes.cancelled.append(operation.id)
        elif found.fate is Fate.LINKED:
            outcomes.linked.append(operation.id)
        elif found.fate is Fate.LOST:
            outcomes.lost.append(operation.id)
        elif found.fate is Fate.READ:
            outcomes.fetched.append(operation.id)
        elif found.fate is Fate.STALE and not self._is_stuck(operation):
            outcomes.stale.append(self._refusal(operation, answer))
        else:
            arrives = None
            self._vacate_codes_or_fail(operation, item, answer, outcomes)
        asked_for = found.fate is not Fate.DONE or conflict
        if arrives and (asked_for or not self._says_no_more(found.state, arrives)):
            outcomes.arrived.append(arrives)

    def _says_no_more(self, state, record):
        """Whether the app's record, as it came with an answer, is what both sides agree
        on by that answer already: nothing would come of applying it."""
        try:
            check_envelope(record)
            half = state.base.pharmacy
            said, rest = self._adapter()._part_agreed(record, half)
        except InvalidDataError:
            return False
        whole = said and not rest and said.keys() == half.keys()
        if not whole or record.get("id") != state.external_id:
            return False
        deleted = bool(record.get("deleted"))
        found = received(state, record.get("version") or 0, said, deleted=deleted)
        return found.move is Move.UNCHANGED and found.state == state

    def _vacate_codes_or_fail(self, operation, item, answer, outcomes):
        if not self._vacate_codes(operation, item, answer):
            outcomes.failed.append(self._refusal(operation, answer))

    def _vacate_codes(self, operation, item, answer):
        """A value of which the app has only one is another record's there, and that is
        about to give it up: this record gives up its own first, should that one wait
        for it in turn.

        :return: whether it is done so
        """
        current = answer.get("current")
        if answer["status"] != DUPLICATE or not current or not item.state.external_id:
            return False
        holder = self.env["sync.mapping"].search(
            [("stream_id", "=", self.id), ("external_id", "=", current["id"])]
        )
        if not holder or holder == operation.mapping_id:
            return False
        record, sent = holder._record(), item.plan.data or {}
        answer["holder"] = record.display_name or holder.external_id
        converters = {c.key: c for c in self._adapter()._known_converters()}
        codes = dict(self._adapter()._entity_match).keys() & sent.keys()
        shared = [k for k in codes if sent[k] and sent[k] == current.get(k)]
        # One that is gone in Odoo is about to be deleted there.
        leaves = holder._compare(holder._serialise()).to_pharmacy if record else sent
        if not shared or not leaves.keys() >= set(shared):
            return False
        values = {"state": "pending", "reason": self._vacate_reason(record, shared)}
        pharmacy = item.state.base.pharmacy
        if any(pharmacy.get(key) for key in shared):
            emptied = {key: converters[key].empty for key in shared}
            values["payload"] = {"emptied": emptied}
        else:
            values.update(state="waiting", eta=after(DEPENDENCY_WAIT))
        operation.attempts -= 1
        operation._change_states(values)
        return True

    def _vacate_reason(self, record, keys):
        return said.say(
            said.STILL_HAS, record=record.display_name or "?", fields=", ".join(keys)
        )

    def _written_values(self, item, answer):
        """Canonical values of what was written, as the app answers them, and of a new
        record what was not sent; None: as they were sent, or nothing that can be read.
        What is wrong with it is found where it is applied."""
        sent, data = item.plan.data, answer.get("data")
        if not sent or not isinstance(data, dict):
            return None
        unsent = self._directions().unsent if item.plan.step is Step.CREATE else ()
        if not unsent and all(data.get(name) == sent[name] for name in sent):
            return None
        directory = Directory(self.backend_id)
        known = {name: data[name] for name in {*sent, *unsent} if name in data}
        try:
            return self._adapter()._canonical(known, directory, partial=True)
        except InvalidDataError:
            return None

    def _is_taken(self, mapping, current):
        """Whether a record that the app names is another mapping's counterpart."""
        if not current or mapping.external_id:
            return False
        return bool(
            self.env["sync.mapping"].search_count(
                [("stream_id", "=", self.id), ("external_id", "=", current["id"])],
                limit=1,
            )
        )

    def _refusal(self, operation, answer):
        """The app refused one of the batch: a :class:`FailedAttempt`."""
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
        # It answered the call: what it says of one record it does not say of itself.
        classification = replace(classification, counts_for_breaker=False)
        if blamed and blamed not in message:
            message = f"{blamed}: {message}"
            classification = replace(classification, message=message)
        if holder := answer.get("holder"):
            message = f"{message} It is that of {holder}."
            classification = replace(classification, message=message)
        refused = HttpError(
            status, code, message, field=blamed, error_type=classification.type
        )
        return FailedAttempt(operation, classification, refused)

    def _note_overwriting(self, operation, item, answer, outcomes):
        """Keep what is known of a change that the app carried out over another one."""
        if not answer.get("overwrote"):
            return
        message = said.say(
            said.OVERWROTE,
            seen=answer["version"] - 1,
            fields=", ".join(item.plan.data or ()) or "all",
        )
        refusal = {**answer, "status": STALE, "error": {"message": message}}
        outcomes.overwrote.append(self._refusal(operation, refusal))

    def _is_stuck(self, operation):
        latest = operation.error_ids.sorted("id")[-STALE_ATTEMPTS:]
        stale = set(latest.mapped("type")) == {ErrorType.VERSION_CONFLICT}
        return stale and is_stuck(operation.attempts, len(latest))
