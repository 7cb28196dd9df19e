"""An alert says since when it is so, beside when it was noticed."""


def migrate(cr, version):
    cr.execute(
        """UPDATE sync_alert SET since = least(opened_at, last_at)
            WHERE since IS NULL"""
    )
