"""``./dev test``: lint, texts, the app's tests, the addon's, and the system's.

The parts run side by side, one a processor, each in a database of its own.

The tests find what they need in the environment:

==================================  =========================================
``PHARMACY_SYNC_TEST_TEMPLATE``     database to clone: the addon is installed
``PHARMACY_SYNC_TEST_PREFIX``       start of the names of databases that a
                                    test makes: such are dropped at the end
``PHARMACY_SYNC_ODOO_COMMAND``      JSON list: the words that start Odoo
``PHARMACY_SYNC_ODOO_RC``           Odoo configuration naming no database
``PHARMACY_SYNC_APP_COMMAND``       JSON list: the words that start the app
``PHARMACY_SYNC_PROMTOOL``          Prometheus' checker of rules and metrics
``PHARMACY_SYNC_DOCUMENTS``         folder of descriptions of others' APIs
``PHARMACY_SYNC_NEIGHBOURS``        database with the addons of others, to clone
``PHARMACY_SYNC_NEIGHBOURS_RC``     Odoo configuration that finds these addons
==================================  =========================================

The last two are there where ``tests/system/test_neighbours.py`` may run.
"""

import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

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

TIMEOUT = 1800  # seconds for one part
# Two of a test's connections may wait for each other, and Python interrupts no wait for
# PostgreSQL: the statement fails instead, and names the test.
LOCK_TIMEOUT = "120s"
SYSTEM = "tests/system"
SYSTEM_PARTS = 4  # each starts servers of its own
NEIGHBOURS = f"{SYSTEM}/test_neighbours.py"
LONG = ("base", "exchange")  # begun last, one of them would end alone
SERVED = 3  # gigabytes that a part with servers and a browser may need
NOTHING_COLLECTED = 5
CLOSING = re.compile(r"^(?:=+ )?(\d+ \w+.*) in [\d.]+s\b", re.MULTILINE)
COUNTS = re.compile(r"(\d+) (passed|failed|error|skipped)")
# What pytest says of a failure: why, and at the end which test.
COMPLAINTS = re.compile(r"^(?:E  |FAILED |ERROR ).*\S", re.MULTILINE)
# What its watch says of a test that hangs: where each thread stands.
STANDING = re.compile(r'^(?:Timeout |  File ".*pharmacy_sync/).*\S', re.MULTILINE)
REPEATED = 80  # lines of a part that failed, once more below the table
BROKEN = re.compile(r"^(?:FAILED|ERROR|SUBFAILED\S*) .*?(tests/.+?)(?: - .*)?$", re.M)
# Tests of a part that run again; where more failed, no neighbour was in the way.
FEW = 60
NOT_ODOO = ("lint", "texts", "app")


@dataclass
class Part:
    """What came of one part of the tests."""

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    empty: bool = False
    # Paths of tests that failed; of those, which failed but for being alone.
    broken: list = field(default_factory=list)
    mended: list = field(default_factory=list)
    complaints: list = field(default_factory=list)


def test_environment(database, template):
    """The variables of the table above for tests that may use ``database``, a clone of
    ``template``."""
    app = [str(venv.python()), "-m", "pharmacy_app"]
    return {
        "PHARMACY_SYNC_TEST_TEMPLATE": template,
        "PHARMACY_SYNC_TEST_PREFIX": f"{database}_",
        "PHARMACY_SYNC_ODOO_COMMAND": json.dumps(odoo.command()),
        "PHARMACY_SYNC_ODOO_RC": str(config.write("servers")),
        "PHARMACY_SYNC_APP_COMMAND": json.dumps(app),
        "PHARMACY_SYNC_PROMTOOL": str(prometheus.promtool()),
        "PHARMACY_SYNC_DOCUMENTS": str(paths.DOCUMENTS),
        "PGOPTIONS": f"-c lock_timeout={LOCK_TIMEOUT}",
    }


def _neighbours():
    return {
        "PHARMACY_SYNC_NEIGHBOURS": databases.neighbours(),
        "PHARMACY_SYNC_NEIGHBOURS_RC": str(config.write("near", neighbours=True)),
    }


def run(fast, words, further=()):
    """Run the parts and print a table; whether all of them passed.

    ``words`` go to pytest and choose among the addon's tests; with ``fast`` or
    any words, lint, texts, the app's tests and ``further`` are left out.

    :param further: functions that run a part of their own on a clone of a database
    """
    machine.prepare(tests=True)
    # Once: what is edited meanwhile must not change it under the parts.
    template = databases.template()
    tasks = _addon(template, fast, words)
    if not (fast or words):
        tasks += [partial(task, template) for task in further]
        tasks += [_lint, _texts, _app]
    parts = _side_by_side(tasks)
    if not words:
        parts = [_alone(template, part) for part in parts]
    if words:
        # A choice may leave one part without tests, but not all of them.
        parts = [part for part in parts if not part.empty] or parts
    _table(parts)
    return all(part.failed == 0 for part in parts)


