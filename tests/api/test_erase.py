from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from ...models.api.erase import QUOTING
from ..common import SyncCase

NAME, EMAIL, PHONE = "Wilhelmina Quackenbush", "mina@quack.example", "+34 600 123 987"

TEXTS = ("char", "text", "html", "json")
# Texts of a program: names of fields and methods, ids, hashes, positions.
OF_PROGRAMS = {
    *("correlation_id", "request_id", "external_id", "fingerprint", "job_uuid"),
    *("res_model", "key", "keys", "xid", "session", "cursor", "code", "work"),
    *("handler", "step"),
    *("message_id", "reference", "link", "request_hash", "sums", "pending_buckets"),
    *("suggested_action", "matched_by", "fields_text", "field", "source", "silence"),
    *("method", "path", "edited_from", "chosen", "checksum"),
}
# What people configure; what is of the person alone and goes whole; and what is sent,
# which is not hers where it is another record's.
CONFIGURED = {
    *("sync.alert.channel", "sync.alert.rule", "sync.backend", "sync.conflict.policy"),
    *("sync.conflict.rule", "sync.error.rule", "sync.pool", "sync.report.schedule"),
    *("sync.field.name", "sync.further.field", "sync.service", "sync.stream"),
    "sync.subscription",
}
WHOLE = {
    "sync.cache": {"value"},
    "sync.mapping": {"base", "odoo_base", "unanswered"},
    "sync.operation": {"payload"},
    "sync.conflict": {"name"},
    "sync.conflict.line": {"name"},
}


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
        self.assertTrue(api.lookup("supplier", [external_id])["success"])
        return order, external_id

    def test_nothing_of_hers_is_found_afterwards(self):
        order, __ = self.leave_traces()
        tables = {"sync_error", "sync_mapping", "sync_operation", "sync_cache"}
        self.assertLess(tables, self.found())
        self.supplier.action_erase_from_sync()
        self.assertEqual(self.found(), set())
        self.assertEqual(self.supplier.name, NAME, "Odoo's own record is not touched")
        self.assertTrue(self.mapping(order).external_id, "neither is what is not hers")
        self.assertTrue(self.env["sync.error"].search([("message", "like", "erased")]))

    def test_rows_of_her_own_go_and_those_of_others_stay(self):
        order, external_id = self.leave_traces()
        link, others = self.mapping(self.supplier), self.mapping(order)
        drift = self.env["sync.drift"]
        for stream, known in (
            (link.stream_id, {"external_id": external_id}),
            (link.stream_id, {"res_id": self.supplier.id}),
            (link.stream_id, {"external_id": "sup_other"}),
            (others.stream_id, {"res_id": self.supplier.id}),
        ):
            work = self.env["sync.reconciliation"].create({"stream_id": stream.id})
            drift |= drift.create(
                {"reconciliation_id": work.id, "kind": "differs", **known}
            )
        events = [("res_model", "=", "res.partner"), ("res_id", "=", self.supplier.id)]
        Event = self.env["sync.event"]
        self.assertTrue(Event.search(events))
        self.supplier.action_erase_from_sync()
        self.assertFalse(Event.search(events))
        self.assertTrue(Event.search([("res_model", "=", "purchase.order")]))
        self.assertEqual(drift.exists(), drift[2:])

    def test_what_she_was_called_before_goes_too(self):
        self.leave_traces()
        self.supplier.write({"name": "M. Q.", "email": False, "phone": False})
        self.supplier.action_erase_from_sync()
        self.assertEqual(self.found(), set())

    def test_what_is_being_written_goes_too(self):
        self.supplier.name = NAME
        about = {"operation": "push", "backend_id": self.backend.id}
        self.env["sync.error"]._record(ValueError("x"), **about)
        error = self.env["sync.error"].search([], limit=1)
        error.write({"resolved": True, "resolution": f"Asked {NAME}"})
        self.assertFalse(self.mapping(self.supplier))
        self.supplier.action_erase_from_sync()
        self.assertNotIn(NAME, error.resolution)

    def test_not_while_it_is_just_carried_over(self):
        self.leave_traces()
        operation = self.operations(mapping_id=self.mapping(self.supplier).id)[0]
        before, operation.state = operation.state, "running"
        with self.assertRaisesRegex(UserError, "just being carried over"):
            self.supplier.action_erase_from_sync()
        self.assertTrue(self.mapping(self.supplier).external_id)
        operation.state = before
        # Another record's is no reason to wait.
        others = self.operations() - self.operations(mapping_id=operation.mapping_id.id)
        others[0].state = "running"
        self.supplier.action_erase_from_sync()
        self.assertEqual(self.found(), set())

    def test_every_text_is_looked_through_or_holds_no_words_of_people(self):
        """A new one must be put into one of these lists."""
        forgotten = []
        for name, model in sorted(self.env.items()):
            if not name.startswith("sync.") or model._abstract or not model._auto:
                continue
            if model._transient or name in CONFIGURED:
                continue
            looked = {*QUOTING.get(name, ("", ()))[1], *WHOLE.get(name, ())}
            forgotten += [
                f"{name}.{field.name}"
                for field in model._fields.values()
                if field.store and field.type in TEXTS
                if field.name not in looked | OF_PROGRAMS
            ]
        self.assertEqual(forgotten, [])

    def test_what_was_reported_to_others_is_erased(self):
        """The words go, of messages to receivers and of reasons that people gave."""
        order = self.make_order()
        self.sync()
        self.supplier.write({"name": NAME, "email": EMAIL})
        operation = self.mapping(order).operation_ids[:1]
        self.env["sync.delivery"].create(
            [
                {"kind": kind, "backend_id": backend, "title": NAME, **reported}
                for kind, backend in (("event", self.backend.id), ("opened", False))
                for reported in (
                    {"payload": {"data": {"email": EMAIL}}, "answer": f"no {EMAIL}"},
                )
            ]
        )
        self.env["sync.operation.note"].create(
            {"operation_id": operation.id, "action": "edited", "text": f"Ask {NAME}"}
        )
        self.backend.activity_schedule(
            "mail.mail_activity_data_todo", summary=f"Call {NAME}", user_id=self.env.uid
        )
        self.assertLessEqual({"sync_delivery", "sync_operation_note"}, self.found())
        self.supplier.action_erase_from_sync()
        self.assertEqual(self.found(), set())
        self.assertNotIn(NAME, self.backend.activity_ids.summary)

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
        # Nor managers who may not change contacts.
        manager = new_test_user(self.env, "manages", "pharmacy_sync.group_manager")
        self.assertFalse(self.supplier.with_user(manager).has_access("write"))
        with self.assertRaises(AccessError):
            self.supplier.with_user(manager).action_erase_from_sync()
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
