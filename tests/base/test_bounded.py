from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..common import SyncCase

RULES = "odoo.addons.base.models.ir_rule"


@tagged("post_install", "-at_install")
class TestBounded(SyncCase):
    """People refer to what they may read, and to nothing else; numbers make sense."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.second_backend()
        cls.manager = cls.make_user("manager", "pharmacy_sync.group_manager")
        cls.windows = cls.env["sync.maintenance"].with_user(cls.manager)

    def values(self, backend):
        now = fields.Datetime.now()
        times = {"start": now, "end": now + timedelta(hours=1)}
        return {"backend_id": backend.id, "reason": "New server", **times}

    @mute_logger(RULES)
    def test_nothing_is_made_of_what_is_another_companys(self):
        own = self.windows.create(self.values(self.backend))
        with self.assertRaises(AccessError):
            self.windows.create(self.values(self.other))
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            own.backend_id = self.other
        self.env.invalidate_all()
        self.assertEqual(own.backend_id, self.backend)
        # Code that runs with all rights may.
        self.assertTrue(own.sudo().create(self.values(self.other)))

    @mute_logger(RULES)
    def test_no_form_opens_on_what_is_another_companys(self):
        names = {"backend_id": {"fields": {"display_name": {}}}, "reason": {}}
        for backend, refused in ((self.backend, False), (self.other, True)):
            of_it = self.windows.with_context(default_backend_id=backend.id)
            given = {"backend_id": backend.id, "reason": "x"}
            ways = (
                partial(of_it.default_get, ["backend_id"]),
                partial(of_it.onchange, {}, [], names),
                partial(self.windows.onchange, given, ["backend_id"], names),
            )
            for way in ways:
                self.env.invalidate_all()
                if refused:
                    with self.assertRaises(AccessError):
                        way()
                else:
                    self.assertTrue(way())

    @mute_logger(RULES)
    def test_a_record_of_any_model_is_one_that_may_be_read(self):
        """As of a reference whose model is beside it."""
        stream = self.backend.stream_ids.filtered(lambda s: s.entity == "supplier")
        work = self.env["sync.reconciliation"].create({"stream_id": stream.id})
        hidden = self.env["res.partner"].create(
            {"name": "Theirs", "company_id": self.other_company.id}
        )
        drift = self.env["sync.drift"].create({"reconciliation_id": work.id})
        drift.with_user(self.manager).res_id = self.supplier.id
        with self.assertRaises(AccessError):
            drift.with_user(self.manager).res_id = hidden.id
        drift.with_user(self.manager).res_id = False
        self.assertFalse(drift.res_id)

    @contextmanager
    def refused(self):
        words = "First Page must be 0 to 1"
        with self.assertRaisesRegex(ValidationError, words), self.env.cr.savepoint():
            yield

    def test_a_number_that_an_administrator_proposes_has_its_bounds_too(self):
        self.env["ir.default"].set("sync.stream", "first_page", 7)
        stream = self.backend.stream_ids[0]
        values = {"backend_id": self.backend.id, "entity": stream.entity}
        stream.unlink()
        with self.refused():
            self.env["sync.stream"].create(values)
        for first in (0, 1):
            made = self.env["sync.stream"].create({**values, "first_page": first})
            self.assertEqual(made.first_page, first)
            made.unlink()
        for wrong in (-1, 2):
            with self.refused():
                self.env["sync.stream"].create({**values, "first_page": wrong})
