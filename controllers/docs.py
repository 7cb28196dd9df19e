from odoo import http
from odoo.http import request

from ..core.help_page import INDEX, page

PATH = "/pharmacy_sync/docs"


class DocsController(http.Controller):
    """The documentation, for those who are logged in: what the *?* of a page opens."""

    @http.route(
        [PATH, f"{PATH}/<path:name>"],
        type="http",
        auth="user",
        methods=["GET"],
        readonly=True,
    )
    def docs(self, name=INDEX):
        html = page(name)
        if html is None:
            raise request.not_found()
        return request.make_response(
            html, [("Content-Type", "text/html; charset=utf-8")]
        )
