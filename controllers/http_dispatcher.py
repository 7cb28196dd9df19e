"""What Odoo's own dispatcher answers under the addresses of this addon while Odoo has
no connection to the database left, or can make none.

Odoo asks the database before it looks for a route: for the names of databases, where a
filter is configured, and with its first cursor. Where that fails its dispatcher of
pages answers: 500 if the pool is full, 404 if PostgreSQL takes no more connections.
Neither says to the pharmacy app that it may send the same again, nor to a probe that
the process itself is well.
"""

import psycopg2

from odoo import http

from .api_dispatcher import error_response, is_database_down
from .health import answer_without_database

PATH = "/pharmacy_sync/"


# Odoo keeps the last class of each type: this one answers like the one before it.
class HttpDispatcher(http._dispatchers["http"]):
    """Pages, and this addon's routes until one is found."""

    routing_type = "http"

    def handle_error(self, exc):
        path = self.request.httprequest.path
        ours = path.startswith(PATH)
        if ours and (is_database_down(exc) or self._finds_no_database()):
            return answer_without_database(path) or error_response(503)
        return super().handle_error(exc)

    def _finds_no_database(self):
        """Whether the request has no database because there seems to be none: a client
        that names none of several is wrong, and 404 is right for it."""
        try:
            return not getattr(self.request, "db", None) and not http.db_list(True)
        except psycopg2.Error:
            return True
