def migrate(cr, version):
    """Changes carry a stamp instead of their transaction's id.

    Those that are there keep their places, and the next ones come after every place
    that a reader may have been given.
    """
    cr.execute(
        """SELECT 1 FROM information_schema.columns
            WHERE table_name = 'sync_event' AND column_name = 'xid'"""
    )
    if not cr.fetchone():
        return
    cr.execute("DROP INDEX IF EXISTS sync_event__xid_idx")
    cr.execute("ALTER TABLE sync_event RENAME COLUMN xid TO stamp")
    cr.execute(
        """ALTER TABLE sync_event ALTER COLUMN stamp DROP DEFAULT,
                ALTER COLUMN stamp DROP NOT NULL,
                ALTER COLUMN stamp TYPE int8 USING stamp::text::int8"""
    )
    cr.execute("CREATE SEQUENCE IF NOT EXISTS sync_event_stamp")
    cr.execute(
        """SELECT setval('sync_event_stamp', greatest(
               (SELECT coalesce(max(stamp), 0) FROM sync_event),
               pg_current_xact_id()::text::int8))"""
    )
