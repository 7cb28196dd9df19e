def migrate(cr, version):
    """What both sides had when they last agreed was one value of a field, as it had
    been asked for: what the app really has may be more than that.

    Nothing is looked at now. Each record is marked as known in part, and before
    anything of it is sent the whole of it is read from the app and compared.
    """
    cr.execute(
        """SELECT 1 FROM information_schema.columns
            WHERE table_name = 'sync_mapping' AND column_name = 'odoo_base'"""
    )
    if cr.fetchone():
        return
    # A default marks the rows that are there without writing any.
    cr.execute(
        """ALTER TABLE sync_mapping
             ADD COLUMN IF NOT EXISTS in_part boolean DEFAULT true"""
    )
    cr.execute("ALTER TABLE sync_mapping ALTER COLUMN in_part DROP DEFAULT")
