def migrate(cr, version):
    """Record rules keep companies apart: they are code, and an update puts them right.

    Until now they were data that an update left alone, as were those that are gone.
    """
    cr.execute(
        """UPDATE ir_model_data SET noupdate = false
            WHERE module = 'pharmacy_sync' AND model = 'ir.rule'"""
    )
