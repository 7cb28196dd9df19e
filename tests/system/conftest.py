"""A running Odoo and a running pharmacy app for tests that break them."""

import json
import os
from pathlib import Path

import pytest
from system_databases import clone, drop, run_odoo
from system_servers import PharmacyApp
from system_stack import Stack

HERE = Path(__file__).parent
SHOWN = 100  # lines of each log beside a failure
_logs = {}


@pytest.fixture(scope="session")
def make_database(tmp_path_factory):
    """Makes databases that are connected to a given app: ``(name, what prepare.py
    reported)``. They are dropped at the end."""
    prefix = os.environ["PHARMACY_SYNC_TEST_PREFIX"]
    names = []

    def make(word, app):
        name = f"{prefix}{word}"
        drop(name)
        clone(os.environ["PHARMACY_SYNC_TEST_TEMPLATE"], name)
        names.append(name)
        reported = tmp_path_factory.mktemp(word) / "prepared.json"
        run_odoo(
            name,
            ["shell", "--no-http", "--max-cron-threads=0", "--log-level=warn"],
            (HERE / "prepare.py").read_text(),
            {**app.connection(), "PREPARED_FILE": str(reported)},
        )
        return name, json.loads(reported.read_text())

    yield make
    for name in names:
        drop(name)


@pytest.fixture(scope="session")
def make_stack(make_database, tmp_path_factory):
    """Makes running stacks, ended at the end."""
    stacks = []

    def make(word, poison=None):
        folder = tmp_path_factory.mktemp(f"stack_{word}")
        app = PharmacyApp(folder)
        database, prepared = make_database(word, app)
        stack = Stack(folder, database, app, prepared, poison)
        stacks.append(stack)
        _logs.update({f"{word} {s.log.stem}": s.log for s in (stack.odoo, app)})
        return stack.start()

    yield make
    for stack in stacks:
        stack.stop()


@pytest.fixture(scope="session")
def shared_stack(make_stack):
    return make_stack("shared")


@pytest.fixture
def stack(shared_stack):
    """The stack that tests share. Each finds it idle and in good health, and is to
    leave nothing in its queue."""
    shared_stack.app.heal()
    if shared_stack.undone():
        # What an earlier failure left behind is not this test's.
        shared_stack.recover(20)
    dead = shared_stack.dead_letters()
    yield shared_stack
    shared_stack.app.heal()
    shared_stack.settle()
    assert shared_stack.dead_letters() == dead


@pytest.fixture
def configure(stack):
    """Changes settings for one test: ``configure(model, domain, **values)``."""
    undo = []

    def change(model, domain, **values):
        undo.append((model, stack.configure(model, domain, values)))

    yield change
    for model, former in reversed(undo):
        for record_id, values in former:
            stack.configure(model, [("id", "=", record_id)], values)


@pytest.fixture
def policy(configure):
    """Sets retry policies for one test: ``policy(error_type, **values)``."""

    def change(error_type, **values):
        configure("sync.retry.policy", [("error_type", "=", error_type)], **values)

    return change


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for name, path in _logs.items():
            if path.exists():
                lines = path.read_text(errors="replace").splitlines()[-SHOWN:]
                report.sections.append((f"log: {name}", "\n".join(lines)))
    return report
