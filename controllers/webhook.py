import json
import time

from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..core.exceptions import SyncError
from ..core.signature import verify

MAX_BODY = 64 * 1024


class WebhookController(http.Controller):
    """Where the pharmacy app tells that something changed (Standard Webhooks)."""

    @http.route(
        "/pharmacy_sync/webhook/<int:backend_id>",
        type="http",
        auth="none",
        methods=["POST"],
        csrf=False,
        save_session=False,
    )
    def receive(self, backend_id):
        """Check the signature, have the changes read, and answer at once.

        The notice itself is not believed for more than that something changed: what
        changed is asked for, in the app's own order.
        """
        env = request.env(user=SUPERUSER_ID)
        backend = env["sync.backend"].browse(backend_id).exists()
        secret = backend.webhook_secret_secret
        if not backend.active or not secret:
            return self._answer(404, "not_found")
        if (request.httprequest.content_length or 0) > MAX_BODY:
            return self._answer(413, "too_large")
        # Cached: Odoo may replay the request, and reads it again then.
        body = request.httprequest.get_data()
        try:
            verify([secret], request.httprequest.headers, body, time.time())
        except SyncError:
            return self._answer(401, "unauthorized")
        backend._schedule_pull()
        return self._answer(202, None)

    def _answer(self, status, code):
        body = {"error": {"code": code}} if code else {}
        return request.make_response(
            json.dumps(body), [("Content-Type", "application/json")], status=status
        )
