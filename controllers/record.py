from odoo import http
from odoo.http import request

PATH = "/pharmacy_sync/record"


class RecordController(http.Controller):
    """From a record of the pharmacy app to Odoo's, for those who may see it."""

    @http.route(
        f"{PATH}/<external_id>",
        type="http",
        auth="user",
        methods=["GET"],
        readonly=True,
    )
    def record(self, external_id):
        """Go to the Odoo record that is linked with a record of the pharmacy's.

        :param external_id: the pharmacy record's id
        """
        mapping = request.env["sync.mapping"].search(
            [("external_id", "=", external_id), ("res_id", "!=", False)], limit=1
        )
        if not mapping:
            raise request.not_found()
        return request.redirect(f"/odoo/{mapping.res_model}/{mapping.res_id}")
