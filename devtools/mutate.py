"""``./dev mutate``: build faults into the code, one at a time, and see a test fail.

The faults (:mod:`.faults`) are drawn at random from the sources, the same for the same
seed. Those of ``core/`` are tried by ``tests/core`` without Odoo, those of ``models/``
by the tests of their room in one process, but for the tours, and then by those of other
rooms that name the method at fault; those of one file of ``core/`` by the tests that
name it. The tests are dealt out to one process a processor, each with a database of its
own; each runs its tests once without a fault, and then tries the faults, one every few
seconds (:mod:`.planted`).

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
from tempfile import mkdtemp

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
# Folders of tests that do not meet Odoo in one process.
APART = {"core", "system", "simulator", "upgrade", "addons"}
NICE = ("nice", "-n", "10")


def run(areas, count, seed):
    """Try ``count`` faults an area, and print those that no test noticed; whether
    enough were noticed."""
    areas = [area.strip("/") for area in areas] or [*WANTED]
    for area in areas:
        if _kind(area) not in WANTED or not (paths.ROOT / area).exists():
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
    noticed = {}
    for place, some in _by_place(area, drawn).items():
        found = _try(place, some, _tests(place))
        noticed.update(found)
        for fault, seen in found.items():
            if not seen:
                say("SURVIVED", f"{fault.key}  {fault}")
    rooms = Counter(_room(fault) for fault in drawn)
    for room in sorted(rooms):
        seen = sum(seen for fault, seen in noticed.items() if _room(fault) == room)
        say("...", f"{room:<24}{seen:>4} of {rooms[room]:>3} noticed")
    return noticed


def _by_place(area, drawn):
    """The faults by the area whose tests try them: those of models by their room."""
    if area != "models":
        return {area: drawn}
    rooms = {}
    for fault in drawn:
        rooms.setdefault("/".join(Path(fault.path).parts[:2]), []).append(fault)
    return dict(sorted(rooms.items()))


def _try(area, drawn, files, elsewhere=True):
    """Fault to whether one of the tests of some files noticed it; of the models, where
    they did not, also those elsewhere that name the method at fault."""
    trial = _Trial(area, drawn, files)
    deals = _deal(files, len(os.sched_getaffinity(0)))
    with ThreadPoolExecutor(len(deals)) as pool:
        list(pool.map(trial.run_part, itertools.count(), deals))
        list(pool.map(trial.run_from_start, itertools.count(), trial.only_at_import()))
    noticed = {fault: bool(trial.test_of(fault)) for fault in drawn}
    left = [fault for fault in drawn if not noticed[fault]]
    if elsewhere and left and _kind(area) == "models":
        # A name of one word, such as write, is that of many.
        names = {f.within for f in left if "_" in f.within.strip("_")}
        other = {path: path.read_text() for path in _in_process() - {*files}}
        further = [p for p, text in other.items() if any(n in text for n in names)]
        if further:
            noticed.update(_try(area, left, sorted(further), elsewhere=False))
    return noticed


def _kind(area):
    return area.partition("/")[0]


def _planted(drawn):
    return {fault.key: (fault.path, fault.place) for fault in drawn}


def _names(path, module):
    """Whether a test, or its text, names a module, which is given by its path."""
    stem = Path(module).stem
    return path.stem == f"test_{stem}" or re.search(rf"\b{stem}\b", path.read_text())


def _room(fault):
    return Path(fault.path).parent.as_posix()


def _tests(area):
    """Paths of the tests that try the faults of an area."""
    kind, *room = area.split("/")
    if kind == "models":
        return sorted(p for p in _in_process() if p.parent.name == room[0])
    found = sorted((paths.ROOT / "tests/core").glob("test_*.py"))
    return [
        path
        for path in found
        if not ASIDE.search(path.stem)
        if not area.endswith(".py") or _names(path, area)
    ]


def _in_process():
    """Paths of the tests that meet Odoo in one process: by the addon's link, under its
    own name."""
    found = (paths.ROOT / "tests").glob("*/test_*.py")
    return {
        paths.ADDON_LINK / path.relative_to(paths.ROOT)
        for path in found
        if path.parent.name not in APART and not ASIDE.search(path.stem)
    }


def _deal(files, parts):
    """The files in parts of about the same size."""
    dealt = [[] for __ in range(parts)]
    for path in sorted(files, key=lambda path: -path.stat().st_size):
        smallest = min(dealt, key=lambda part: sum(p.stat().st_size for p in part))
        smallest.append(path)
    return [sorted(part) for part in dealt if part]


class _Trial:
    """The faults of an area, and what their tests said."""

    def __init__(self, area, drawn, files):
        self.area, self.drawn, self.files = area, drawn, files
        self.plain = _kind(area) == "core"
        self.name = area.replace("/", "-")
        self.folder = Path(mkdtemp(prefix=f"mutate_{self.name}_", dir=paths.RUN))
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
        files = [path for path in self.files if _names(path, fault.path)]
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
