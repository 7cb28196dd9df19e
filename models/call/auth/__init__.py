"""Who Odoo says that it is, and the token of a token server that all workers share."""

from . import token
