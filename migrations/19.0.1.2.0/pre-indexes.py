# Covering other rows than before. Odoo makes an index anew if its comment says another
# definition; a database that was restored without comments would keep the old one.
CHANGED = ("sync_operation_resume_idx", "sync_alert_held_idx", "sync_call_backend_idx")


def migrate(cr, version):
    """Indexes whose definition has changed are made anew."""
    for name in CHANGED:
        cr.execute(f"DROP INDEX IF EXISTS {name}")
