"""Work whose failure stays its own: a savepoint for each record, a log line for what is
beside the caller's work, readable errors for what PostgreSQL refuses."""

from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import psycopg2
from psycopg2 import errors
from psycopg2.pool import PoolError

from odoo.exceptions import ConcurrencyError

from ...core.error.classification import CHANGING
from ...core.exceptions import InvalidDataError, SyncError
from ...core.taxonomy import ErrorType

# Class 54, program limits: psycopg2 makes it an OperationalError, but the cause is a
# value: one too large for an index, or too deep.
_OF_A_VALUE = (
    errors.ProgramLimitExceeded,
    errors.StatementTooComplex,
    errors.TooManyColumns,
    errors.TooManyArguments,
)
_REPLAYED = (
    errors.LockNotAvailable,
    errors.SerializationFailure,
    errors.DeadlockDetected,
    ConcurrencyError,
)


class UnknownColumnError(SyncError):
    """The database wants a value of a column that no field of this process has: an
    addon is installed or updated beside it. No record is at fault."""

    error_type = ErrorType.UNEXPECTED
    overrides: ClassVar = {"retryable": True, "suggested_action": CHANGING}


def is_replayed(exception):
    """Whether Odoo replays the transaction that met this."""
    return isinstance(exception, _REPLAYED)


def is_transaction_failure(exception):
    """Whether no record is at fault: the whole transaction must be replayed, or is
    lost. A value that PostgreSQL refuses (SQLSTATE classes 22, 23 and 54) is its
    record's."""
    nobodys = (
        *(psycopg2.OperationalError, psycopg2.InterfaceError),
        *(PoolError, ConcurrencyError),
    )
    return isinstance(exception, nobodys) and not isinstance(exception, _OF_A_VALUE)


def raced(env, query):
    """Execute a statement at which transactions meet, and return its rows.

    The one that comes second is refused by PostgreSQL and replayed (see
    :func:`is_replayed`). That is expected: Odoo's log gets no error of it.
    """
    env.cr.execute(query, log_exceptions=False)
    return env.cr.fetchall()


@dataclass
class Failure:
    """What became of the work in :func:`alone` or :func:`contained`: ``error`` is None
    if it succeeded."""

    error: Exception | None = None

    def __bool__(self):
        return self.error is not None


@contextmanager
def alone(env):
    """Run work for one record: if it fails, only what it wrote is rolled back.

    ``with alone(env) as failure: ...`` and then ``if failure.error: ...``. Earlier
    writes are flushed first, so that they cannot fail in this record's place. What is
    no record's fault (see :func:`is_transaction_failure`) is raised.
    """
    env.cr.flush()
    failure = Failure()
    with _kept(failure), env.cr.savepoint():
        yield failure
    if is_transaction_failure(failure.error):
        raise failure.error
    if failure:
        failure.error = without_sql(env, failure.error)


@contextmanager
def contained(log, text, *details):
    """Run work of which the caller must not fail, whatever it is: a failure is logged.

    ``with contained(_logger.critical, "alerting failed") as failure: ...``

    :param log: a logger's method; gets ``text``, ``details`` and the traceback
    """
    failure = Failure()
    with _kept(failure):
        yield failure
    if failure:
        log(text, *details, exc_info=failure.error)


@contextmanager
def _kept(failure):
    """Keep what the work inside raises, whatever it is."""
    try:
        yield
    except Exception as exc:  # noqa: BLE001 - its callers judge, or log, what it was
        failure.error = exc


def without_sql(env, exception):
    """The exception as another program may read it: a database's error names the field
    if it can, and shows neither statements nor rows. Any other is returned as it is.

    The cursor must be usable: the savepoint was rolled back.
    """
    if not isinstance(exception, psycopg2.Error):
        return exception
    model = _model(env, exception.diag.table_name)
    column = exception.diag.column_name
    field = model._fields.get(column) if model is not None and column else None
    if isinstance(exception, _OF_A_VALUE):
        said = InvalidDataError("A value of the record is too large to be stored.")
    elif isinstance(exception, errors.NotNullViolation) and field:
        said = InvalidDataError(f"{field._description_string(env)} is required")
    elif isinstance(exception, errors.NotNullViolation):
        said = UnknownColumnError("The database cannot do it now.")
    elif isinstance(exception, psycopg2.IntegrityError):
        said = SyncError(_constraint(env, model, exception))
        if isinstance(exception, errors.UniqueViolation) and _is_ours(model):
            # Our code looks before it adds a row: another transaction, which it could
            # not see, was faster. A later attempt sees it.
            said.error_type = ErrorType.SERIALIZATION_FAILURE
    elif isinstance(exception, psycopg2.DataError):
        said = InvalidDataError("A value of the record cannot be stored.")
    else:
        said = SyncError("The database cannot do it now.")
    said.field = _key(env, model, field)
    said.__cause__ = exception
    return said


def _model(env, table):
    names = (name for name, model in env.registry.items() if model._table == table)
    name = next(names, None)
    return env[name] if name else None


def _is_ours(model):
    return model is not None and model._original_module == "pharmacy_sync"


def _constraint(env, model, exception):
    """What a constraint says to people; the rows at fault are not shown."""
    name = exception.diag.constraint_name
    known = model._table_objects.get(name) if model is not None else None
    if known is not None and getattr(known, "message", None):
        return model._sql_error_to_message(exception)
    if isinstance(exception, errors.UniqueViolation):
        return "Another record has this value already."
    return f"The record violates {name}."


def _key(env, model, field):
    """What the pharmacy app calls an Odoo field, if it has it."""
    for adapter in env["sync.entity"]._entities().values() if field else ():
        converters = {adapter._entity_model: adapter._known_converters()}
        if adapter._entity_lines:
            converters[adapter._line_model()._name] = adapter._known_line_converters()
        for converter in converters.get(model._name, ()):
            if converter.field == field.name:
                return converter.key
    return field.name if field else None
