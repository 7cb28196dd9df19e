from odoo.addons.pharmacy_sync.client.session import addresses
from odoo.addons.pharmacy_sync.core.backend.address import host
from odoo.addons.pharmacy_sync.core.exceptions import InternalAddressError


def migrate(cr, version):
    """Apps at internal addresses stay connected: their hosts are allowed, as every
    host was until now."""
    cr.execute("SELECT id, url FROM sync_backend WHERE internal_host IS NULL")
    allowed = [
        (host(url.strip()), backend_id)
        for backend_id, url in cr.fetchall()
        if _may_be_internal(host(url.strip()))
    ]
    if allowed:
        cr.executemany(
            "UPDATE sync_backend SET internal_host = %s WHERE id = %s", allowed
        )


def _may_be_internal(name):
    if not name:
        return False
    try:
        addresses(name, None)
    except InternalAddressError:
        return True
    except (OSError, UnicodeError):
        # A name that is not known at this moment may be one of the clinic's own.
        return True
    return False
