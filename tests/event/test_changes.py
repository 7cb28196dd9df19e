import re

from odoo.tests import tagged
from odoo.tools import SQL

from ...core.event.feed import Position
from ...core.exceptions import InvalidDataError
from ...models.event import feed
from ..common import SyncCase

# Stamps of what was committed long ago, and of what a test writes: that is in the
# test's transaction, which has not ended.
LONG_AGO, NOW = 100, 10**9


@tagged("post_install", "-at_install")
class TestChanges(SyncCase):
    """The pharmacy app asks what changed in Odoo, and misses nothing.

    That a late commit is not skipped is shown with real transactions, in
    ``tests/system/test_late_commit.py``.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.api = cls.env["sync.api"].with_user(cls.api_user)
        cls.stream = cls.backend.stream_ids.filtered(
            lambda stream: stream.entity == "purchase_order"
        )

    def setUp(self):
        super().setUp()
        self.env.cr.execute("SELECT setval('sync_event_stamp', %s)", [NOW])
        self.env["purchase.order"].search([]).button_cancel()
        self.env["purchase.order"].search([]).unlink()
        self.env.cr.flush()
        self.env.cr.execute("DELETE FROM sync_event")
        self.orders = self.env["purchase.order"].concat(
            *(self.make_order() for __ in range(5))
        )
        self.push()
        self.stamp = LONG_AGO
        self.commit()
        self.place = str(Position(self.stamp, 2**31))

    def commit(self, *events):
        """As if the events written so far had been committed long ago."""
        self.env.flush_all()
        self.env.cr.flush()
        self.stamp += 1
        self.env.cr.execute(
            "UPDATE sync_event SET stamp = %s WHERE stamp >= %s", [self.stamp, NOW]
        )

    def edit(self, order, **values):
        order.write(values)
        self.commit()

    def ask(self, cursor=None, limit=100, entity="purchase_order"):
        answer = self.api.changes(entity, cursor, limit)
        self.assertTrue(answer["success"], answer)
        return answer

    def read_all(self, cursor, limit):
        """All pages: ``(ids in order, cursor)``."""
        ids = []
        while True:
            page = self.ask(cursor, limit)
            ids += [change["odoo_id"] for change in page["changes"]]
            cursor = page["next_cursor"]
            if not page["has_more"]:
                return ids, cursor

    def test_change_is_reported_with_the_latest_values(self):
        self.edit(self.orders[0], origin="first")
        self.edit(self.orders[0], origin="last")
        (change,) = self.ask(self.place)["changes"]
        mapping = self.mapping(self.orders[0])
        self.assertEqual(change["odoo_id"], self.orders[0].id)
        self.assertEqual(change["id"], mapping.external_id)
        self.assertEqual(change["external_ref"], mapping.key)
        self.assertEqual(change["version"], mapping.version)
        self.assertEqual(change["data"]["reference"], "last")
        self.assertEqual(len(change["data"]["lines"]), 3)
        self.assertFalse(change["deleted"])
        event = self.env["sync.event"].search([("type", "=", "order_updated")], limit=1)
        self.assertEqual(change["correlation_id"], event.correlation_id)

    def test_pages_say_each_change_once_in_order(self):
        for order in self.orders:
            self.edit(order, origin="changed")
        ids, cursor = self.read_all(self.place, limit=2)
        self.assertEqual(ids, self.orders.ids)
        self.assertEqual(self.read_all(cursor, limit=2), ([], cursor))
        whole = self.ask(self.place, limit=5)
        self.assertEqual((len(whole["changes"]), whole["has_more"]), (5, False))

    def test_what_changed_twice_in_a_page_is_where_it_changed_last(self):
        first, second = self.orders[:2]
        for order, origin in ((first, "1"), (second, "2"), (first, "3")):
            self.edit(order, origin=origin)
        found = [change["odoo_id"] for change in self.ask(self.place)["changes"]]
        self.assertEqual(found, [second.id, first.id])

    def test_what_the_app_does_not_have_yet_has_no_id_and_no_version(self):
        order = self.make_order()
        self.commit()
        (change,) = self.ask(self.place)["changes"]
        self.assertEqual(change["odoo_id"], order.id)
        self.assertFalse(change["id"] or change["external_ref"] or change["deleted"])
        self.assertEqual(change["version"], 0)
        self.assertEqual(change["data"]["reference"], order.name)

    def test_what_the_app_never_heard_of_is_not_reported(self):
        """It was to be sent when it was made; since then only what is linked is."""
        self.make_order()
        self.edit(self.orders[0], origin="linked")
        self.stream.rule = "linked"
        (change,) = self.ask(self.place)["changes"]
        self.assertEqual(change["odoo_id"], self.orders[0].id)

    def test_what_was_deleted_there_is_reported_without_its_values(self):
        self.edit(self.orders[0], origin="still here")
        self.mapping(self.orders[0]).deleted = True
        (change,) = self.ask(self.place)["changes"]
        self.assertEqual((change["deleted"], change["data"]), (True, {}))

    def test_the_very_first_record_and_event_of_a_database_are_not_left_out(self):
        company = self.env.ref("base.main_partner")
        self.assertEqual(company.id, 1)
        company.write({"is_company": True, "supplier_rank": 1})
        first = self.api.changes("supplier")
        self.assertIn(1, [change["odoo_id"] for change in first["changes"]])
        self.env.cr.flush()
        begun = Position.parse(first["next_cursor"])
        self.env.cr.execute(
            """UPDATE sync_event SET id = 1, stamp = %s WHERE id = (
                   SELECT max(id) FROM sync_event WHERE res_model = 'res.partner')""",
            [begun.stamp],
        )
        # Its writer has ended.
        self.patch(feed, "WRITING", SQL("SELECT NULL::bigint"))
        changes = self.api.changes("supplier", str(begun))["changes"]
        self.assertEqual([change["odoo_id"] for change in changes], [1])

    def test_first_without_a_cursor_all_records_then_what_changed_since(self):
        first = self.ask(limit=2)
        self.assertEqual(
            [change["odoo_id"] for change in first["changes"]], self.orders[:2].ids
        )
        ids, cursor = self.read_all(first["next_cursor"], limit=2)
        self.assertEqual(ids, self.orders[2:].ids)
        whole = self.ask(limit=5)
        self.assertEqual((len(whole["changes"]), whole["has_more"]), (5, False))
        # A change made while the first pages were read comes after them.
        self.assertGreaterEqual(
            self.env["sync.event"]._next_stamp(), Position.parse(cursor).stamp
        )

    def test_change_of_a_transaction_that_has_not_ended_is_not_reported(self):
        quiet = self.ask(self.place)
        self.assertEqual((quiet["held_back"], quiet["waiting_seconds"]), (0, 0))
        # Lower than any so far: it is the very stamp up to which nothing is held back.
        self.env.cr.execute("SELECT setval('sync_event_stamp', %s)", [NOW - 1000])
        self.orders[0].origin = "not yet"
        self.env.cr.flush()
        page = self.ask(self.place)
        self.assertFalse(page["changes"])
        self.assertEqual(page["held_back"], 1)
        waited = page["waiting_seconds"]
        self.assertTrue(0 < waited < 3600, waited)
        self.assertEqual(waited, round(waited, 3), "in milliseconds")
        self.assertEqual(page["next_cursor"], self.place)

    def test_a_change_is_reported_as_soon_as_its_writer_has_ended(self):
        self.patch(feed, "WRITING", SQL("SELECT NULL::bigint"))
        self.orders[0].origin = "ended"
        self.env.cr.flush()
        page = self.ask(self.place)
        self.assertEqual(page["changes"][-1]["odoo_id"], self.orders[0].id)
        self.assertEqual(page["held_back"], 0)

    def test_order_is_by_transaction_not_by_number(self):
        early, late = self.orders[:2]
        self.edit(early, origin="numbered first")
        self.edit(late, origin="numbered second")
        # The transaction that wrote the first event began, and ended, after the other.
        self.env.cr.execute(
            "UPDATE sync_event SET stamp = %s WHERE type = 'order_updated' "
            "AND res_id = %s",
            [self.stamp + 1, early.id],
        )
        page = self.ask(self.place, limit=1)
        self.assertEqual(page["changes"][0]["odoo_id"], late.id)
        page = self.ask(page["next_cursor"], limit=1)
        self.assertEqual(page["changes"][0]["odoo_id"], early.id)

    def test_deleted_record_is_reported_as_such(self):
        gone = self.orders[0]
        gone_id, external_id = gone.id, self.mapping(gone).external_id
        gone.button_cancel()
        gone.unlink()
        self.commit()
        (change,) = self.ask(self.place)["changes"]
        self.assertEqual(
            (change["odoo_id"], change["deleted"], change["data"]), (gone_id, True, {})
        )
        self.assertEqual(change["id"], external_id)

    def test_what_was_merely_carried_over_is_no_change(self):
        self.edit(self.orders[0], origin="changed")
        __, cursor = self.read_all(self.place, limit=100)
        self.push()
        self.commit()
        self.assertTrue(self.env["sync.event"].search([("type", "=", "order_synced")]))
        self.assertEqual(self.read_all(cursor, limit=100)[0], [])

    def test_foreign_cursor_is_refused(self):
        for cursor in ("x", "MS4x", str(Position(1, 2))[:-2] + "@@", 7, "MS4xLjIuMQ=="):
            answer = self.api.changes("purchase_order", cursor)
            self.assertEqual(answer["error"]["field"], "cursor", cursor)

    def test_a_cursor_of_another_entity_is_refused(self):
        """What lies before it there was never read here."""
        of_suppliers = self.api.changes("supplier", None, 1)["next_cursor"]
        answer = self.api.changes("purchase_order", of_suppliers)
        self.assertEqual(answer["error"]["field"], "cursor")
        self.assertTrue(self.api.changes("supplier", of_suppliers)["success"])

    def test_bad_limit_is_refused(self):
        for limit in (0, 501, "ten"):
            answer = self.api.changes("purchase_order", None, limit)
            self.assertEqual(answer["error"]["field"], "limit")

    def test_stream_that_only_flows_in_has_no_feed(self):
        self.stream.direction = "pull"
        answer = self.api.changes("purchase_order")
        self.assertEqual(answer["error"]["field"], "entity")

    def test_cursor_older_than_the_oldest_event_kept_is_refused(self):
        self.edit(self.orders[0], origin="reported in time")
        __, cursor = self.read_all(self.place, limit=100)
        self.edit(self.orders[1], origin="removed before it was reported")
        self.push()
        self.env["sync.event"]._gc_events()
        self.assertFalse(self.stream.feed_floor, "what is of today is kept")
        self.env.cr.execute(
            "UPDATE sync_event SET write_date = write_date - interval '8 days'"
        )
        self.env["sync.event"]._gc_events()
        answer = self.api.changes("purchase_order", cursor)
        self.assertEqual(answer["error"]["field"], "cursor")
        # One that has read just up to there has missed nothing.
        floor = Position.parse(self.stream.feed_floor)
        self.ask(str(Position(floor.stamp, floor.id, None, self.stream.id)))
        # Reported to begin again, it gets everything.
        self.assertEqual(self.read_all(None, limit=2)[0], self.orders.ids)

    def test_quiet_feed_reads_no_old_event(self):
        read = NOW // 2
        self.env.cr.execute(
            """INSERT INTO sync_event (type, backend_id, stream_id, res_model, res_id,
                                       correlation_id, state, stamp)
               SELECT 'order_updated', %s, %s, 'purchase.order', 1, 'c', 'done',
                      %s::bigint * n / 20000
                 FROM generate_series(1, 20000) AS n""",
            [self.backend.id, self.stream.id, read],
        )
        self.env.cr.execute("ANALYZE sync_event")
        cursor = str(Position(read + 1, 0))
        self.env.cr.execute("SELECT pg_stat_force_next_flush()")
        queries = []
        execute = type(self.env.cr).execute

        def explain(cr, query, params=None, log_exceptions=True):
            execute(cr, query, params, log_exceptions)
            queries.append(cr._obj.query.decode())

        self.patch(type(self.env.cr), "execute", explain)
        self.ask(cursor)
        self.patch(type(self.env.cr), "execute", execute)
        reading = [q for q in queries if re.search(r"FROM sync_event\s", q)]
        self.assertEqual(len(reading), 2)
        for query in reading:
            self.env.cr.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}")
            plan = self.env.cr.fetchone()[0][0]["Plan"]
            buffers = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            self.assertLess(buffers, 20, plan)

    def test_cursor_survives_as_text(self):
        for position in (Position(5, 7), Position(2**60, 0, 0), Position(1, 2, 3)):
            self.assertEqual(Position.parse(str(position)), position)
        with self.assertRaises(InvalidDataError):
            Position.parse("")
