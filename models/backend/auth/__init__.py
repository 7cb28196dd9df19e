"""How Odoo authenticates itself to a pharmacy app."""

from . import sync_auth
