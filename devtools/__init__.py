"""What ``./dev`` is made of: standard library only, no Odoo import."""
