import hmac
import json

from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..core.analytics.exposition import CONTENT_TYPE
from ..models.analytics.health_probe import probe

PATH = "/pharmacy_sync/health"
_ROUTE = {
    "type": "http",
    "auth": "none",
    "methods": ["GET"],
    "save_session": False,
    "readonly": True,
}


class HealthController(http.Controller):
    """What probes and monitoring ask. Nothing here is a secret, but for the metrics,
    which a token guards."""

    @http.route(f"{PATH}/live", **_ROUTE)
    def live(self):
        """Whether this process answers; it asks the database nothing, see also
        :func:`answer_without_database`."""
        return _json({"status": "ok"})

    @http.route(f"{PATH}/ready", **_ROUTE)
    def ready(self):
        """Whether work is being done: 200 or 503."""
        good, __ = probe(request.db)
        return _json({"status": "ok" if good else "down"}, 200 if good else 503)

    @http.route(PATH, **_ROUTE)
    def health(self):
        """The same, with how it is known. An app that is down is no reason for 503:
        changes are kept, and no restart of Odoo would help."""
        good, found = probe(request.db)
        return _json(found, 200 if good else 503)

    @http.route("/pharmacy_sync/metrics", **_ROUTE)
    def metrics(self):
        """Figures for Prometheus, for whoever has the token."""
        if not request.db:
            return _json({"status": "down"}, 503)
        env = request.env(user=SUPERUSER_ID)
        token = env["sync.config"]._value("metrics_token")
        if not token:
            return request.not_found()
        header = request.httprequest.headers.get("Authorization", "")
        given = header.removeprefix("Bearer ").strip()
        if not hmac.compare_digest(given.encode(), token.encode()):
            return request.make_response(
                "", [("WWW-Authenticate", "Bearer"), _NO_STORE], status=401
            )
        text = env["sync.exposition"]._text()
        return request.make_response(text, [("Content-Type", CONTENT_TYPE), _NO_STORE])


def answer_without_database(path):
    """What a probe gets where Odoo has no database to find its route with; None: the
    path is no probe's.

    The process is alive all the same: if it were restarted for that, each outage of
    PostgreSQL would end all of Odoo.
    """
    if path == f"{PATH}/live":
        return _json({"status": "ok"})
    if path == f"{PATH}/ready":
        return _json({"status": "down"}, 503)
    if path == PATH:
        return _json(probe(None)[1], 503)
    return None


_NO_STORE = ("Cache-Control", "no-store")


def _json(found, status=200):
    headers = [("Content-Type", "application/json"), _NO_STORE]
    return request.make_response(json.dumps(found), headers, status=status)
