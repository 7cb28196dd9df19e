"""Odoo's hooks of the addon."""

from odoo.tools import SQL

from .models.event import triggers


def uninstall_hook(env):
    """Take along what Odoo does not know of.

    The triggers go before anything that they write to. The jobs go because the job
    list cannot show those of a model that is gone, and the runner would fail them.
    """
    triggers.drop(env.cr)
    env.cr.execute(
        SQL(
            "DELETE FROM queue_job WHERE model_name IN "
            "(SELECT model FROM ir_model WHERE starts_with(model, 'sync.'))"
        )
    )
