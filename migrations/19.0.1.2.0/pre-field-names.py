# Table, name of a column until now, and from now on.
RENAMED = (
    ("sync_alert", "told_at", "notified_at"),
    ("sync_alert", "told_severity", "notified_severity"),
    ("sync_alert", "told_times", "notified_times"),
    ("sync_backend", "told_until", "read_until"),
    ("sync_stream", "told_at", "read_until"),
)


def migrate(cr, version):
    """Fields are called what their labels say. Saved filters name them as well."""
    for table, old, new in RENAMED:
        cr.execute(
            """SELECT column_name FROM information_schema.columns
                WHERE table_name = %s AND column_name IN (%s, %s)""",
            [table, old, new],
        )
        if [name for (name,) in cr.fetchall()] != [old]:
            continue
        cr.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
        cr.execute(
            """UPDATE ir_filters
                  SET domain = regexp_replace(domain, %(old)s, %(new)s, 'g'),
                      context = regexp_replace(context, %(old)s, %(new)s, 'g'),
                      sort = regexp_replace(sort, %(old)s, %(new)s, 'g')
                WHERE model_id = %(model)s""",
            {"old": rf"\m{old}\M", "new": new, "model": table.replace("_", ".")},
        )
