# Covering other rows than before. Odoo makes an index anew if its comment says another
# definition; a database that was restored without comments would keep the old one.
CHANGED = (
    "sync_operation_resume_idx",
    "sync_operation_queue_idx",
    "sync_alert_held_idx",
    "sync_call_backend_idx",
)
# Nothing asks by it any more: each change of an operation would still write it.
GONE = ("sync_operation_state_idx",)


def migrate(cr, version):
    """Indexes whose definition has changed are made anew; what is not used goes."""
    for name in (*CHANGED, *GONE):
        cr.execute(f"DROP INDEX IF EXISTS {name}")
