"""The contract kit: whether an app keeps the published contract, and which of the
abilities it has.

    from odoo.addons.pharmacy_sync.client.conform import run
    report = run("https://sandbox.pharmacy.example.com", api_key)

It needs ``requests`` and no Odoo. In a checkout ``./dev conform URL`` runs it; where
only the addon's files are ``python client/conform URL``.
"""

from .kit import run
from .report import Finding, Report, State, as_text
