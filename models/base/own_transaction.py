"""Work in a transaction of its own, beside the caller's."""

from contextlib import contextmanager
from functools import partial

from psycopg2 import InterfaceError, OperationalError
from psycopg2.extensions import (
    ISOLATION_LEVEL_DEFAULT,
    ISOLATION_LEVEL_REPEATABLE_READ,
    TRANSACTION_STATUS_IDLE,
)

from odoo import api, models
from odoo.modules import module
from odoo.service.model import retrying


def in_own_transaction(env, function, read_committed=False):
    """Run ``function(env)`` in a new transaction and commit it.

    What it writes survives the caller's rollback, and no transaction of the caller is
    needed around a call to the outside. It sees committed data only. A serialization
    failure replays it, so it must not call anything outside the database.

    :param env: environment whose user, context and registry are taken
    :param function: called with an environment on the new cursor
    :param read_committed: run at that isolation level: for short updates of a row that
        many workers share, which then wait for each other instead of failing
    :return: what ``function`` returned; keep recordsets out of it
    """
    with env.registry.cursor() as cr:
        # A test's cursor is in a transaction already, and keeps its level.
        idle = cr.connection.info.transaction_status == TRANSACTION_STATUS_IDLE
        if read_committed and idle:
            cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        own = api.Environment(cr, env.uid, env.context, env.su)
        return retrying(partial(function, own), own)


def apart(method, *args, read_committed=False):
    """Call a method of records in a transaction of its own: see
    :func:`in_own_transaction`.

    :param method: bound method, ``apart(stream._store_page, page)``: its records, and
        those among ``args``, are the same there, read anew
    """
    return in_own_transaction(method.__self__.env, _moved(method, args), read_committed)


@contextmanager
def autocommitting(cr):
    """Let each statement on ``cr`` be a transaction of its own, at PostgreSQL's default
    isolation level: half the round trips, nothing to commit, and none open in between.

    Use it before anything was executed; a test's cursor stays in its transaction.
    """
    connection = cr.connection
    idle = connection.info.transaction_status == TRANSACTION_STATUS_IDLE
    readonly = connection.readonly
    if idle:
        # One after the other, each to its default: anything else asks the server,
        # now or when it is set back.
        connection.set_isolation_level(ISOLATION_LEVEL_DEFAULT)
        connection.readonly = None
        connection.autocommit = True
    try:
        yield cr
    finally:
        if idle and not connection.closed:
            connection.autocommit = False
            connection.set_isolation_level(ISOLATION_LEVEL_REPEATABLE_READ)
            connection.readonly = readonly


@contextmanager
def own_session(env):
    """A cursor beside the caller's: each statement on it is a transaction of its own,
    and locks of its session are held while something else is done.

    What came of that is the caller's, an answer or an exception, even if the session
    was lost meanwhile: nothing is committed at the end. On a test's cursor each write
    needs a commit of its own.
    """
    cr = env.registry.cursor()
    try:
        with autocommitting(cr):
            yield cr
    finally:
        cr.close()


def unlock(cr, lock):
    """Give back an advisory lock of the session of ``cr``. One that is lost has given
    its locks back by dying: that hides nothing of what failed before.

    :param lock: its two integers
    """
    try:
        cr.execute("SELECT pg_advisory_unlock(%s, %s)", lock)
        # It is given back already, but on a test's cursor.
        cr.commit()  # pylint: disable=invalid-commit
    except (InterfaceError, OperationalError):
        if not cr.closed:
            raise


@contextmanager
def no_transaction(cr):
    """End the transaction of ``cr``, and keep none open during a call to the outside:
    each statement is one of its own.

    For the beginning of a request that has written nothing: a write would be
    committed. A test's cursor stays in its transaction.
    """
    if not module.current_test:
        cr.commit()  # pylint: disable=invalid-commit
    with autocommitting(cr):
        yield


def in_turn(method, *args, lock, wait=True):
    """Like :func:`apart`, one caller after the other for each lock.

    The lock is taken before the transaction begins: it sees what the one before it
    has committed. A process that dies gives its lock back by dying.

    :param lock: two integers that name what is taken turns at
    :param wait: whether to wait for one's turn; else nothing is done, and None is
        returned, while another caller has it
    """
    env = method.__self__.env
    cr = env.registry.cursor()
    try:
        with autocommitting(cr):
            if wait:
                cr.execute("SELECT pg_advisory_lock(%s, %s)", lock)
            else:
                cr.execute("SELECT pg_try_advisory_lock(%s, %s)", lock)
                if not cr.fetchone()[0]:
                    return None
        try:
            own = api.Environment(cr, env.uid, env.context, env.su)
            return retrying(partial(_moved(method, args), own), own)
        finally:
            # The session is pooled; a failed transaction was rolled back above.
            unlock(cr, lock)
    finally:
        cr.close()


def _moved(method, args):
    """``function(env)`` that calls a bound method there."""

    def there(value, env):
        records = isinstance(value, models.BaseModel)
        # What else was read here is no concern of the other transaction.
        return value.with_env(env).with_prefetch() if records else value

    return lambda env: method.__func__(
        there(method.__self__, env), *(there(value, env) for value in args)
    )
