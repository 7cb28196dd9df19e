import threading
import time
import uuid

from odoo import api, models
from odoo.http import request

from ...core.api.caller_advice import KEPT, caller_advice
from ...core.api.methods import PUSH, STATUS
from ...core.call.tracing import read_trace
from ...core.check.text_checks import VISIBLE
from ...core.exceptions import InvalidDataError, NotNowError, SyncError
from ...core.secrets.logs import get_logger
from ...core.taxonomy import ErrorType
from ...entities.neutral import neutral
from ..base.alone import is_replayed, without_sql
from ..base.own_transaction import no_transaction
from ..base.rights import API, check_group

_logger = get_logger(__name__)

# Tries after which records are queued that the database is too busy for.
MAX_TRIES = 3
_tried = threading.local()
QUEUED = "queued_for_retry"


class SyncApi(models.AbstractModel):
    """What the pharmacy app calls, over ``/pharmacy_sync/api/v1``, ``/json/2``,
    ``/jsonrpc`` or ``/xmlrpc``, with the API key of the user that its backend names.

    No method raises for what the caller did or for what failed inside: an answer has
    ``success``, and where that is false an ``error`` with ``type``, ``message``,
    ``field``, ``retryable`` and ``suggested_action``. Over RPC, but not over the routes
    of our own, what is absent is false, as everywhere in Odoo: XML-RPC knows no null.

    What each method takes and answers is declared in ``core/api/methods.py``; every
    argument is checked by that: the error is ``data_validation_failed`` and its
    ``field`` names the place, such as ``external_ids[2]``.

    A kind of method has a file: ``conflict``, ``reads`` and so on.
    """

    _name = "sync.api"
    _description = "Pharmacy Sync API"

    @api.model
    def push(self, entity, records, idempotency_key=None, correlation_id=None):
        """Bring records of the pharmacy app to Odoo.

        A bad record fails alone; its neighbours land.

        :param str entity: ``purchase_order``, ``supplier`` or ``product``
        :param list records: up to 500 records as the app's REST API sends them, each
            with its ``id`` and, if it has one, its ``version`` (an integer from 0).
            ``deleted`` is true or false. An order has up to 1,000 lines
        :param str idempotency_key: the same key with the same records gets the same
            answer for seven days; with other records an error. Up to 200 characters
        :param str correlation_id: kept in every record of what happens
        :return: ``{success, results, error, correlation_id, duration_ms}``; each
            result is ``{index, success, operation, external_id, odoo_id, version,
            error, warnings, correlation_id, operation_id}`` in the order of
            ``records``, with an operation of ``created``, ``updated``, ``unchanged``,
            ``conflict``, ``deleted``, ``queued`` or ``failed``. What cannot be done
            now but may be later is ``queued``: it is no success, its error is of type
            ``queued_for_retry`` with the reason as ``cause``, and it is tried again by
            itself, as the operation of that id
        :rtype: dict
        """
        return self._answer(PUSH, entity, records, idempotency_key, correlation_id)

    @api.model
    def status(self, entity, external_ids, correlation_id=None):
        """Where records stand: mapping, queue and conflicts.

        :param list external_ids: the pharmacy's ids, up to 500
        :return: ``{success, results}``, each result ``{external_id, known, odoo_id,
            version, state, declined, differences}``. The state is ``synced`` only if
            both sides have the same and nothing is under way; ``declined`` says by
            path why one side did not take a value, ``differences`` what Odoo has that
            the app cannot know
        """
        return self._answer(STATUS, entity, external_ids, correlation_id)

    # -- Implementation ---------------------------------------------------------------

    @api.model
    def _methods(self):
        """What the app may call: ``{core.check.schema.Method: what does it}``. Each
        kind of method adds its own, and so may another addon."""
        return {PUSH: self._push, STATUS: self._status}

    def _answer(self, method, *arguments):
        """What a method answers over RPC.

        :param arguments: in the order of the method's; over XML-RPC, which knows no
            null, false or an empty text stands for one that is absent
        """
        given = method.named(*arguments)
        for name, value in given.items():
            if value is False or value == "":
                given[name] = None
        return _without_none(self._reply(method, given)[0])

    def _reply(self, method, given):
        """What a method answers, or what it failed with; no context that a caller
        sends changes any of it.

        :param method: :class:`...core.check.schema.Method`
        :param given: its arguments by name
        :return: the answer, and what the request failed with, classified, or None.
            What is refused leaves no error; what fails leaves one, of a known backend
        """
        self = self.with_env(self.env(context={}))
        started = time.monotonic()
        correlation_id = (
            _usable(given.get("correlation_id")) or _traced() or uuid.uuid4().hex
        )
        backend, refused = self.env["sync.backend"], None
        self.env["sync.log.level"]._take_over()
        try:
            backend = self._backend()
            backend._check_original()
            self.env["sync.rate"].sudo()._admit(backend, "api")
            asked = method.check(given)
            asked.pop("correlation_id")
            if method.writes and backend.paused:
                raise NotNowError("The backend is paused: it accepts nothing.")
            api = neutral(self, backend)
            with _within(method)(self.env.cr):
                answer = {"success": True, "error": None}
                work = api._methods()[method]
                answer.update(work(backend, correlation_id, **asked))
        except Exception as failure:
            # Every failure is answered and recorded, our own mistakes included.
            if is_replayed(failure) and not _is_last_try(given.values(), failure):
                raise
            refused = without_sql(self.env, failure)
            error = self.env["sync.error"].sudo()._classify(refused, backend)
            self._keep_failure(error, refused, correlation_id)
            answer = {"success": False, "error": self._error(error, refused)}
        duration = round((time.monotonic() - started) * 1000, 3)
        _logger.debug(
            "%s of backend %s: %s, %s ms, correlation id %s",
            *(method.name, backend.id, refused if refused else "good"),
            *(duration, correlation_id),
        )
        answer.update(correlation_id=correlation_id, duration_ms=duration)
        return answer, refused

    def _keep_failure(self, error, failure, correlation_id):
        """Record a failure, in this transaction: it is committed with the answer.

        A user who is no app's must not fill a table that raises alerts, nor must an
        app that has only to come back later.
        """
        backend = self._named_by()
        if not backend:
            _logger.warning("user %s may not call Pharmacy Sync", self.env.uid)
        elif not isinstance(failure, NotNowError):
            backend = neutral(backend, backend)
            neutral(self)._record_error(backend, error, failure, correlation_id)

    def _named_by(self):
        Backend = neutral(self.env["sync.backend"].sudo())
        return Backend.search([("user_id", "=", self.env.uid)])

    def _backend(self):
        """The backend whose API user is calling, with superuser rights.

        :raises AccessError: the user may not use the API
        :raises SyncError: no backend names the user
        """
        check_group(self.env, API, self.env._("Only API users may call Pharmacy Sync."))
        backend = self._named_by()
        if not backend:
            raise SyncError(
                "No backend names this user as its API user.",
                error_type=ErrorType.INSUFFICIENT_PERMISSIONS,
            )
        return neutral(backend, backend)

    def _stream(self, backend, entity):
        stream = backend.stream_ids.filtered(lambda s: s.entity == entity)
        if not stream:
            known = ", ".join(backend.stream_ids.mapped("entity"))
            raise InvalidDataError(f"entity must be one of {known}", field="entity")
        return stream

    def _push(self, backend, correlation_id, entity, records, idempotency_key):
        stream = self._stream(backend, entity)
        if idempotency_key:
            entered = backend.env["sync.request"]._enter(
                backend, idempotency_key, [entity, records]
            )
            if entered.answer:
                return entered.answer
        try:
            arrivals = stream._apply_apart(records, correlation_id)
        except Exception as exc:
            # Only failures that are no record's fault come here. What a full disk or a
            # lost connection keeps from being done cannot be queued either.
            if not is_replayed(exc) or not _is_last_try([records], exc):
                raise
            arrivals = stream._put_off(records, exc)
        queued = stream._queue_arrivals(arrivals, correlation_id)
        results = [
            {"index": index, **self._result(backend, arrival, correlation_id, queued)}
            for index, arrival in enumerate(arrivals)
        ]
        answer = {
            "success": all(result["success"] for result in results),
            "results": results,
        }
        if idempotency_key:
            entered.answer = answer
        return answer

    def _result(self, backend, arrival, correlation_id, queued):
        error = operation = None
        warnings = arrival.warnings
        if arrival.error:
            operation = queued.get(arrival.external_id)
        if operation:
            classification = backend.env["sync.error"]._classify(arrival.error, backend)
            error = {
                **self._error(classification, arrival.error),
                "type": QUEUED,
                "cause": str(classification.type),
                "suggested_action": KEPT,
            }
            warnings = [
                *warnings,
                self.env._(
                    "It cannot be done now and is tried again by itself: %s",
                    classification.message,
                ),
            ]
        elif arrival.error:
            classification = backend.env["sync.error"]._classify(arrival.error, backend)
            error = self._error(classification, arrival.error)
            self._record_error(
                backend,
                classification,
                arrival.error,
                correlation_id,
                external_id=arrival.external_id,
            )
        return {
            "success": not arrival.error,
            "operation": "queued" if operation else arrival.outcome,
            "operation_id": operation.id if operation else None,
            "external_id": arrival.external_id,
            "odoo_id": arrival.res_id,
            "version": arrival.version,
            "error": error,
            "warnings": warnings,
            "correlation_id": correlation_id,
        }

    def _status(self, backend, correlation_id, entity, external_ids):
        stream = self._stream(backend, entity)
        mappings = backend.env["sync.mapping"].search(
            [("stream_id", "=", stream.id), ("external_id", "in", external_ids)]
        )
        by_id = {mapping.external_id: mapping for mapping in mappings}
        states = mappings._states_now()
        return {
            "results": [
                {
                    "external_id": external_id,
                    "known": external_id in by_id,
                    **(
                        {
                            "odoo_id": by_id[external_id].res_id,
                            "version": by_id[external_id].version,
                            "state": states[by_id[external_id]],
                            "declined": by_id[external_id]._declined_reasons(),
                            "differences": by_id[external_id]._differences_in_words(),
                        }
                        if external_id in by_id
                        else {}
                    ),
                }
                for external_id in external_ids
            ]
        }

    def _error(self, classification, exception):
        """A failure as the API returns it: never a trace, never a statement."""
        return {
            "type": str(classification.type),
            "message": classification.message,
            "field": getattr(exception, "field", None),
            "retryable": classification.retryable,
            "suggested_action": caller_advice(
                classification.type, classification.retryable
            ),
        }

    def _record_error(
        self, backend, classification, exception, correlation_id, **about
    ):
        """Keep a failure; one that cannot be kept is logged, and answered all the
        same."""
        Error = self.env["sync.error"].sudo()
        try:
            with self.env.cr.savepoint():
                Error._record_here(
                    classification,
                    exception,
                    operation="api",
                    backend_id=backend.id,
                    correlation_id=correlation_id,
                    context=about,
                )
        except Exception as exc:
            # What cannot be kept, for whatever reason, is answered all the same.
            if is_replayed(exc):
                raise
            _logger.critical(
                "a failure of the API was not kept; correlation id %s, type %s",
                correlation_id,
                classification.type,
                exc_info=True,
            )


