"""How Odoo says who it is to a pharmacy app."""

from . import sync_auth
