"""What a guarded call is, whoever is called."""

from contextlib import contextmanager
from dataclasses import dataclass

from ...client.exchange import Exchange
from ...core.call import breaker as core
from ...core.error.classification import Classification
from ...core.exceptions import CircuitBreakerOpenError
from ...core.secrets.logs import get_logger
from ...core.taxonomy import Severity
from ..base.alone import contained
from ..error.work_names import HANDLING

_logger = get_logger(__name__)


@dataclass
class Guarded:
    """What became of a call. Without an exchange nothing had been sent."""

    exchange: Exchange | None = None
    classification: Classification | None = None

    def report(self, exchange):
        """Take note of how the call went; what follows in it is its own affair."""
        self.exchange = self.exchange or exchange


@contextmanager
def guarded(call, cr, breaker, seconds, held, classify, **about):
    """Ask the breaker's leave for a call, and log it at its end.

    :param call: :class:`Guarded`, to which the call is reported
    :param cr: a cursor of the call's own that commits by itself
    :param breaker: ``sync.breaker``, or none
    :param seconds: by when the call ends
    :param held: locks that are given back with the row of the log
    :param classify: function that says what an exception means
    :param about: columns of that row that say who is called
    :raises CircuitBreakerOpenError: the breaker is open
    """
    Call = breaker.env["sync.call"]
    try:
        permit = breaker._permit(seconds) if breaker else None
    except CircuitBreakerOpenError:
        Call._append(cr, breaker_id=breaker.id, result="rejected", **about)
        raise
    try:
        yield
    finally:
        # What came of the call is its caller's, whatever becomes of the record of it:
        # that is no reason to make the same call again.
        trace = call.exchange and call.exchange.correlation_id
        text = "a call was not put on record; correlation id %s"
        with contained(_logger.critical, text, trace) as failure:
            _put_on_record(call, cr, breaker, permit, held, classify, about)
        if failure:
            if not cr.closed:
                cr.rollback()
            Call.env["sync.error"]._record(
                failure.error,
                Severity.CRITICAL,
                operation=HANDLING,
                backend_id=about["backend_id"] or False,
                company_id=not about["backend_id"] and Call.env.company.id,
                correlation_id=trace,
            )


def _put_on_record(call, cr, breaker, permit, held, classify, about):
    """Log the call, give back the lock that it held, and let the breaker know."""
    exchange = call.exchange
    if exchange and exchange.error:
        call.classification = classify(exchange.error)
    config = breaker._believed()[1] if breaker else core.DEFAULT_CONFIG
    outcome = core.Outcome(core.Result.ABANDONED)
    if exchange:
        outcome = core.outcome(call.classification, exchange.duration, config)
    breaker.env["sync.call"]._append(
        cr,
        breaker_id=breaker.id or None,
        epoch=permit.epoch if permit else None,
        result=str(outcome.result),
        slow=outcome.slow,
        exchange=exchange,
        error_type=call.classification and str(call.classification.type),
        unlock=held[0] if held else None,
        **about,
    )
    held.clear()
    if breaker and not breaker._is_quiet(permit, outcome):
        # The breaker counts the log, this row included.
        breaker._settle(permit, outcome)
