"""The reference pharmacy app as a process, and Odoo connected to it."""

import base64
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from importlib import util
from pathlib import Path

import requests

from odoo import Command
from odoo.modules.registry import Registry
from odoo.sql_db import db_connect
from odoo.tests import BaseCase, TransactionCase, get_db_name, new_test_user
from odoo.tools import mute_logger

from ..models.call import sync_breaker
from ..models.error.sync_suspect import in_key, out_key
from ..models.event import sync_event_delivery
from ..models.operation import outcome
from ..models.saga import saga_work

ROOT = Path(__file__).resolve().parent.parent
KEY = "test-key"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TIMEOUT = 30
API = "pharmacy_sync.group_api"


def run_migration(cr, script):
    """Run one of the scripts in ``migrations/``, as an update does."""
    spec = util.spec_from_file_location("update", ROOT / "migrations" / script)
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.migrate(cr, "19.0.1.0.0")


def refuse(env, event, table, state):
    """Have PostgreSQL refuse to do something with the rows of a table.

    :param event: ``INSERT``, ``UPDATE`` or ``DELETE``
    :param state: SQLSTATE that it fails with
    """
    env.flush_all()
    statement = f"""CREATE FUNCTION refuse() RETURNS trigger AS $$
                    BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{state}'; END
                    $$ LANGUAGE plpgsql;
                    CREATE TRIGGER refuse BEFORE {event} ON {table}
                    FOR EACH ROW EXECUTE FUNCTION refuse()"""
    env.cr.execute(statement)


class LongestWait:
    """Instead of a random number: the longest delay that the policy allows."""

    @staticmethod
    def uniform(shortest, longest):
        return longest


class PharmacyApp:
    """The reference app: its own process, its own SQLite file.

    :param script: what is run in its place, which has fields or collections more
    """

    def __init__(self, script=None):
        self._folder = tempfile.mkdtemp(prefix="pharmacy-app-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {KEY}"
        self._method = "bearer"
        self._command = json.loads(
            os.environ.get("PHARMACY_SYNC_APP_COMMAND")
            or json.dumps([sys.executable, "-m", "pharmacy_app"])
        )
        if script:
            self._command[-2:] = [str(ROOT / script)]
        self._command += [
            *("--port", str(port), "--database", self._file()),
            *("--log-file", f"{self._folder}/app.log"),
        ]
        self._start()

    def _file(self, name="app"):
        return f"{self._folder}/{name}.sqlite"

    def _start(self):
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env={**os.environ, "PHARMACY_API_KEY": KEY, "PYTHONPATH": str(ROOT)},
        )
        self._wait()

    def stop(self):
        self._process.kill()
        self._process.wait()

    def back_up(self):
        """Copy the file away as it is now."""
        copy = self._file("copy")
        Path(copy).unlink(missing_ok=True)
        with closing(sqlite3.connect(self._file())) as db:
            db.execute("VACUUM INTO ?", (copy,))

    def restore(self):
        """Set the file back to the copy, and start again."""
        self.stop()
        for name in ("app.sqlite-wal", "app.sqlite-shm"):
            Path(self._folder, name).unlink(missing_ok=True)
        shutil.copyfile(self._file("copy"), self._file())
        self._start()

    def _wait(self):
        limit = time.monotonic() + TIMEOUT
        while True:
            try:
                return self.call("GET", "/api/v1/health")
            except requests.ConnectionError:
                if time.monotonic() > limit or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    def call(self, method, path, **body):
        """One request, made by the test itself."""
        headers = {**self._known(path), **(body.pop("headers", None) or {})}
        response = self._session.request(
            method,
            self.url + path,
            json=body or None,
            headers=headers,
            timeout=TIMEOUT,
        )
        response.raise_for_status()
        return response.json() if response.content else None

    def ask_for(self, method, **settings):
        """Have the app ask another way who calls; the test goes on to be known."""
        self.call("POST", "/admin/settings", auth=method, **settings)
        self._method = method

    def _known(self, path):
        """Headers by which the app knows the test."""
        if self._method == "bearer" or not path.startswith("/api/"):
            return {}
        if self._method == "header":
            return {"X-Pharmacy-Key": KEY}
        if self._method == "basic":
            pair = base64.b64encode(f"odoo:{KEY}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        answer = self._session.post(
            f"{self.url}/oauth/token",
            data={
                "grant_type": "client_credentials",
                "client_id": "odoo",
                "client_secret": KEY,
            },
            headers={"X-Actor": "test"},
            timeout=TIMEOUT,
        )
        answer.raise_for_status()
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def add(self, collection, **values):
        return self.call("POST", f"/api/v1/{collection}", **values)

    def get(self, collection, external_id):
        return self.call("GET", f"/api/v1/{collection}/{external_id}")

    def edit(self, collection, external_id, **values):
        return self.call(
            "PATCH",
            f"/api/v1/{collection}/{external_id}",
            headers={"If-Match": "*"},
            **values,
        )

    def items(self, collection):
        return self.call("GET", f"/api/v1/{collection}?limit=500")["items"]

    def fault(self, kind, **rule):
        """Have the app fail; ``count`` and ``match`` say how often and where."""
        self.call("POST", "/admin/faults", seed=1, rules=[{"kind": kind, **rule}])

    def heal(self):
        self.call("DELETE", "/admin/faults")

    def refuse_records(self, code="unauthorized"):
        """Have the app refuse every record, each for itself; without a code: none."""
        self.call("POST", "/admin/settings", refuse_records=code)

    def requests(self):
        """The API requests that the app received."""
        return self.call("GET", "/admin/requests")["requests"]

    def reset(self):
        self.heal()
        self.ask_for("bearer", token_seconds=3600, forget_tokens=True)
        self.call("POST", "/admin/settings", ignore_idempotency_keys=False)
        self.call("POST", "/admin/reset")
        self.call("DELETE", "/admin/requests")


