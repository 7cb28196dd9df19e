import json
import time

from werkzeug.exceptions import RequestEntityTooLarge

from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..core.exceptions import SyncError
from ..core.signature import verify

MAX_BODY = 64 * 1024


class WebhookController(http.Controller):
    """Receives the pharmacy app's notices of changes (Standard Webhooks)."""

    @http.route(
        "/pharmacy_sync/webhook/<int:backend_id>",
        type="http",
        auth="none",
        methods=["POST"],
        csrf=False,
        save_session=False,
        # One more than is accepted: a body that comes in pieces, without a length,
        # is read up to here, and then known to be too long.
        max_content_length=MAX_BODY + 1,
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
        try:
            # Cached: Odoo may replay the request, and reads it again then.
            body = request.httprequest.get_data()
        except RequestEntityTooLarge:
            body = None
        if body is None or len(body) > MAX_BODY:
            return self._answer(413, "too_large")
        try:
            verify([secret], request.httprequest.headers, body, time.time())
        except (SyncError, ValueError):
            # Python refuses to read a number of thousands of digits.
            return self._answer(401, "unauthorized")
        if backend.is_copy:
            return self._answer(409, "database_copied")
        backend._schedule_pull()
        return self._answer(202, None)

    def _answer(self, status, code):
        body = {"error": {"code": code}} if code else {}
        return request.make_response(
            json.dumps(body), [("Content-Type", "application/json")], status=status
        )
