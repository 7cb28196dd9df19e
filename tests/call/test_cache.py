from zlib import crc32

import psycopg2

from odoo.exceptions import AccessError
from odoo.sql_db import db_connect
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ...core.exceptions import InvalidDataError
from ...models.base.locks import LOOKUPS
from ...models.call import lookup, sync_breaker, sync_cache, sync_cache_use
from ..common import SyncCase, refuse


@tagged("post_install", "-at_install")
class TestCache(SyncCase):
    """Reads of suppliers and products: near first, and something true when the app is
    down, which says how old it is."""

    def setUp(self):
        super().setUp()
        sync_cache.memory.forget(lambda key: True)
        self.addCleanup(sync_cache.memory.forget, lambda key: True)
        self.order = self.make_order()
        self.push()
        self.external_id = self.mapping(self.supplier).external_id
        self.app.call("DELETE", "/admin/requests")

    def look(self, external_id=None):
        self.env.flush_all()
        found = self.backend._lookup("supplier", external_id or self.external_id)
        self.env.invalidate_all()
        return found

    def forget_memory(self):
        """What happens by itself after two seconds, or in another process."""
        sync_cache.memory.forget(lambda key: True)

    def grow_old(self, seconds):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sync_cache SET fetched_at = fetched_at - make_interval(secs => %s)",
            [seconds],
        )
        self.forget_memory()

    def entries(self):
        return self.env["sync.cache"].search([("backend_id", "=", self.backend.id)])

    def take_app_away(self):
        self.move_app("http://127.0.0.1:9")

    def failure(self, external_id=None):
        # Not by assertRaises, which sets the database back.
        try:
            return self.look(external_id)
        except Exception as exc:  # noqa: BLE001 - what it is, is what is asked for
            return self.env["sync.error"]._classify(exc)

    # -- Near first -------------------------------------------------------------------

    def test_first_the_app_then_memory_then_the_table(self):
        found = [self.look(), self.look()]
        self.forget_memory()
        found.append(self.look())
        self.assertEqual([each.source for each in found], ["app", "memory", "cache"])
        for each in found:
            self.assertTrue(0 <= each.age < 30, each)
        self.assertEqual(len(self.app.requests()), 1)

    def test_it_says_what_the_app_has(self):
        found = self.look()
        self.assertEqual(found.value["name"], "Veterinaria Alba")
        self.assertEqual(found.value["id"], self.external_id)
        self.assertEqual(found.version, 1)
        self.assertLess(found.age, 5)
        self.assertFalse(found.stale)

    def test_old_value_is_asked_for_again(self):
        self.look()
        self.app.edit("suppliers", self.external_id, phone="+34 600")
        self.grow_old(301)
        found = self.look()
        self.assertEqual((found.source, found.value["phone"]), ("app", "+34 600"))

    def test_value_of_a_clock_that_was_ahead_is_as_old_as_that_is_far(self):
        self.look()
        self.grow_old(-301)
        self.assertEqual(self.look().source, "app")
        self.grow_old(-301)
        self.assertFalse(self.entries().fresh)

    def test_who_was_given_a_value_cannot_change_it_for_others(self):
        self.look().value["name"] = "Mallory"
        self.assertEqual(self.look().value["name"], "Veterinaria Alba")

    # -- The app fails ----------------------------------------------------------------

    def test_stale_value_serves_and_says_its_age(self):
        self.look()
        self.grow_old(4000)
        self.take_app_away()
        found = self.look()
        self.assertEqual((found.source, found.stale), ("stale", True))
        self.assertAlmostEqual(found.age, 4000, delta=10)
        error = self.env["sync.error"].search([("backend_id", "=", self.backend.id)])
        self.assertEqual(error.type, "connection_refused")

    def test_after_a_day_it_is_what_odoo_has(self):
        self.look()
        self.grow_old(86401)
        self.take_app_away()
        found = self.look()
        self.assertEqual((found.source, found.stale, found.age), ("odoo", True, None))
        self.assertEqual(found.value["vat"], "ESB12345674")

    def test_no_supplier_is_invented(self):
        self.take_app_away()
        self.assertEqual(self.failure("sup_nobody").type, "connection_refused")

    def test_that_nothing_serves_is_an_error_once_for_a_list(self):
        self.take_app_away()
        found = self.backend._lookup_each("supplier", ["sup_a", "sup_b"])
        self.assertTrue(all(isinstance(each, Exception) for each in found.values()))
        errors = self.env["sync.error"].search([("backend_id", "=", self.backend.id)])
        self.assertEqual(sorted(errors.mapped("work")), ["fallback", "lookup"])

    def test_unknown_supplier_is_not_found_even_if_it_was_cached(self):
        self.look()
        self.grow_old(301)
        self.app.call(
            "DELETE",
            f"/api/v1/suppliers/{self.external_id}",
            headers={"If-Match": "*"},
        )
        self.assertEqual(self.failure().type, "resource_not_found")
        self.assertFalse(self.entries())
        self.assertEqual(self.failure("sup_nobody").type, "resource_not_found")

    def test_open_breaker_and_pause_are_not_asked_through(self):
        self.look()
        self.grow_old(301)
        self.backend._breaker("pull")._set_mode("forced_open", "test")
        sync_breaker._read.clear()
        self.addCleanup(sync_breaker._read.clear)
        self.app.call("DELETE", "/admin/requests")
        self.assertEqual(self.look().source, "stale")
        self.backend._breaker("pull")._set_mode("normal", "test")
        sync_breaker._read.clear()
        self.backend.paused = True
        self.assertEqual(self.look().source, "stale")
        self.assertFalse(self.app.requests())
        # That is no failure of the app.
        errors = self.env["sync.error"].search([("backend_id", "=", self.backend.id)])
        self.assertFalse(errors)

    def test_app_that_is_down_is_asked_once_for_a_list(self):
        ids = [self.mapping(product).external_id for product in self.products]
        self.take_app_away()
        found = self.backend._lookup_each("product", ids)
        self.assertEqual({each.source for each in found.values()}, {"odoo"})
        calls = self.env["sync.call"].search([("backend_id", "=", self.backend.id)])
        self.assertEqual(len(calls.filtered(lambda c: c.operation == "pull")), 1)

    # -- The cache fails --------------------------------------------------------------

    @mute_logger("odoo.sql_db")
    @mute_logger("odoo.sql_db")
    def test_who_waits_too_long_for_another_who_asks_gets_what_is_near(self):
        self.patch(lookup, "PATIENCE", 0.05)
        name = f"{self.backend.id}/supplier/{self.external_id}"
        with db_connect(self.env.cr.dbname).cursor() as other:
            lock = [LOOKUPS, crc32(name.encode()) - 2**31]
            other.execute("SELECT pg_advisory_lock(%s, %s)", lock)
            found = self.look()
            other.execute("SELECT pg_advisory_unlock(%s, %s)", lock)
        self.assertEqual((found.source, found.stale), ("odoo", True))
        self.assertFalse(self.app.requests())
        error = self.env["sync.error"].search([("backend_id", "=", self.backend.id)])
        self.assertEqual(error.type, "network_timeout")
        self.assertIn("within 0.05 seconds", error.message)
        self.assertEqual(self.look().source, "app")

    def test_cache_that_cannot_be_used_discards_nothing(self):
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE sync_cache RENAME TO sync_cache_away")
        found = self.look()
        self.assertEqual((found.source, found.value["vat"]), ("app", "ESB12345674"))
        errors = self.env["sync.error"].search([("backend_id", "=", self.backend.id)])
        self.assertEqual(set(errors.mapped("type")), {"cache_unavailable"})
        # What arrives is applied all the same.
        self.app.edit("suppliers", self.external_id, phone="+34 600")
        with self.assertLogs(sync_cache.__name__, "WARNING") as logs:
            self.pull()
        self.assertIn("The cache cannot be written", logs.output[0])
        self.assertEqual(self.supplier.phone, "+34 600")
        self.env.cr.execute("ALTER TABLE sync_cache_away RENAME TO sync_cache")

    def test_a_conflict_with_another_transaction_is_no_failure_of_the_cache(self):
        """Its caller is replayed as a whole."""
        self.look()
        refuse(self.env, "DELETE", "sync_cache", "40001")
        with self.assertRaises(psycopg2.errors.SerializationFailure):
            self.entries().action_clear()

    @mute_logger("odoo.sql_db")
    def test_look_ups_that_cannot_be_counted_are_answered(self):
        sync_cache_use._counted.clear()
        self.patch(sync_cache_use, "INTERVAL", 0.0)
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE sync_cache_use RENAME TO sync_cache_use_away")
        with self.assertLogs(sync_cache_use.__name__, "WARNING") as logs:
            self.assertEqual(self.look().source, "app")
        self.assertIn("could not be counted", logs.output[0])
        self.env.cr.execute("ALTER TABLE sync_cache_use_away RENAME TO sync_cache_use")

    def test_use_is_written_every_ten_seconds(self):
        sync_cache_use._counted.clear()
        sync_cache_use._written.clear()
        own = [("backend_id", "=", self.backend.id)]
        counts = []
        for interval in (10.0, 10.0, 0.0):
            self.patch(sync_cache_use, "INTERVAL", interval)
            self.look()
            uses = self.env["sync.cache.use"].search(own)
            counts.append(sum(uses.mapped("count")))
        self.assertEqual(counts, [1, 1, 3])

    def test_what_is_forgotten_is_forgotten_in_memory_as_well(self):
        """Now, and once more when it is committed; and nothing else is."""
        database, own, other = self.env.cr.dbname, self.backend.id, self.backend.id + 1
        places = [
            (database, own, "supplier", "x"),
            (database, own, "supplier", "y"),
            (database, own, "product", "x"),
            (database, other, "supplier", "x"),
            ("another database", own, "supplier", "x"),
        ]
        memory, backend = sync_cache.memory, self.backend
        for entity, keys, of, gone in (
            ("supplier", ["x"], backend, places[:1]),
            ("supplier", None, backend, places[:2]),
            (None, None, backend, places[:3]),
            (None, None, backend.browse(), places[:4]),
        ):
            for place in places:
                memory.put(place, place)
            self.env["sync.cache"]._forget(of, entity, keys)
            left = [place for place in places if memory.get(place)]
            self.assertEqual(left, [place for place in places if place not in gone])
            for place in gone:
                memory.put(place, place)
            self.env.cr.postcommit.run()
            left = [place for place in places if memory.get(place)]
            self.assertEqual(left, [place for place in places if place not in gone])

    def test_the_call_has_the_correlation_id_that_was_given(self):
        self.backend._lookup_each("supplier", [self.external_id], "trace-9")
        call = self.env["sync.call"].search([("correlation_id", "=", "trace-9")])
        self.assertEqual(call.operation, "pull")

    # -- Writes -----------------------------------------------------------------------

    def test_what_arrives_refreshes_it(self):
        self.look()
        self.app.edit("suppliers", self.external_id, phone="+34 600")
        self.pull()
        self.app.call("DELETE", "/admin/requests")
        found = self.look()
        self.assertEqual((found.source, found.value["phone"]), ("cache", "+34 600"))
        self.assertEqual(found.version, 2)
        self.assertFalse(self.app.requests())

    def test_its_echo_leaves_it_fresh(self):
        self.look()
        self.app.edit("suppliers", self.external_id, phone="+34 600")
        self.pull()
        # The change that the arrival made in Odoo goes to everybody, as any other.
        pending = [("state", "=", "pending"), ("type", "=", "supplier_updated")]
        echo = self.env["sync.event"].search(pending)
        self.assertEqual(echo.mapped("res_id"), self.supplier.ids)
        self.env["sync.event"]._deliver(self.backend)
        self.app.call("DELETE", "/admin/requests")
        found = self.look()
        self.assertEqual((found.source, found.value["phone"]), ("cache", "+34 600"))
        self.assertFalse(self.app.requests())

    def test_arrival_of_a_few_fields_or_a_deletion_forgets_it(self):
        self.look()
        api = self.env["sync.api"].with_user(self.api_user)
        record = {"id": self.external_id, "version": 2, "phone": "+34 600"}
        self.assertTrue(api.push("supplier", [record])["success"])
        self.assertFalse(self.entries())

    def test_edit_in_odoo_forgets_it_and_so_does_its_push(self):
        self.look()
        self.supplier.phone = "+34 700"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        self.assertFalse(self.entries())
        self.look()
        self.push()
        self.assertFalse(self.entries())
        self.assertEqual(self.look().value["phone"], "+34 700")

    def test_late_answer_does_not_overwrite_what_is_newer(self):
        self.look()
        old = self.entries()._read_entries(
            self.backend, "supplier", [self.external_id]
        )[self.external_id]
        self.app.edit("suppliers", self.external_id, phone="+34 600")
        self.pull()
        self.env["sync.cache"]._store(self.backend, "supplier", self.external_id, old)
        self.assertEqual(self.look().value["phone"], "+34 600")
        self.entries().action_clear()
        self.env["sync.cache"]._store(self.backend, "supplier", self.external_id, old)
        self.assertFalse(self.entries())

    # -- People and API ---------------------------------------------------------------

    def test_its_page_says_how_old_it_is(self):
        self.look()
        entry = self.entries()
        self.assertTrue(entry.fresh)
        self.assertLess(entry.age, 30)
        self.grow_old(400)
        self.env.invalidate_all()
        self.assertFalse(entry.fresh)
        self.assertAlmostEqual(entry.age, 400, delta=30)

    def test_operator_clears_it(self):
        self.look()
        operator = new_test_user(self.env, "op", "pharmacy_sync.group_operator")
        self.backend.with_user(operator).action_clear_cache()
        self.assertFalse(self.entries())
        self.assertEqual(self.look().source, "app")

    def test_who_is_no_operator_may_not_clear_it(self):
        self.look()
        user = new_test_user(self.env, "looker", "pharmacy_sync.group_user")
        company = self.env["res.company"].create({"name": "Other"})
        group = "pharmacy_sync.group_operator"
        stranger = self.env["res.users"].browse(
            self.make_user("operator of another company", group, company)
        )
        for clear in (
            self.backend.with_user(user).action_clear_cache,
            self.entries().with_user(user).action_clear,
            self.backend.with_user(stranger).action_clear_cache,
        ):
            with self.assertRaises(AccessError):
                clear()
        self.assertTrue(self.entries())

    def test_use_is_counted(self):
        sync_cache_use._counted.clear()
        sync_cache_use._written.clear()
        self.patch(sync_cache_use, "INTERVAL", 0.0)
        for __ in range(3):
            self.look()
        uses = self.env["sync.cache.use"].search([("backend_id", "=", self.backend.id)])
        counts = {use.source: use.count for use in uses}
        self.assertEqual(counts, {"app": 1, "memory": 2})

    def test_over_rpc_each_has_its_answer(self):
        self.env.flush_all()
        api = self.env["sync.api"].with_user(self.api_user)
        answer = api.lookup("supplier", [self.external_id, "sup_nobody"])
        good, bad = answer["results"]
        self.assertFalse(answer["success"])
        self.assertEqual((good["source"], good["stale"]), ("app", False))
        self.assertEqual(good["value"]["name"], "Veterinaria Alba")
        self.assertEqual(bad["error"]["type"], "resource_not_found")
        self.take_app_away()
        self.grow_old(500)
        (stale,) = api.lookup("supplier", [self.external_id])["results"]
        self.assertEqual((stale["source"], stale["stale"]), ("stale", True))
        self.assertGreater(stale["age"], 499)

    def test_what_is_no_list_of_known_things_is_refused(self):
        api = self.env["sync.api"].with_user(self.api_user)
        for entity, ids in (
            ("supplier", "sup_1"),
            ("supplier", [1]),
            ("supplier", ["x"] * 51),
            ("purchase_order", ["po_1"]),
            ("nothing", ["x"]),
        ):
            answer = api.lookup(entity, ids)
            self.assertEqual(answer["error"]["type"], "data_validation_failed")
        with self.assertRaises(InvalidDataError):
            self.backend._lookup("purchase_order", "po_1")