class SyncCase(TransactionCase):
    """Odoo with a backend that is connected to an empty pharmacy app.

    Transactions of the addon's own run on the test's cursor. Jobs are not run by
    themselves: :meth:`push` and :meth:`pull` do what the job runner would.
    """

    # What runs in place of the reference app, below the root.
    app_script = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Odoo ends a test class's child processes with the class.
        cls.app = PharmacyApp(cls.app_script)
        cls.addClassCleanup(cls.app.stop)
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True))
        cls.api_user = cls.env["res.users"].create(
            {
                "login": "pharmacy app",
                "name": "Pharmacy App",
                "group_ids": [
                    Command.set(cls.env.ref("pharmacy_sync.group_api").ids),
                ],
            }
        )
        cls.backend = cls.env["sync.backend"].create(
            {
                "name": "Test Pharmacy",
                "url": cls.app.url,
                "internal": True,
                "api_key": KEY,
                "webhook_secret": WEBHOOK_SECRET,
                "user_id": cls.api_user.id,
            }
        )
        cls.backend.stream_ids.batch_pause = 0
        cls.supplier = cls.env["res.partner"].create(
            {
                "name": "Veterinaria Alba",
                "vat": "ESB12345674",
                "is_company": True,
                "supplier_rank": 1,
            }
        )
        cls.products = cls.env["product.product"].create(
            [
                {
                    "name": f"Amoxicillin {strength} mg",
                    "default_code": f"AMX{strength}",
                    "barcode": f"84000000{strength:05}",
                    "standard_price": strength / 10,
                }
                for strength in (50, 250, 500)
            ]
        )

    @classmethod
    def second_backend(cls):
        """A backend of another company, with an app and an API user of its own.

        The app is ``other_app``, the company ``other_company``. What the API brings in
        may have the ids of the first backend's records: they are other records.
        """
        cls.other_app = PharmacyApp()
        cls.addClassCleanup(cls.other_app.stop)
        cls.other_company = cls.env["res.company"].create({"name": "Other Clinic"})
        backend = cls.env["sync.backend"].create(
            {
                "name": "Other Pharmacy",
                "company_id": cls.other_company.id,
                "url": cls.other_app.url,
                "internal": True,
                "api_key": KEY,
                "webhook_secret": WEBHOOK_SECRET,
                "user_id": cls.make_user("other pharmacy app", API, cls.other_company),
            }
        )
        backend.stream_ids.batch_pause = 0
        return backend

    @classmethod
    def make_user(cls, login, groups, company=None):
        """The id of a new user of one company.

        :param groups: xmlids, with commas between
        """
        company = company or cls.env.company
        return new_test_user(
            cls.env,
            login,
            groups,
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        ).id

    def setUp(self):
        super().setUp()
        self.app.reset()
        # What a process remembers of a breaker outlives the rollback of a test.
        sync_breaker._read.clear()
        stack = ExitStack()
        stack.enter_context(self.enter_registry_test_mode())
        self.addCleanup(stack.close)
        # A push is over before what failed in it is due again, on any machine.
        for module in (outcome, saga_work, sync_event_delivery):
            self.patch(module, "random", LongestWait)

    def move_app(self, url):
        """Connect the backend to an app at another address, with the same key."""
        self.backend.write({"url": url, "api_key": KEY})

    def make_order(self, quantity=2.0, **values):
        return self.env["purchase.order"].create(
            {
                "partner_id": self.supplier.id,
                "order_line": [
                    Command.create(
                        {
                            "product_id": product.id,
                            "product_qty": quantity,
                            "price_unit": 12.5,
                        }
                    )
                    for product in self.products
                ],
                **values,
            }
        )

    def push(self, backend=None):
        """Commit, and do what the job runner would on the push job."""
        self.env.cr.flush()
        (backend or self.backend)._as_runner()._job_push()
        self.env.invalidate_all()

    def pull(self, backend=None):
        """Do what the job runner would on the pull job."""
        self.env.cr.flush()
        (backend or self.backend)._as_runner()._job_pull()
        self.env.invalidate_all()

    def recover(self):
        """Commit, and do what the scheduled recovery would."""
        self.env.cr.flush()
        self.env["sync.operation"]._cron_recover()
        self.env.invalidate_all()

    def sync(self):
        """Both ways, until nothing is due."""
        self.push()
        self.pull()
        self.push()

    def mapping(self, record):
        return self.env["sync.mapping"].search(
            [("res_model", "=", record._name), ("res_id", "=", record.id)]
        )

    def at_app(self, record):
        """The record as the pharmacy app has it."""
        mapping = self.mapping(record)
        adapter = mapping.stream_id._adapter()
        return self.app.get(adapter._entity_collection, mapping.external_id)

    def operations(self, **values):
        return self.env["sync.operation"].search(
            [("backend_id", "=", self.backend.id)]
            + [(name, "=", value) for name, value in values.items()]
        )

    def make_due(self):
        """Let the time pass for which operations wait."""
        self.operations(state="waiting").write({"eta": False})

    def forget_jobs(self):
        self.env.cr.flush()
        self.env["queue.job"].search([]).unlink()

    def etas(self, method):
        """The moments of the jobs of a method that nobody began, at once first."""
        self.env.cr.flush()
        jobs = self.env["queue.job"].search(
            [("method_name", "=", method), ("state", "=", "pending")]
        )
        return sorted(jobs.mapped("eta"), key=bool)


