"""A plugin of pytest: tries planted faults one after the other in one process.

First each test runs without a fault, and shows which faults it reaches. Then a fault is
switched on, and of the tests that reach it the likeliest to notice it are run until one
fails: those that share the most, and the rarest, words with the function at fault, and
whose file does with its file.
One that fails is run again without the fault: what fails then as well proves nothing.

The plan is a file that ``PHARMACY_SYNC_MUTATE`` names::

    {"plain": whether the tests run without Odoo,
     "faults": {key: {"path": of the source, "line": in it, "place": its number there}},
     "looks": file that gets a line of JSON for each test that passes,
     "results": file that gets a line of JSON for each fault tried,
     "most": how many tests try one fault}

Without ``results`` the tests only show what they reach. With a ``from_start`` they run
as always, with the fault of that key switched on from the first import: code that runs
while modules load is met in no other way.
"""

import builtins
import functools
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import itertools
import json
import math
import os
import signal
import sys
import threading
import time
import types
from collections import Counter
from dataclasses import dataclass

import pytest
from _pytest.runner import call_and_report, runtestprotocol

from . import faults, paths

PACKAGE = f"odoo.addons.{paths.ADDON_NAME}"
SLOWER = 10  # times the time of the sound run before a test counts as hanging
LEAST = 30  # seconds that any test may take
# What the words that two files share count for, beside those of test and function.
OF_FILE = 0.25


class _Hangs(BaseException):
    """The test takes far longer than without a fault."""


class _Switch:
    """What the planted code asks: notes that it was reached, says whether it is on."""

    def __init__(self, on=None):
        self.on = on
        self.reached = set()
        # What the preparation of a test, and of its class, reached.
        self.prepared = set()
        # Whether a part of the test has failed: its own report says nothing of that.
        self.part_failed = False

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


def pytest_runtest_logreport(report):
    """Of what was not run by pytest's own loop only subtests are reported."""
    _switch.part_failed = _switch.part_failed or report.failed


def pytest_runtest_call(item):
    """What was reached so far, the preparation of the test's class reached."""
    _switch.prepared = set(_switch.reached)


def pytest_runtestloop(session):
    """Instead of pytest's own: see what the tests reach, or try the faults."""
    if PLAN.get("from_start"):
        return None
    if PLAN.get("results"):
        _try_all(session.items)
    else:
        _look(session.items)
    # Subtests that noticed a fault were counted: pytest would end as after a failure.
    session.testsfailed = 0
    return True


def _look(items):
    """Run each test once, and write down what it reaches."""
    early, prepared = set(_switch.reached), {}
    for item, following in itertools.zip_longest(items, items[1:]):
        _switch.reached, _switch.part_failed = set(), False
        begun = time.monotonic()
        passed = _is_passed(_run(item, following)) and not _switch.part_failed
        seconds = time.monotonic() - begun
        # The first of a class prepares it, for the others as well.
        before = prepared.setdefault(item.parent, _switch.prepared)
        if passed:
            reached = sorted(_switch.reached | before)
            _write("looks", test=item.nodeid, seconds=seconds, reached=reached)
        else:
            print(f"fails without a fault: {item.nodeid}", flush=True)
    _write("looks", test=None, seconds=0, reached=sorted(early))


def _try_all(items):
    trial, settled = _Trial(items), _settled()
    for number, key in enumerate(PLAN["faults"], 1):
        if key not in settled:
            print(f"{number}/{len(PLAN['faults'])}  {trial.try_fault(key)}", flush=True)


def _settled():
    """Keys of the faults that were tried, by a process that hung later as well."""
    return {line["key"] for line in _read("results")}


@dataclass(frozen=True)
class _Test:
    """A test that pytest has collected.

    :ivar words: of its source and of its names
    :ivar around: those of its file
    """

    item: pytest.Item
    words: frozenset
    around: frozenset


