import json

from odoo.tests import tagged
from odoo.tools import mute_logger

from ...core.exceptions import HttpError, SchemaMismatchError
from ..common import SyncCase

RECORDED = "odoo.addons.pharmacy_sync.models.error.sync_error"


@tagged("post_install", "-at_install")
class TestErrorOrigin(SyncCase):
    """An error leads to the request that failed, to what came before it, and to what
    was sent that cannot be read."""

    def test_the_request_is_that_of_the_log_of_calls(self):
        order = self.make_order()
        self.app.fault("error", status=503)
        with mute_logger(RECORDED):
            self.push()
        error = self.env["sync.error"].search(
            [("backend_id", "=", self.backend.id), ("request_id", "!=", False)], limit=1
        )
        self.assertTrue(error, order.name)
        call = self.env["sync.call"].search([("request_id", "=", error.request_id)])
        self.assertEqual(call.backend_id, self.backend)

    def test_what_it_began_with(self):
        Error, exc = self.env["sync.error"], HttpError(404, None, "Unknown")

        def fail(correlation_id):
            about = {"backend_id": self.backend.id, "operation": "push"}
            values = Error._values(Error._classify(exc), exc, **about)
            return Error.create({**values, "correlation_id": correlation_id})

        first, other, second = fail("one"), fail("two"), fail("one")
        self.assertEqual(second.cause_id, first)
        self.assertFalse(first.cause_id)
        self.assertFalse(other.cause_id)

    def test_what_has_another_shape_is_kept_without_secrets(self):
        exc = SchemaMismatchError("The answer has no version.", field="version")
        exc.raw = json.dumps({"id": "sup_1", "password": "hunter2hunter2"})
        Error = self.env["sync.error"]
        error = Error.create(
            Error._values(Error._classify(exc), exc, backend_id=self.backend.id)
        )
        self.assertIn("sup_1", error.context_text)
        self.assertNotIn("hunter2", json.dumps(error.context))