class DeathCase(SyncCase):
    """Workers that died with records in hand, as far as they can be met in one process:
    by the markers that they left."""

    @classmethod
    def setUpClass(cls):
        # Before the test's own transaction begins: it sees only how those have ended
        # that were there already.
        with closing(db_connect(get_db_name()).cursor()) as cr:
            cr.execute("SELECT pg_current_xact_id()::text")
            ((cls.cut_off,),) = cr.fetchall()
        super().setUpClass()

    def setUp(self):
        super().setUp()
        # A record that is given up is a critical error.
        muted = mute_logger("odoo.addons.pharmacy_sync.models.error.sync_error")
        muted.__enter__()
        self.addCleanup(muted.__exit__)

    def die(self, step, *records, backend=None):
        """A worker dies while it has these in hand, all at once.

        :param records: Odoo's; or pairs of entity and external id, of what arrives
        """
        keys = [
            in_key(*record)
            if isinstance(record, tuple)
            else out_key(record._name, record.id)
            for record in records
        ]
        self.env["sync.marker"].create(
            {
                "backend_id": (backend or self.backend).id,
                "xid": self.cut_off,
                "session": "a connection that is gone",
                "keys": keys,
                "step": step,
            }
        )

    def suspects(self, backend=None):
        """``{the record's id, on either side: deaths with nothing else in hand}``"""
        found = self.env["sync.suspect"].search(
            [("backend_id", "=", (backend or self.backend).id)]
        )
        return {suspect.key.split()[2]: suspect.deaths for suspect in found}

    @contextmanager
    def another_job(self, *lock):
        """Another worker has the advisory lock."""
        with closing(db_connect(get_db_name()).cursor()) as cr:
            cr.execute("SELECT pg_try_advisory_lock(%s, %s)", lock)
            self.assertEqual(cr.fetchall(), [(True,)])
            yield
            cr.execute("SELECT pg_advisory_unlock(%s, %s)", lock)

    def jobs(self, method, backend=None):
        """When jobs of a method are to begin, those that wait."""
        jobs = self.env["queue.job"].search(
            [
                ("method_name", "=", method),
                ("identity_key", "like", f"% {(backend or self.backend).id} %"),
            ]
        )
        return [job.eta for job in jobs]