def _side_by_side(tasks):
    """The parts that ``tasks`` return, in their order."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    workers = max(1, min(len(os.sched_getaffinity(0)), int(memory / SERVED)))
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(task) for task in tasks]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            shell.end_all()
            raise


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


def _addon(template, fast, words):
    """Tasks that run the addon's tests: the long ones first."""
    paths_given = [word for word in words if word.startswith("tests/")]
    options = [word for word in words if word not in paths_given]
    if paths_given:
        chosen = {"addon": paths_given}
    else:
        chosen = ({} if fast else _system()) | _rooms()
    return [
        partial(_in_clone, template, f"{number:03}", name, where, options)
        for number, (name, where) in enumerate(chosen.items())
    ]


def _system():
    """The system's test files, dealt out to parts: name to paths."""
    files = sorted((paths.ROOT / SYSTEM).glob("test_*.py"))
    names = [f"{SYSTEM}/{path.name}" for path in files]
    dealt = {f"system {n + 1}": names[n::SYSTEM_PARTS] for n in range(SYSTEM_PARTS)}
    return {name: where for name, where in dealt.items() if where}


def _rooms():
    """Each folder of tests, and the files beside them: name to paths."""
    tests = paths.ROOT / "tests"
    system = paths.ROOT / SYSTEM
    folders = {path.parent for path in tests.glob("*/test_*.py")} - {system}
    folders = sorted(folders, key=lambda path: (path.name not in LONG, path))
    rooms = {folder.name: [f"tests/{folder.name}"] for folder in folders}
    beside = sorted(tests.glob("test_*.py"))
    return rooms | {path.stem: [f"tests/{path.name}"] for path in beside}


def _in_clone(template, word, name, where, options):
    with databases.run_clone(word, template) as database:
        env = test_environment(database, template)
        if any(map(_meets_neighbours, where)):
            env.update(_neighbours())
        conf = config.write(f"test_{database}", database, jobs=False)
        words = [f"--odoo-config={conf}", "--odoo-http", *map(_link, where), *options]
        try:
            return _pytest(name, words, env=env)
        finally:
            conf.unlink()


def _alone(template, part):
    """The part once its tests that failed have run again with nothing beside them:
    servers, browsers and clocks of two parts share the processors."""
    if part.name in NOT_ODOO or not 0 < len(part.broken) <= FEW:
        return part
    word = re.sub(r"\W", "_", part.name)
    again = _in_clone(template, f"again_{word}", part.name, part.broken, ())
    mended = [path for path in part.broken if path not in again.broken]
    if again.failed and not again.broken:
        return part
    return replace(
        part,
        passed=part.passed + len(mended),
        failed=len(again.broken),
        seconds=part.seconds + again.seconds,
        mended=mended,
        complaints=again.complaints,
    )


def _meets_neighbours(path):
    return NEIGHBOURS.startswith(path.partition("::")[0])


def _link(path):
    """A path of the repository as pytest must be given it."""
    return str(paths.ADDON_LINK / path)


def _pytest(name, words, env=None, cwd=paths.ROOT):
    say("...", f"tests: {name}")
    start = time.monotonic()
    command = [venv.python(), "-m", "pytest", *words]
    log = f"test-{name.replace(' ', '-')}"
    code, text = shell.run_shown(command, log, TIMEOUT, name, env=env, cwd=cwd)
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
        broken=list(dict.fromkeys(BROKEN.findall(text))) if code else [],
        complaints=_complaints(text, code) if code else [],
    )


def _complaints(text, code):
    """Each complaint of pytest's ``text`` once: which tests, then why."""
    wanted = STANDING if code == shell.TIMED_OUT else COMPLAINTS
    once = dict.fromkeys(wanted.findall(text))
    return sorted(once, key=lambda line: line.startswith("E  "))


def _table(parts):
    row = "{:<14}{:>8}{:>8}{:>9}{:>9}"
    print("\n" + row.format("part", "passed", "failed", "skipped", "seconds"))
    for part in parts:
        seconds = f"{part.seconds:.1f}"
        print(row.format(part.name, part.passed, part.failed, part.skipped, seconds))
    for part in parts:
        for path in part.mended:
            print(f"{part.name:<12}| failed beside others, passed alone: {path}")
        for line in part.complaints[:REPEATED]:
            print(f"{part.name:<12}| {line}")
    passed = sum(part.passed for part in parts)
    failed = sum(part.failed for part in parts)
    print(f"\ntotal: {passed} passed, {failed} failed", flush=True)
