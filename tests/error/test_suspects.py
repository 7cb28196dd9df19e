from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg2

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged
from odoo.tools import config, mute_logger

from ...core.exceptions import SuspectedError, WorkerDiedError
from ...core.exchange.mapping_state import first_agreed
from ...models.base.sync_config import LONGEST, shift
from ...models.error import sync_marker
from ...models.error.sync_suspect import in_key, parts
from ..common import ConcurrencyCase

KEYS = ["out res.partner 1", "out res.partner 2"]


@tagged("post_install", "-at_install")
class TestSuspects(ConcurrencyCase):
    """What a transaction has in hand is suspected if it is cut off, and only then."""

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            values = {"name": "Suspects", "url": "http://suspects.invalid"}
            self.backend_id = self.env(cr)["sync.backend"].create(values).id
        self.addCleanup(self.remove)

    def remove(self):
        with self.registry.cursor() as cr:
            self.backend(cr).unlink()

    def env(self, cr):
        return api.Environment(cr, SUPERUSER_ID, {})

    def backend(self, cr):
        return self.env(cr)["sync.backend"].browse(self.backend_id)

    def begin(self, cr, keys=tuple(KEYS)):
        return self.env(cr)["sync.marker"]._begin(self.backend(cr), keys, "push")

    def cut_off(self, keys=tuple(KEYS)):
        """A transaction whose worker dies."""
        cr = self.registry.cursor()
        self.begin(cr, keys)
        pid = cr.connection.info.backend_pid
        with self.registry.cursor() as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        with suppress(psycopg2.Error), mute_logger("odoo.sql_db"):
            cr.close()

    def suspects(self):
        with self.registry.cursor() as cr:
            env = self.env(cr)
            env["sync.marker"]._take_stock(self.backend(cr))
            found = env["sync.suspect"].search([("backend_id", "=", self.backend_id)])
            return {suspect.key: suspect.deaths for suspect in found}

    def markers(self):
        with self.registry.cursor() as cr:
            domain = [("backend_id", "=", self.backend_id)]
            return self.env(cr)["sync.marker"].search_count(domain)

    def test_work_that_is_under_way(self):
        with self.registry.cursor() as cr:
            self.assertEqual(self.begin(cr), set())
            self.assertEqual(self.suspects(), {})

    def test_work_that_was_committed(self):
        with self.registry.cursor() as cr:
            self.begin(cr)
        self.assertEqual(self.suspects(), {})
        self.assertEqual(self.markers(), 0)

    def test_work_that_failed_in_good_order(self):
        with self.registry.cursor() as cr:
            self.begin(cr)
            cr.rollback()
            self.assertEqual(self.markers(), 0)
        self.assertEqual(self.suspects(), {})

    def test_work_that_has_just_failed(self):
        """Refused by PostgreSQL, and not yet rolled back by its worker, which lives."""
        with self.registry.cursor() as cr:
            self.begin(cr)
            with suppress(psycopg2.Error), mute_logger("odoo.sql_db"):
                cr.execute("SELECT 1/0")
            self.assertEqual(self.suspects(), {})
            cr.rollback()
        self.assertEqual(self.markers(), 0)

    def test_workers_that_take_stock_at_once(self):
        """What others have done meanwhile is seen, several times in one transaction."""

        def work(number):
            for turn in range(30):
                with self.registry.cursor() as cr:
                    self.begin(cr, [f"out res.partner {number} {turn}"])
                with self.registry.cursor() as cr:
                    cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
                    self.backend(cr)._has_suspects()

        with self.assertNoLogs("odoo.sql_db", "ERROR"), ThreadPoolExecutor(6) as pool:
            list(pool.map(work, range(6)))
        self.assertEqual(self.suspects(), {})
        self.assertEqual(self.markers(), 0)

    def test_work_whose_worker_died(self):
        self.cut_off()
        with self.assertLogs(sync_marker.__name__, "WARNING") as logs:
            self.assertEqual(self.suspects(), dict.fromkeys(KEYS, 0))
        self.assertIn(f"2 records in hand (push), among them {KEYS[0]}", logs.output[0])
        with self.registry.cursor() as cr:
            new = "out res.partner 3"
            self.assertEqual(self.begin(cr, [*KEYS, new]), set(KEYS))
        self.cut_off([new])
        self.assertEqual(self.suspects()[new], 1, "nothing else was in hand")

    def apply_alone(self, cr, *names):
        """As a saga, a repair and a link by hand do it."""
        stream = self.backend(cr).stream_ids.filtered(lambda s: s.entity == "supplier")
        for name in names:
            record = {"id": name, "version": 1, "name": name}
            (arrival,) = stream._apply([record], "correlation", True)
        return arrival

    def die_alone(self, *names):
        cr = self.registry.cursor()
        self.apply_alone(cr, *names)
        pid = cr.connection.info.backend_pid
        with self.registry.cursor() as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        with suppress(psycopg2.Error), mute_logger("odoo.sql_db"):
            cr.close()

    def test_death_is_counted_whatever_road_brought_the_record(self):
        for deaths in (1, 2):
            self.die_alone("su_1")
            self.assertEqual(self.suspects(), {"in supplier su_1": deaths})
        with self.registry.cursor() as cr:
            arrival = self.apply_alone(cr, "su_1")
            self.assertEqual(arrival.outcome, "failed")
            self.assertIsInstance(arrival.error, WorkerDiedError)
            self.assertIn("su_1", arrival.error.record)
            cr.rollback()
        self.assertEqual(
            self.suspects(), {"in supplier su_1": 1}, "it may be tried once more"
        )

    def test_record_that_its_worker_survives(self):
        self.die_alone("su_1")
        self.suspects()
        with self.registry.cursor() as cr:
            self.assertEqual(self.apply_alone(cr, "su_1").outcome, "created")
            cr.flush()
            found = self.env(cr)["sync.suspect"].search(
                [("backend_id", "=", self.backend_id)]
            )
            self.assertFalse(found)
            cr.rollback()

    def test_record_that_says_nothing_new_is_not_marked(self):
        """It is not touched, and costs no transaction of its own."""
        with self.registry.cursor() as cr:
            env, backend = self.env(cr), self.backend(cr)
            stream = backend.stream_ids.filtered(lambda s: s.entity == "supplier")
            known = env.ref("base.main_partner").id
            base = first_agreed({"name": "Known"}, {"name": "Known"})
            row = {"res_id": known, "external_id": "su_9", "version": 1, "base": base}
            env["sync.mapping"]._insert(stream, [row])
        with self.registry.cursor() as cr:
            stream = self.backend(cr).stream_ids.browse(stream.id)
            record = {"id": "su_9", "version": 2, "name": "Known"}
            (arrival,) = stream._apply([record], "correlation")
            self.assertEqual(arrival.outcome, "unchanged")
            self.assertEqual(arrival.mapping.version, 2)
            self.assertEqual(self.markers(), 0)
            stream._apply([record, {**record, "id": "su_10"}], "correlation")
            self.assertEqual(self.markers(), 1)
            cr.rollback()

    def test_suspected_record_that_says_nothing_new(self):
        """Nothing of it is touched: it is not held up."""
        self.test_record_that_says_nothing_new_is_not_marked()
        self.cut_off(["in supplier su_9"])
        with self.registry.cursor() as cr:
            backend = self.backend(cr)
            stream = backend.stream_ids.filtered(lambda s: s.entity == "supplier")
            record = {"id": "su_9", "version": 3, "name": "Known"}
            for suspected in (False, True):
                (arrival,) = stream._apply([record], "correlation", suspected)
                self.assertEqual((arrival.outcome, arrival.error), ("unchanged", None))
            (arrival,) = stream._apply([{**record, "name": "New"}], "correlation")
            self.assertIsInstance(arrival.error, SuspectedError)
            cr.rollback()

    def test_an_id_of_the_pharmacy_may_have_blanks(self):
        self.assertEqual(
            parts(in_key("supplier", "a b c")), ("in", "supplier", "a b c")
        )

    def test_only_the_last_of_several_is_blamed(self):
        self.die_alone("su_1", "su_2", "su_3")
        self.assertEqual(self.suspects(), {"in supplier su_3": 1})

    def test_job_ends_long_before_the_server_ends_it(self):
        for name in ("limit_time_real", "limit_time_real_cron"):
            self.addCleanup(config.__setitem__, name, config[name])
        for real, cron, longest in (
            (120, -1, 30),
            (900, 40, 10),
            (0, 0, LONGEST),
            (None, -1, LONGEST),
        ):
            config["limit_time_real"], config["limit_time_real_cron"] = real, cron
            self.assertAlmostEqual(shift().remaining(), longest, delta=1)
        self.assertAlmostEqual(shift(5).remaining(), 5, delta=1)
