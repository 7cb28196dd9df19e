"""Work in a transaction of its own, beside the caller's."""

from functools import partial

from odoo import api
from odoo.service.model import retrying


def in_own_transaction(env, function):
    """Run ``function(env)`` in a new transaction and commit it.

    What it writes survives the caller's rollback, and no transaction of the caller is
    needed around a call to the outside. It sees committed data only. A serialization
    failure replays it, so it must not talk to anyone outside the database.

    :param env: environment whose user, context and registry are taken
    :param function: called with an environment on the new cursor
    :return: what ``function`` returned; keep recordsets out of it
    """
    with env.registry.cursor() as cr:
        own = api.Environment(cr, env.uid, env.context, env.su)
        return retrying(partial(function, own), own)
