import math

from werkzeug.exceptions import MethodNotAllowed, NotFound

from odoo import SUPERUSER_ID, http
from odoo.http import request

from ..core.api.answer_status import RETRY_AFTER, status_of
from ..core.api.limits import MAX_BODY
from ..core.api.openapi import document
from .api_dispatcher import ApiDispatcher, answer_response, read_arguments

PATH = "/pharmacy_sync/api/v1"


class ApiController(http.Controller):
    """The methods of ``sync.api`` as HTTP routes of our own: the same answers as over
    RPC, with statuses, and null for what is absent."""

    @http.route(
        f"{PATH}/<path:name>",
        type=ApiDispatcher.routing_type,
        auth="bearer",
        csrf=False,
        save_session=False,
        # One more than is accepted: a body that comes in pieces, without a length,
        # is read up to here, and then known to be too long.
        max_content_length=MAX_BODY + 1,
    )
    def call(self, name):
        """Call a method with the named arguments of the body."""
        api = request.env["sync.api"]
        methods = {method.name: method for method in api._methods()}
        if name not in methods:
            raise NotFound(f"Methods are {', '.join(methods)}.")
        if request.httprequest.method != "POST":
            raise MethodNotAllowed(["POST"])
        given = read_arguments(request.httprequest)
        if correlation_id := request.httprequest.headers.get("X-Correlation-ID"):
            given.setdefault("correlation_id", correlation_id)
        method = methods[name]
        answer, refused = api._reply(method, given)
        if refused is None:
            return answer_response(method.as_answer(answer))
        status, headers = status_of(answer["error"]["type"]), {}
        if status in (429, 503):
            wait = getattr(refused, "retry_after", None) or RETRY_AFTER
            headers["Retry-After"] = str(math.ceil(wait))
        return answer_response(method.as_answer(answer), status, headers)

    @http.route(
        f"{PATH}/openapi.json",
        type=ApiDispatcher.routing_type,
        auth="none",
        methods=["GET"],
        save_session=False,
        readonly=True,
    )
    def openapi(self):
        """What the methods take and answer, as an OpenAPI document."""
        env = request.env(user=SUPERUSER_ID)
        entity, methods = env["sync.entity"], list(env["sync.api"]._methods())
        return request.make_json_response(
            document(methods, entity._schemas(), PATH, entity._entities())
        )
