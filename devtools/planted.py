"""A plugin of pytest: tries planted faults one after the other in one process.

Each fault has files of tests that may notice it. A file is run once without a fault:
that shows which of its tests reach which fault, and how long each takes. Then the fault
is switched on and the tests that reach it are run, the quickest first, until one fails.
That one is run again without the fault: what fails then as well proves nothing. Files
that were run before, for other faults, come first.

The plan is a file that ``PHARMACY_SYNC_MUTATE`` names::

    {"plain": whether the tests run without Odoo,
     "faults": {key: {"path": of the source, "place": number of the fault in it,
                      "tests": paths of files, which are tried in this order}},
     "results": file that gets a line of JSON for each fault tried,
     "memory": file that keeps what the runs without a fault showed,
     "seconds": bound of the tests of one fault}

With a ``from_start`` the tests run as always, with the fault of that key switched on
from the first import: code that runs while modules load is met in no other way.
"""

import builtins
import functools
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import signal
import sys
import threading
import time
import types
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

from . import faults, paths

PACKAGE = f"odoo.addons.{paths.ADDON_NAME}"
SLOWER = 10  # times the time of the sound run before a test counts as hanging
LEAST = 30  # seconds that any test may take


class _Hangs(BaseException):
    """The test takes far longer than without a fault."""


class _Switch:
    """What the planted code asks: notes that it was reached, says whether it is on."""

    def __init__(self, on=None):
        self.on = on
        self.reached = set()

    def __call__(self, key):
        self.reached.add(key)
        return key == self.on


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles a module with its faults, without the cache of compiled files."""

    def __init__(self, name, path, keys):
        super().__init__(name, path)
        self._keys = keys

    def get_code(self, fullname):
        source = self.get_data(self.path).decode()
        tree = faults.plant(source, self._keys)
        return compile(tree, self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules that have faults before anything else does."""

    def __init__(self, planted):
        self._modules = {_module(path): (path, keys) for path, keys in planted.items()}

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in self._modules:
            return None
        file, keys = self._modules[fullname]
        place = str(paths.ADDON_LINK / file)
        loader = _Loader(fullname, place, keys)
        return importlib.util.spec_from_file_location(fullname, place, loader=loader)


def _module(path):
    return ".".join((PACKAGE, *path.removesuffix(".py").split("/")))


def _make_plain():
    """Have parts of the addon importable by their names without its models."""
    module = sys.modules[PACKAGE] = types.ModuleType(PACKAGE)
    module.__path__ = [str(paths.ADDON_LINK)]


with open(os.environ["PHARMACY_SYNC_MUTATE"]) as _source:
    PLAN = json.load(_source)
_switch = _Switch(PLAN.get("from_start"))


def _begin():
    planted = {}
    for key, fault in PLAN["faults"].items():
        planted.setdefault(fault["path"], {})[fault["place"]] = key
    setattr(builtins, faults.SWITCH, _switch)
    if PLAN["plain"]:
        _make_plain()
    sys.meta_path.insert(0, _Finder(planted))


_begin()


@pytest.hookimpl(tryfirst=True)
def pytest_collect_directory(path, parent):
    """Plain tests are no package: the addon's own would load its models."""
    return pytest.Dir.from_parent(parent, path=path) if PLAN["plain"] else None


def pytest_runtestloop(session):
    """Instead of pytest's own: try the faults."""
    if PLAN.get("from_start"):
        return None
    trial = _Trial(session.items)
    for number, key in enumerate(PLAN["faults"], 1):
        if key not in _settled():
            print(f"{number}/{len(PLAN['faults'])}  {trial.try_fault(key)}", flush=True)
    return True


def _settled():
    """Keys of the faults that were tried, by a process that hung later as well."""
    with open(PLAN["results"]) as lines:
        return {line["key"] for line in map(json.loads, lines)}


@dataclass
class _Seen:
    """What a test did without a fault.

    :ivar passed: whether it passed
    :ivar seconds: how long it took
    :ivar own: keys of the faults that it reached itself
    :ivar before: of those that were reached while it was prepared
    """

    passed: bool = True
    seconds: float = 0.0
    own: list = field(default_factory=list)
    before: list = field(default_factory=list)


