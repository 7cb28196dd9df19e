"""Odoo's hooks of the addon."""

from odoo.tools import SQL


def uninstall_hook(env):
    """Take the addon's jobs along: the job list cannot show those of a model that is
    gone, and the runner would fail them."""
    env.cr.execute(
        SQL(
            "DELETE FROM queue_job WHERE model_name IN "
            "(SELECT model FROM ir_model WHERE starts_with(model, 'sync.'))"
        )
    )
