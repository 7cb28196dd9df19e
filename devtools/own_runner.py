"""``./dev test --odoo``: the Odoo test cases under Odoo's own runner, as the Odoo
Community Association's CI runs them."""

import re
import time

from . import config, databases, machine, odoo, paths, settings, shell, testing
from .progress import say

TIMEOUT = 2 * 3600  # seconds
CLOSING = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests")
OPTIONS = ("--test-enable", "--stop-after-init", "--max-cron-threads=0")


def run(tags=()):
    """Run the tests, and print how many passed; whether all did.

    :param tags: as of ``--test-tags``; without any, all of the addon
    """
    machine.prepare(tests=True)
    start = time.monotonic()
    template = databases.template()
    with databases.run_clone("odoo", template) as database:
        conf = config.write(f"odoo_{database}", database, settings.free_port())
        words = ["-c", conf, "-d", database, *OPTIONS]
        words += ["--test-tags", ",".join(tags) or f"/{paths.ADDON_NAME}"]
        env = testing.test_environment(database, template)
        say("...", "tests under Odoo's own runner")
        try:
            code, text = shell.run_shown(
                [*odoo.command(), *words], "test-odoo", TIMEOUT, "odoo", env
            )
        finally:
            conf.unlink()
    failed, broken, total = map(int, (CLOSING.findall(text) or [(0, 1, 1)])[-1])
    bad = failed + broken or int(code != 0)
    seconds = time.monotonic() - start
    say("FAILED" if bad else "ok", f"{total - bad} of {total} passed", seconds)
    return not bad
