"""``./dev mutate``: build faults into the code, one at a time, and see a test fail.

The faults (:mod:`.faults`) are drawn at random from the sources, the same for the same
seed. Those of ``core/`` are tried by ``tests/core`` without Odoo, those of ``models/``
by all tests in one process but the tours, those of one room (``models/call``) by the
tests of that room. The tests are dealt out to one process a
processor, each with a database of its own; each runs its tests once without a fault,
and then tries the faults, one every few seconds (:mod:`.planted`).

A fault that no test notices has survived. Survivors that change nothing anybody could
see are listed in ``devtools/equivalent.json``: key of the fault to the reason.
"""

import itertools
import json
import os
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from . import config, databases, faults, machine, paths, shell, testing, venv
from .progress import StepError, say

# Share of the faults that tests must notice, by area.
WANTED = {"core": 0.95, "models": 0.85}
SAMPLE = 60  # faults an area
EQUIVALENT = paths.ROOT / "devtools" / "equivalent.json"
TIMEOUT = 3 * 3600  # seconds for one process
SECONDS = {"core": 90, "models": 240}  # of tests for one fault, in one process
RESTARTS = 8  # of a process that a hanging test ended
# They look at pages, texts, layout and the wheel, not at what code does.
ASIDE = re.compile(
    r"_tour$|^test_(conform|docs|labels|layout|outside|translations|wheel)$"
)
NICE = ("nice", "-n", "10")


def run(areas, count, seed):
    """Try ``count`` faults an area, and print those that no test noticed; whether
    enough were noticed."""
    areas = [area.strip("/") for area in areas] or [*WANTED]
    for area in areas:
        if _kind(area) not in WANTED or not (paths.ROOT / area).is_dir():
            raise StepError(f"no such area: {area}; there are: {', '.join(WANTED)}")
    machine.prepare(tests=True)
    known = json.loads(EQUIVALENT.read_text()) if EQUIVALENT.exists() else {}
    results = {}
    for area in areas:
        drawn = faults.draw(area, count, seed, set(known))
        results[area] = _try_all(area, drawn)
    good = True
    for area, noticed in results.items():
        share = sum(noticed.values()) / max(len(noticed), 1)
        enough = share >= WANTED[_kind(area)]
        say("ok" if enough else "FAILED", f"{area}: {share:.1%} noticed")
        good = good and enough
    return good


def _try_all(area, drawn):
    """Fault to whether a test noticed it; prints the survivors, and a table."""
    trial = _Trial(area, drawn)
    deals = _deal(_tests(area), len(os.sched_getaffinity(0)))
    with ThreadPoolExecutor(len(deals)) as pool:
        list(pool.map(trial.run_part, itertools.count(), deals))
        list(pool.map(trial.run_from_start, itertools.count(), trial.only_at_import()))
    noticed = {fault: bool(trial.test_of(fault)) for fault in drawn}
    rooms = Counter(_room(fault) for fault in drawn)
    for fault, seen in noticed.items():
        if not seen:
            say("SURVIVED", f"{fault.key}  {fault}")
    for room in sorted(rooms):
        seen = sum(seen for fault, seen in noticed.items() if _room(fault) == room)
        say("...", f"{room:<24}{seen:>4} of {rooms[room]:>3} noticed")
    return noticed


def _kind(area):
    return area.partition("/")[0]


def _planted(drawn):
    return {fault.key: (fault.path, fault.place) for fault in drawn}


def _names(path, fault):
    """Whether a test, or its text, names the module of a fault."""
    stem = Path(fault.path).stem
    return path.stem == f"test_{stem}" or re.search(rf"\b{stem}\b", path.read_text())


def _room(fault):
    return Path(fault.path).parent.as_posix()


def _tests(area):
    """Paths of the tests that try the faults of an area."""
    tests = paths.ROOT / "tests"
    folders = {"core", "system", "simulator", "upgrade", "addons"}
    kind, *room = area.split("/")
    if kind == "core" or room:
        found = (tests / ("core" if kind == "core" else room[0])).glob("test_*.py")
    else:
        found = (p for p in tests.glob("*/test_*.py") if p.parent.name not in folders)
    # Odoo meets the addon by its link, under its own name.
    root = paths.ROOT if kind == "core" else paths.ADDON_LINK
    return sorted(
        root / path.relative_to(paths.ROOT)
        for path in found
        if not ASIDE.search(path.stem)
    )