class ConcurrencyCase(BaseCase):
    """Real transactions, in threads; what a test commits it also removes."""

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        # Odoo's own runner holds the registry while it tests; threads would wait for it
        # for ever.
        self.patch(Registry, "_lock", threading.RLock())
        with self.registry.cursor() as cr:
            self.addCleanup(self.remove_what_came, self.last_ids(cr))

    @staticmethod
    def last_ids(cr):
        """``{table: highest id}`` of all that this addon's work writes."""
        cr.execute(
            """SELECT c.relname FROM pg_class c
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'id'
                WHERE c.relkind = 'r' AND c.relname ~ '^(sync_|mail_|queue_job$)'"""
        )
        of_one = "SELECT {0!r}, coalesce(max(id), 0) FROM {0}"
        cr.execute(" UNION ALL ".join(of_one.format(name) for (name,) in cr.fetchall()))
        return dict(cr.fetchall())

    def remove_what_came(self, last):
        """What goes with no record of the test's would be there for all tests after it:
        a job that nobody runs makes the server look ill, a channel is written to."""
        with self.registry.cursor() as cr:
            for table, id_ in last.items():
                cr.execute(f"DELETE FROM {table} WHERE id > %s", [id_])
        self.registry.clear_all_caches()


class WorkCase(SyncCase):
    """Long work over all that there is: of Odoo's records, those of the test only."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.partner"].search(
            [("supplier_rank", ">", 0), ("id", "!=", cls.supplier.id)]
        ).supplier_rank = 0
        cls.env["product.product"].search(
            [("id", "not in", cls.products.ids)]
        ).purchase_ok = False

    def stream(self, entity="supplier"):
        return self.backend.stream_ids.filtered(lambda s: s.entity == entity)

    def applied(self):
        """Names that reach the function that every arriving record meets."""
        seen = []
        stream_class = self.env.registry["sync.stream"]
        apply = stream_class._apply

        def watched(stream, records, *args, **options):
            seen.extend(record.get("name") for record in records)
            return apply(stream, records, *args, **options)

        self.patch(stream_class, "_apply", watched)
        return seen

    def run_job(self, work):
        """Commit, and do what the job runner would, shift by shift: on a slow machine
        there are several."""
        ended = None
        while work.job_uuid != ended:
            ended = work.job_uuid
            self.env.cr.flush()
            work.with_env(self.backend._as_runner().env)._job_work()
            self.env.invalidate_all()
            if self.env["queue.job"].search([("uuid", "=", work.job_uuid)]).eta:
                break
        return work
