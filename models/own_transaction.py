"""Work in a transaction of its own, beside the caller's."""

from functools import partial

from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from odoo import api
from odoo.service.model import retrying


def in_own_transaction(env, function, read_committed=False):
    """Run ``function(env)`` in a new transaction and commit it.

    What it writes survives the caller's rollback, and no transaction of the caller is
    needed around a call to the outside. It sees committed data only. A serialization
    failure replays it, so it must not talk to anyone outside the database.

    :param env: environment whose user, context and registry are taken
    :param function: called with an environment on the new cursor
    :param read_committed: run at that isolation level: for short updates of a row that
        many workers share, which then wait for each other instead of failing
    :return: what ``function`` returned; keep recordsets out of it
    """
    with env.registry.cursor() as cr:
        if read_committed:
            begin_read_committed(cr)
        own = api.Environment(cr, env.uid, env.context, env.su)
        return retrying(partial(function, own), own)


def begin_read_committed(cr):
    """Let the cursor's next transaction wait for a row that another is changing, and
    see the change, where Odoo's isolation level would have it fail.

    To be called when nothing was executed yet; a test's cursor keeps its level, it is
    in a transaction already.
    """
    if cr.connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
        cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
