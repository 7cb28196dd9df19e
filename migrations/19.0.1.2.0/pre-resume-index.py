def migrate(cr, version):
    """The index of operations that wait for the app covers less than before.

    Odoo makes an index anew if its comment says another definition; a database that
    was restored without comments would keep the old one.
    """
    cr.execute("DROP INDEX IF EXISTS sync_operation_resume_idx")
