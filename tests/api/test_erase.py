from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from ..common import SyncCase

NAME, EMAIL, PHONE = "Wilhelmina Quackenbush", "mina@quack.example", "+34 600 123 987"


@tagged("post_install", "-at_install")
class TestErase(SyncCase):
    """What the synchronisation keeps of a person goes by one action."""

    def found(self):
        """Tables of the addon, and those it writes to, that hold a word of hers."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND "
            "(starts_with(relname, 'sync_') OR relname = 'queue_job')"
        )
        tables = [name for (name,) in self.env.cr.fetchall()]
        words = [f"%{word}%" for word in (NAME, EMAIL, PHONE)]
        found = {}
        for name in tables:
            query = "SELECT count(*) FROM %s t WHERE to_jsonb(t)::text ILIKE ANY(%s)"
            self.env.cr.execute(SQL(query, SQL.identifier(name), words))
            found[name] = self.env.cr.fetchone()[0]
        return {name for name, count in found.items() if count}

    def leave_traces(self):
        """Synchronise her, with conflicts and failures of several kinds."""
        self.supplier.write({"name": NAME, "email": EMAIL, "phone": PHONE})
        order = self.make_order()
        self.sync()
        link = self.mapping(self.supplier)
        external_id = link.external_id
        self.app.edit("suppliers", external_id, email=f"x.{EMAIL}")
        self.supplier.email = f"y.{EMAIL}"
        self.pull()
        self.app.fault("error", count=1)
        self.supplier.phone = PHONE + "1"
        self.push()
        api = self.env["sync.api"].with_user(self.api_user)
        bad = {"id": external_id, "version": 9, "name": NAME, "email": 3}
        api.push("supplier", [bad], idempotency_key="erase")
        about = {"operation": "push", "backend_id": self.backend.id}
        self.env["sync.error"]._record(ValueError(f"Who is {NAME.upper()}?"), **about)
        self.env["sync.error"]._record(
            ValueError("x"), context={"said": [{"of": f'a "{EMAIL}"'}]}, **about
        )
        return order, external_id

    def test_nothing_of_hers_is_found_afterwards(self):
        order, __ = self.leave_traces()
        self.assertLess({"sync_error", "sync_mapping", "sync_operation"}, self.found())
        self.supplier.action_erase_from_sync()
        self.assertEqual(self.found(), set())
        self.assertEqual(self.supplier.name, NAME, "Odoo's own record is not touched")
        self.assertTrue(self.mapping(order).external_id, "neither is what is not hers")
        self.assertTrue(self.env["sync.error"].search([("message", "like", "erased")]))

    def test_only_managers_erase(self):
        self.leave_traces()
        user = new_test_user(
            self.env,
            "erases",
            "pharmacy_sync.group_operator,base.group_partner_manager",
        )
        before = self.found()
        with self.assertRaises(AccessError):
            self.supplier.with_user(user).action_erase_from_sync()
        self.assertEqual(self.found(), before)

    def test_what_another_company_keeps_stays(self):
        self.leave_traces()
        other = self.env["res.company"].create({"name": "Other Clinic"})
        manager = self.make_user(
            "other_manager",
            "pharmacy_sync.group_manager,base.group_partner_manager",
            other,
        )
        before = self.found()
        self.supplier.with_user(manager).action_erase_from_sync()
        self.assertEqual(self.found(), before)
