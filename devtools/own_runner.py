"""``./dev test --odoo``: the Odoo test cases under Odoo's own runner, as the Odoo
Community Association's CI runs them. A few of each kind run with every ``./dev test``.
"""

import re
import time

from . import config, databases, machine, odoo, paths, settings, shell, testing
from .progress import say

TIMEOUT = 2 * 3600  # seconds
SAMPLE_TIMEOUT = 1200
CLOSING = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests")
COMPLAINTS = re.compile(r"^.* ERROR .* (?:FAIL|ERROR): .*$", re.MULTILINE)
OPTIONS = ("--test-enable", "--stop-after-init", "--max-cron-threads=0")
# Its log says which test runs; of a sample it says what failed.
QUIET = ("--log-level=warn", "--log-handler=odoo.tests.result:INFO")
# What this runner does in a way of its own: cursors of threads, HTTP, a browser, cases
# of classes that others inherit, what is held between classes.
SAMPLE = (
    "base/test_apart.py",
    "base/test_verbs.py",
    "call/test_pool.py",
    "api/test_api_routes.py",
    "exchange/test_webhook.py",
    "operation/test_moments.py",
    "conflict/test_conflict_tour.py",
)


def run(tags=()):
    """Run the tests, and print how many passed; whether all did.

    :param tags: as of ``--test-tags``; without any, all of the addon
    """
    machine.prepare(tests=True)
    part = _run(databases.template(), tags or [f"/{paths.ADDON_NAME}"], TIMEOUT)
    total = part.passed + part.failed
    say(
        "FAILED" if part.failed else "ok",
        f"{part.passed} of {total} passed",
        part.seconds,
    )
    return not part.failed


def sample(template):
    """Run a few tests of each kind on a clone of a database; what came of them."""
    tags = [f"/{paths.ADDON_NAME}/tests/{path}" for path in SAMPLE]
    return _run(template, tags, SAMPLE_TIMEOUT, QUIET)


def _run(template, tags, timeout, options=()):
    start = time.monotonic()
    with databases.run_clone("odoo", template) as database:
        conf = config.write(f"odoo_{database}", database, settings.free_port())
        words = ["-c", conf, "-d", database, *OPTIONS, *options]
        words += ["--test-tags", ",".join(tags)]
        env = testing.test_environment(database, template)
        say("...", "tests under Odoo's own runner")
        try:
            code, text = shell.run_shown(
                [*odoo.command(), *words], "test-odoo", timeout, "odoo runner", env
            )
        finally:
            conf.unlink()
    failed, broken, total = map(int, (CLOSING.findall(text) or [(0, 1, 1)])[-1])
    # A run without a test has proved nothing.
    bad = failed + broken or int(code != 0 or not total)
    return testing.Part(
        "odoo runner",
        passed=max(total - bad, 0),
        failed=bad,
        seconds=time.monotonic() - start,
        complaints=COMPLAINTS.findall(text) if bad else [],
    )