class _Trial:
    """The tests, and what is known of them."""

    def __init__(self, items):
        self.tests = {item.nodeid: _test(item) for item in items}
        looks = list(_read("looks"))
        # Test to the keys of the faults that it reaches, and to its seconds.
        self.reached = {line["test"]: set(line["reached"]) for line in looks}
        self.seconds = {line["test"]: line["seconds"] for line in looks}
        self.early = self.reached.pop(None)
        self.rare = _rarities([test.words for test in self.tests.values()])
        self.rare_around = _rarities({test.around for test in self.tests.values()})
        self.caches = _caches()
        # Key of the fault that is tried, also while a test runs without it.
        self.tried = None

    def try_fault(self, key):
        """Run the likeliest tests until one fails; what came of it."""
        likeliest = self._likeliest(key)
        self.tried = key
        for test, following in itertools.zip_longest(likeliest, likeliest[1:]):
            if not self._passes(test, key, following) and self._passes(test, None):
                _write("results", key=key, test=test, early=False)
                return f"{key} noticed by {test}"
        _write("results", key=key, test=None, early=key in self.early)
        return f"{key} not noticed by {len(likeliest)} tests"

    def _likeliest(self, key):
        """The tests that are likeliest to notice the fault, those of a class one after
        the other: it is prepared once."""
        fault = PLAN["faults"][key]
        words = faults.words_around(fault["path"], fault["line"])
        around = _words_of_file(paths.ROOT / fault["path"])
        likely = {
            name: _shared(test.words, words, self.rare)
            + OF_FILE * _shared(test.around, around, self.rare_around)
            for name, test in self.tests.items()
            if key in self.reached.get(name, ())
        }
        chosen = sorted(likely, key=likely.get, reverse=True)[: PLAN["most"]]
        classes = {}
        for name in chosen:
            classes.setdefault(self.tests[name].item.parent, []).append(name)
        return list(itertools.chain(*classes.values()))

    def _passes(self, test, key, following=None):
        """Whether a test passes with a fault, or with none.

        :param following: the test that runs next: what both need may stay
        """
        item = self.tests[test].item
        after = self.tests.get(following)
        _forget(self.caches)
        _switch.on, _switch.part_failed = key, False
        try:
            # A fault may leave a lock for which its test then waits without it, too.
            with _Bounded(LEAST + SLOWER * self.seconds[test], self.tried, test):
                passed = _is_passed(_run(item, after and after.item))
        except _Hangs:
            passed = False
        finally:
            _switch.on = None
        passed = passed and not _switch.part_failed
        if not passed:
            call_and_report(item, "teardown", log=False, nextitem=None)
            if key is None:
                print(f"fails without a fault: {test}", flush=True)
        return passed


def _test(item):
    words = faults.words_of(f"{item.nodeid} {inspect.getsource(item.function)}")
    return _Test(item, words, _words_of_file(item.path))


@functools.cache
def _words_of_file(path):
    return faults.words_of(path.read_text())


def _rarities(texts):
    """Words of some texts to how rare they are among them."""
    found = Counter(word for words in texts for word in words)
    return {word: math.log(len(texts) / count) for word, count in found.items()}


def _shared(words, others, rare):
    """How much a text shares with another: the rarer words count for more, and a long
    text shares no more for being long."""
    return sum(rare[word] for word in words & others) / math.sqrt(len(words))


def _run(item, following):
    # What an earlier run of it got would be used again.
    if hasattr(item, "_initrequest"):
        item._initrequest()
    return runtestprotocol(item, log=False, nextitem=following)


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
    _write("results", key=key, test=f"{test} (hangs)", early=False)
    os._exit(faults.HUNG)


def _is_passed(reports):
    return all(report.passed for report in reports)


def _caches():
    """What functions of the addon remember their results in."""
    return [
        thing
        for thing in gc.get_objects()
        if isinstance(thing, functools._lru_cache_wrapper)
        and str(getattr(thing, "__module__", "")).startswith(PACKAGE)
    ]


def _forget(caches):
    """Empty what functions of the addon, and Odoo, remember."""
    for cache in caches:
        cache.cache_clear()
    registry = sys.modules.get("odoo.modules.registry")
    if registry:
        for one in registry.Registry.registries.values():
            one.clear_all_caches()


def _read(file):
    with open(PLAN[file]) as lines:
        yield from map(json.loads, lines)


def _write(file, **values):
    with open(PLAN[file], "a") as output:
        output.write(json.dumps(values) + "\n")
