"""``./dev test``: lint, texts, the app's tests, the addon's, and the system's.

The tests find what they need in the environment:

==================================  =========================================
``PHARMACY_SYNC_TEST_TEMPLATE``     database to clone: the addon is installed
``PHARMACY_SYNC_TEST_PREFIX``       start of the names of databases that a
                                    test makes: such are dropped at the end
``PHARMACY_SYNC_ODOO_COMMAND``      JSON list: the words that start Odoo
``PHARMACY_SYNC_ODOO_RC``           Odoo configuration naming no database
``PHARMACY_SYNC_APP_COMMAND``       JSON list: the words that start the app
``PHARMACY_SYNC_PROMTOOL``          Prometheus' checker of rules and metrics
==================================  =========================================
"""

import json
import re
import time
from dataclasses import dataclass

from . import (
    config,
    databases,
    lint,
    machine,
    odoo,
    paths,
    prometheus,
    shell,
    translations,
    venv,
)
from .progress import StepError, explain, say

TIMEOUT = 3300  # seconds for one part
SYSTEM = "tests/system"
NOTHING_COLLECTED = 5
CLOSING = re.compile(r"^(?:=+ )?(\d+ \w+.*) in [\d.]+s\b", re.MULTILINE)
COUNTS = re.compile(r"(\d+) (passed|failed|error|skipped)")


@dataclass
class Part:
    """What came of one part of the tests."""

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    empty: bool = False


def test_environment(database):
    """The variables of the table above for tests that may use ``database``."""
    app = [str(venv.python()), "-m", "pharmacy_app"]
    return {
        "PHARMACY_SYNC_TEST_TEMPLATE": databases.template(),
        "PHARMACY_SYNC_TEST_PREFIX": f"{database}_",
        "PHARMACY_SYNC_ODOO_COMMAND": json.dumps(odoo.command()),
        "PHARMACY_SYNC_ODOO_RC": str(config.write("servers")),
        "PHARMACY_SYNC_APP_COMMAND": json.dumps(app),
        "PHARMACY_SYNC_PROMTOOL": str(prometheus.promtool()),
    }


def run(fast, words):
    """Run the parts and print a table; whether all of them passed.

    ``words`` go to pytest and choose among the addon's tests; with ``fast`` or
    any words, lint, texts and the app's tests are left out.
    """
    machine.prepare(tests=True)
    parts = []
    if not (fast or words):
        parts += [_lint(), _texts(), _app()]
    parts += _addon(fast, words)
    _table(parts)
    return all(part.failed == 0 for part in parts)


def _lint():
    start = time.monotonic()
    good = lint.run()
    return Part("lint", int(good), int(not good), 0, time.monotonic() - start)


def _texts():
    start = time.monotonic()
    try:
        translations.check()
        good = True
    except StepError as failure:
        explain(failure)
        good = False
    return Part("texts", int(good), int(not good), 0, time.monotonic() - start)


def _app():
    folder = paths.ROOT / "pharmacy_app"
    # Odoo's plugin would want a database.
    return _pytest("app", ["-p", "no:odoo", "tests"], cwd=folder)


def _addon(fast, words):
    paths_given = [word for word in words if word.startswith("tests/")]
    options = [word for word in words if word not in paths_given]
    if paths_given:
        chosen = {"addon": [_link(word) for word in paths_given]}
    else:
        chosen = {"addon": [_link("tests"), f"--ignore={_link(SYSTEM)}"]}
        if not fast and (paths.ROOT / SYSTEM).exists():
            chosen["system"] = [_link(SYSTEM)]
    with databases.run_clone() as database:
        env = test_environment(database)
        conf = config.write(f"test_{database}", database)
        try:
            odoo_words = [f"--odoo-config={conf}", "--odoo-http"]
            parts = [
                _pytest(name, [*odoo_words, *where, *options], env=env)
                for name, where in chosen.items()
            ]
        finally:
            conf.unlink()
    # A choice may leave one part without tests, but not all of them.
    return [part for part in parts if not (words and part.empty)] or parts


def _link(path):
    """A path of the repository as pytest must be given it."""
    return str(paths.ADDON_LINK / path)


def _pytest(name, words, env=None, cwd=paths.ROOT):
    say("...", f"tests: {name}")
    start = time.monotonic()
    command = [venv.python(), "-m", "pytest", *words]
    code, text = shell.run_shown(command, f"test-{name}", TIMEOUT, env=env, cwd=cwd)
    closing = CLOSING.findall(text) or [""]
    counts = {word: int(number) for number, word in COUNTS.findall(closing[-1])}
    failed = counts.get("failed", 0) + counts.get("error", 0)
    return Part(
        name,
        passed=counts.get("passed", 0),
        # It may have broken before it could count, or found no test.
        failed=failed or int(code != 0),
        skipped=counts.get("skipped", 0),
        seconds=time.monotonic() - start,
        empty=code == NOTHING_COLLECTED,
    )


def _table(parts):
    row = "{:<10}{:>8}{:>8}{:>9}{:>9}"
    print("\n" + row.format("part", "passed", "failed", "skipped", "seconds"))
    for part in parts:
        seconds = f"{part.seconds:.1f}"
        print(row.format(part.name, part.passed, part.failed, part.skipped, seconds))
    passed = sum(part.passed for part in parts)
    failed = sum(part.failed for part in parts)
    print(f"\ntotal: {passed} passed, {failed} failed", flush=True)
