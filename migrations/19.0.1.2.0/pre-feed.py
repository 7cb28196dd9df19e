def migrate(cr, version):
    """Changes carry a stamp, by which the feed goes instead of their transaction's id.

    Those that are there keep their places, and the next ones come after every place
    that a reader may have been given.
    """
    cr.execute(
        """SELECT 1 FROM information_schema.columns
            WHERE table_name = 'sync_event' AND column_name = 'stamp'"""
    )
    if cr.fetchone():
        return
    cr.execute("DROP INDEX IF EXISTS sync_event__xid_idx")
    cr.execute("ALTER TABLE sync_event ADD COLUMN stamp int8")
    cr.execute(
        """UPDATE sync_event SET stamp = xid::text::int8
            WHERE stream_id IS NOT NULL"""
    )
    cr.execute("CREATE SEQUENCE IF NOT EXISTS sync_event_stamp")
    cr.execute(
        """SELECT setval('sync_event_stamp', greatest(
               (SELECT coalesce(max(stamp), 0) FROM sync_event),
               pg_current_xact_id()::text::int8))"""
    )
