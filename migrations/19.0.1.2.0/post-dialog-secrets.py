def migrate(cr, version):
    """Dialogs kept keys in clear text: what is left of them goes."""
    cr.execute(
        "UPDATE sync_backend_connect "
        "SET api_key_secret = NULL, webhook_secret_secret = NULL"
    )