def _deal(files, parts):
    """The files in parts of about the same size."""
    dealt = [[] for __ in range(parts)]
    for path in sorted(files, key=lambda path: -path.stat().st_size):
        smallest = min(dealt, key=lambda part: sum(p.stat().st_size for p in part))
        smallest.append(path)
    return [sorted(part) for part in dealt if part]


class _Trial:
    """The faults of an area, and what their tests said."""

    def __init__(self, area, drawn):
        self.area, self.drawn = area, drawn
        self.plain = _kind(area) == "core"
        self.name = area.replace("/", "-")
        self.folder = paths.RUN / f"mutate_{self.name}_{os.getpid()}"
        self.folder.mkdir()
        self.results = self.folder / "results"
        self.results.touch()

    def test_of(self, fault):
        """The test that noticed the fault, or None."""
        lines = map(json.loads, self.results.read_text().splitlines())
        # A process whose tests did not notice it says so as well.
        tests = (line["test"] for line in lines if line["key"] == fault.key)
        return next(filter(None, tests), None)

    def only_at_import(self):
        """Faults that no test noticed and that are reached while modules load."""
        lines = map(json.loads, self.results.read_text().splitlines())
        early = {line["key"] for line in lines if line["early"]}
        return [f for f in self.drawn if f.key in early and not self.test_of(f)]

    def run_from_start(self, number, fault):
        """Try one fault that is there from the first import on, by the tests that name
        its file."""
        values = {"plain": self.plain, "from_start": fault.key}
        files = [path for path in _tests(self.area) if _names(path, fault)]
        number = f"start{number}"
        plan = self.folder / f"plan_{number}"
        plan.write_text(json.dumps({**values, "faults": _planted([fault])}))
        with self._place(number) as (options, env):
            if files and self._pytest(number, plan, ["-x", *options, *files], env):
                line = {"key": fault.key, "test": files[0].stem, "early": True}
                with open(self.results, "a") as output:
                    output.write(json.dumps(line) + "\n")

    def run_part(self, number, files):
        """Try the faults by some of the tests.

        :raise StepError: the tests do not pass without a fault
        """
        plan = self.folder / f"plan_{number}"
        # From both ends: what one process has seen noticed the other leaves out.
        drawn = self.drawn[::-1] if number % 2 else self.drawn
        values = {
            "plain": self.plain,
            "faults": _planted(drawn),
            "results": str(self.results),
            "memory": str(self.folder / f"memory_{number}"),
            "seconds": SECONDS[_kind(self.area)],
        }
        plan.write_text(json.dumps(values))
        for __ in range(RESTARTS):
            with self._place(number) as (options, env):
                code = self._pytest(number, plan, [*options, *files], env)
            if code != faults.HUNG:
                break
        if code:
            log = paths.LOG / f"mutate-{self.name}-{number}.log"
            raise StepError(f"the tests of {self.area} do not run", log=log)

    @contextmanager
    def _place(self, number):
        if self.plain:
            yield ["-p", "no:odoo"], {}
            return
        template = databases.template()
        with databases.run_clone(f"m{number}", template) as database:
            conf = config.write(f"mutate_{database}", database)
            try:
                env = testing.test_environment(database, template)
                yield [f"--odoo-config={conf}", "--odoo-http"], env
            finally:
                conf.unlink()

    def _pytest(self, number, plan, words, env):
        command = [*NICE, venv.python(), "-m", "pytest", "-p", "devtools.planted"]
        env = {**env, "PHARMACY_SYNC_MUTATE": str(plan), "CI": "true"}
        log = f"mutate-{self.name}-{number}"
        options = ["-q", "--tb=native", "-s"]
        name = f"{self.name} {number}"
        return shell.run_shown([*command, *options, *words], log, TIMEOUT, name, env)[0]