class _Trial:
    """The tests, by their files, and what those did without a fault that were run."""

    def __init__(self, items):
        self.items = {item.nodeid: item for item in items}
        self.files = {}
        for item in items:
            self.files.setdefault(_file_of(item), []).append(item.nodeid)
        self.early = set(_switch.reached)
        self.seen = {}
        memory = Path(PLAN["memory"])
        if memory.exists():
            for line in memory.read_text().splitlines():
                stored = json.loads(line)
                self.seen |= {test: _Seen(**values) for test, values in stored.items()}

    def try_fault(self, key):
        """Run the tests that reach a fault until one fails; says what came of it."""
        begun, tried, reach = time.monotonic(), 0, 0
        for tests in self._groups(PLAN["faults"][key]["tests"]):
            begun += self._learn(tests)
            candidates = self._candidates(key, tests)
            reach += len(candidates)
            for test in candidates:
                if time.monotonic() - begun > PLAN["seconds"]:
                    break
                tried += 1
                if not self._passes(test, key) and self._passes(test, None):
                    _write(key=key, test=test, early=False)
                    return f"{key} noticed by {test}"
        _write(key=key, test=None, early=key in self.early)
        return f"{key} not noticed by {tried} of {reach} tests that reach it"

    def _groups(self, files):
        """The tests of files: of those that were run before, then of each other one."""
        tests = [self.files.get(file, []) for file in files]
        known = [test for some in tests for test in some if test in self.seen]
        yield known
        yield from (some for some in tests if some and some[0] not in known)

    def _learn(self, tests):
        """Run those of the tests without a fault that were not run before; the seconds
        that it took."""
        begun = time.monotonic()
        items = [self.items[test] for test in tests if test not in self.seen]
        if not items:
            return 0.0
        learned = {}
        for item, following in zip(items, [*items[1:], None], strict=True):
            learned[item.nodeid] = _watch_test(item, following)
        self.seen |= learned
        with open(PLAN["memory"], "a") as memory:
            stored = {test: asdict(seen) for test, seen in learned.items()}
            memory.write(json.dumps(stored) + "\n")
        return time.monotonic() - begun

    def _candidates(self, key, tests):
        """Those of the tests that reach the fault: those that do so themselves first,
        the quickest first."""
        prepared = {
            self.items[test].parent for test in tests if key in self.seen[test].before
        }
        found = [
            (key not in self.seen[test].own, self.seen[test].seconds, test)
            for test in tests
            if self.seen[test].passed
            if key in self.seen[test].own or self.items[test].parent in prepared
        ]
        return [test for __, __, test in sorted(found)]

    def _passes(self, test, key):
        _forget()
        _switch.on = key
        try:
            with _Bounded(LEAST + SLOWER * self.seen[test].seconds, key, test):
                return _is_passed(_run(self.items[test], None))
        except _Hangs:
            return False
        finally:
            _switch.on = None


def _file_of(item):
    """As the plan names it: ``tests/room/test_file.py``."""
    return item.path.relative_to(item.path.parents[2]).as_posix()


def _watch_test(item, following):
    seen = _Seen()
    phases = _Phases(seen)
    _switch.reached = set()
    start = time.monotonic()
    item.config.pluginmanager.register(phases)
    try:
        reports = _run(item, following)
        seen.passed = _is_passed(reports)
    finally:
        item.config.pluginmanager.unregister(phases)
    seen.seconds = time.monotonic() - start
    if not seen.passed:
        print(f"fails without a fault: {item.nodeid}", flush=True)
        print(*(r.longreprtext for r in reports if r.failed), sep="\n", flush=True)
    return seen


def _run(item, following):
    # What an earlier run of it got would be used again.
    if hasattr(item, "_initrequest"):
        item._initrequest()
    return runtestprotocol(item, log=False, nextitem=following)


class _Phases:
    """Notes what is reached while a test is prepared, and by the test itself."""

    def __init__(self, seen):
        self._seen = seen

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self):
        try:
            return (yield)
        finally:
            self._seen.before = sorted(_switch.reached)
            _switch.reached = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self):
        try:
            return (yield)
        finally:
            self._seen.own = sorted(_switch.reached)
            _switch.reached = set()


class _Bounded:
    """Ends what takes too long: the test first, then the process."""

    def __init__(self, limit, key, test):
        self._limit = limit
        self._watch = threading.Timer(limit + LEAST, _give_up, (key, test))
        self._watch.daemon = True

    def __enter__(self):
        self._before = signal.signal(signal.SIGALRM, _raise)
        signal.setitimer(signal.ITIMER_REAL, self._limit)
        self._watch.start()

    def __exit__(self, *_failure):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)
        self._watch.cancel()


def _raise(*_signal):
    raise _Hangs


def _give_up(key, test):
    if key:
        _write(key=key, test=f"{test} (hangs)", early=False)
    os._exit(faults.HUNG)


def _is_passed(reports):
    return all(report.passed for report in reports)


def _forget():
    """Empty what functions of the addon remember."""
    for thing in gc.get_objects():
        if isinstance(thing, functools._lru_cache_wrapper) and str(
            getattr(thing, "__module__", "")
        ).startswith(PACKAGE):
            thing.cache_clear()
    registry = sys.modules.get("odoo.modules.registry")
    if registry:
        for one in registry.Registry.registries.values():
            one.clear_all_caches()


def _write(**values):
    with open(PLAN["results"], "a") as output:
        output.write(json.dumps(values) + "\n")
