import json
import math

from werkzeug.exceptions import RequestEntityTooLarge

from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..core.exceptions import NotNowError
from .http_dispatcher import HttpDispatcher

MAX_BODY = 64 * 1024
MAX_ID = 2**31 - 1
STATUS = {"too_large": 413, "database_copied": 409}


class WebhookDispatcher(HttpDispatcher):
    """What is signed is the body as it was sent, whatever its type says: Odoo would
    read a form out of it, and leave nothing."""

    routing_type = "pharmacy_sync_webhook"

    def dispatch(self, endpoint, args):
        self.request.params = dict(args)
        return self.request.registry["ir.http"]._dispatch(endpoint)


class WebhookController(http.Controller):
    """Receives the pharmacy app's notices of changes (Standard Webhooks)."""

    @http.route(
        "/pharmacy_sync/webhook/<int:backend_id>",
        type=WebhookDispatcher.routing_type,
        auth="none",
        methods=["POST"],
        csrf=False,
        save_session=False,
        readonly=False,
        # One more than is accepted: a body that comes in pieces, without a length,
        # is read up to here, and then known to be too long.
        max_content_length=MAX_BODY + 1,
    )
    def receive(self, backend_id):
        """Check the signature, have the changes read, and answer at once.

        The notice itself is not believed for more than that something changed: what
        changed is asked for, in the app's own order. A repeated notice is answered as
        the first was. An answer does not say whether there is such a backend.
        """
        env = request.env(user=SUPERUSER_ID)
        try:
            # Cached: Odoo may replay the request, and reads it again then.
            body = request.httprequest.get_data()
        except RequestEntityTooLarge:
            body = None
        if body is not None and len(body) > MAX_BODY:
            body = None
        backend = env["sync.backend"].browse(min(backend_id, MAX_ID))
        try:
            reason = backend._receive_webhook(request.httprequest.headers, body)
        except NotNowError as exc:
            later = [("Retry-After", str(math.ceil(exc.retry_after)))]
            return self._answer(429, "too_many", later)
        if not reason:
            return self._answer(202, None)
        status = STATUS.get(reason, 401)
        return self._answer(status, "unauthorized" if status == 401 else reason)

    def _answer(self, status, code, headers=()):
        body = {"error": {"code": code}} if code else {}
        headers = [("Content-Type", "application/json"), *headers]
        return request.make_response(json.dumps(body), headers, status=status)
