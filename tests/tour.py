"""What the tours share: the people who take them, and the job runner beside them."""

import threading
import time
from contextlib import nullcontext

from odoo import SUPERUSER_ID, api
from odoo.tests import HttpCase, new_test_user
from odoo.tests.common import release_test_lock

from ..models.base.own_transaction import apart
from .common import SyncCase

# Seconds between two steps of work: time for a person to see it, and to stop it.
PACE = 1.0
OVERVIEW = "/odoo/action-pharmacy_sync.action_sync_overview"
# Groups of the people, by login; each may buy.
PEOPLE = {
    "buyer": "pharmacy_sync.group_user",
    "operator": "pharmacy_sync.group_operator",
    "manager": "pharmacy_sync.group_manager,base.group_partner_manager",
    "administrator": "pharmacy_sync.group_manager,base.group_system",
    "outsider": "base.group_user",
}


class Runner(threading.Thread):
    """Does what the job runner would on long work once a job is asked for, a step at a
    time: requests of the browser have their turn in between. To be used as a context
    manager.

    :param test: the test case; its ``backend`` is the one worked for
    :param str model: of the long work
    :param jobs: names of jobs of the backend that are done after each step
    """

    def __init__(self, test, model, *jobs):
        super().__init__()
        self._registry, self._backend_id = test.registry, test.backend.id
        self._model, self._jobs = model, jobs
        self._asked, self._ended = threading.Event(), False
        # The test's own cursor is not to be in use meanwhile: only the browser asks.
        asked = self._asked
        test.patch(
            self._registry[model],
            "_schedule_work",
            lambda works, wait=None: asked.set(),
        )

    def run(self):
        while self._is_asked():
            time.sleep(PACE)
            with self._registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                self._work(env["sync.backend"].browse(self._backend_id)._as_runner())

    def _is_asked(self):
        """Wait to be asked; False once the test has ended."""
        self._asked.wait()
        # Before anything is looked at: whoever asks from now on is heard.
        self._asked.clear()
        return not self._ended

    def _work(self, backend):
        works = backend.env[self._model].search([("state", "=", "running")])
        if works:
            self._asked.set()
        for work in works:
            if not work._step():
                apart(work._finish)
        for job in self._jobs:
            getattr(backend, job)()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self._ended = True
        self._asked.set()
        # It may wait for its turn, which the test itself has again.
        with release_test_lock():
            self.join()


class TourCase(SyncCase, HttpCase):
    """People at a browser: each tour is taken by who would do it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        others = cls.env["sync.backend"].search([("id", "!=", cls.backend.id)])
        others.active = False
        cls.people = {
            login: new_test_user(
                cls.env,
                f"tour_{login}",
                f"{groups},purchase.group_purchase_user",
                name=login.capitalize(),
            )
            for login, groups in PEOPLE.items()
        }

    def enter_registry_test_mode(self):
        return nullcontext()  # HttpCase is in it already

    def tour(self, name, who, start=OVERVIEW, **options):
        """Have one of :data:`PEOPLE` take a tour; what they did is in the records
        after it.

        :param str name: without its prefix ``pharmacy_sync_``
        """
        self.env.flush_all()
        login = self.people[who].login
        self.start_tour(start, f"pharmacy_sync_{name}", login=login, **options)
        self.env.invalidate_all()

    def count_errors(self):
        """Have the error groups count their errors, as they do after a commit."""
        errors = self.env["sync.error"].search([("backend_id", "=", self.backend.id)])
        self.env["sync.error.group"]._count(errors.ids)
        self.env.invalidate_all()

    def refuse(self, orders, **values):
        """Have changes of orders die: the app takes no record, for a while."""
        self.app.refuse_records()
        orders.write(values)
        self.push()
        self.app.refuse_records("")