def _traced():
    """The trace that the request is a part of, or None."""
    return (
        read_trace(request.httprequest.headers.get("traceparent")) if request else None
    )


def _undone(cr):
    return cr.savepoint()


def _within(method):
    """The context manager that a method is called in, given the cursor; by default what
    it wrote is undone when it fails."""
    return no_transaction if method.calls_out else _undone


def _usable(correlation_id):
    """A correlation id that can be answered, whatever else is wrong."""
    good = isinstance(correlation_id, str) and VISIBLE.fullmatch(correlation_id)
    return correlation_id if good else None


def _is_last_try(args, failure):
    """Whether the request is not worth another replay: its caller waits meanwhile,
    longer each time.

    :param args: what was sent
    :param failure: what this try met; asked about once or twice, it is one try
    """
    # Replays are in one thread. Over /json/2 they share the request only, over the
    # others there is none, and they share what was sent.
    sent = next((arg for arg in args if isinstance(arg, (list, dict))), None)
    asked = request._get_current_object() if request else sent
    if getattr(_tried, "asked", None) is not asked:
        _tried.asked, _tried.times, _tried.failure = asked, 0, None
    if _tried.failure is not failure:
        _tried.failure = failure
        _tried.times += 1
    return _tried.times >= MAX_TRIES


def _without_none(value):
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_none(item) for item in value]
    return False if value is None else value
