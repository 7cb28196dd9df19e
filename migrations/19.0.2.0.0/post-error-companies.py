def migrate(cr, version):
    """An error of a backend belongs to the backend's company: some were kept without
    one, and shown to every company."""
    cr.execute(
        """UPDATE sync_error e SET company_id = b.company_id
             FROM sync_backend b
            WHERE b.id = e.backend_id AND e.company_id IS NULL"""
    )
