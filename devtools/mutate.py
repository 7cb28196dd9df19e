"""``./dev mutate``: build faults into the code, one at a time, and see a test fail.

The faults (:mod:`.faults`) are drawn at random from the sources, the same for the same
seed. Those of ``core/`` are tried by ``tests/core`` without Odoo, those of ``models/``
by the tests that meet Odoo in one process, but for the tours. The faults are dealt out
to one process a processor, each with a database of its own. All tests run once, to
show which of them reach a fault; then these try it, the likeliest first
(:mod:`.planted`).

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
# How many tests try a fault, the likeliest to notice it, before it has survived.
TESTS = {"core": 200, "models": 60}
RESTARTS = 8  # of a process that a hanging test ended
# They look at pages, texts, layout and the wheel, not at what code does; or they call
# all there is, for minutes.
ASIDE = re.compile(r"_tour$|^test_(conform|docs|layout|translations|walls\w*|wheel)$")
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
    trial = _Trial(area, drawn)
    number = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(number) as pool:
        list(pool.map(trial.look, itertools.count(), _deal(trial.files, number)))
        list(pool.map(trial.run_part, itertools.count(), _deal(drawn, number)))
        list(pool.map(trial.run_from_start, itertools.count(), trial.only_at_import()))
    noticed = {fault: bool(trial.test_of(fault)) for fault in drawn}
    for fault, seen in noticed.items():
        if not seen:
            say("SURVIVED", f"{fault.key}  {fault}")
    rooms = Counter(map(_room, drawn))
    for room in sorted(rooms):
        seen = sum(seen for fault, seen in noticed.items() if _room(fault) == room)
        say("...", f"{room:<24}{seen:>4} of {rooms[room]:>3} noticed")
    return noticed


def _deal(things, parts):
    return [things[start::parts] for start in range(parts)]


def _kind(area):
    return area.partition("/")[0]


def _room(fault):
    return "/".join(Path(fault.path).parts[:-1][:2])


def _tests(area):
    """Paths of the tests that may notice a fault of an area."""
    return _plain() if _kind(area) == "core" else _in_process()


def _names(path, module):
    """Whether a test, or its text, names a module, which is given by its path, or the
    model that it is called after."""
    stem = Path(module).stem
    either = rf"\b({stem}|{re.escape(stem.replace('_', '.'))})\b"
    return path.stem == f"test_{stem}" or re.search(either, path.read_text())


def _plain():
    """Paths of the tests that need no Odoo."""
    found = sorted((paths.ROOT / "tests/core").glob("test_*.py"))
    return [path for path in found if not ASIDE.search(path.stem)]


def _in_process():
    """Paths of the tests that meet Odoo in one process: by the addon's link, under its
    own name."""
    return [
        paths.ADDON_LINK / path.relative_to(paths.ROOT)
        for path in sorted((paths.ROOT / "tests").glob("*/test_*.py"))
        if path.parent.name not in APART and not ASIDE.search(path.stem)
    ]


class _Trial:
    """The faults of an area, and what their tests said."""

    def __init__(self, area, drawn):
        self.area, self.drawn = area, drawn
        self.files = _tests(area)
        self.plain = _kind(area) == "core"
        self.name = area.replace("/", "-")
        self.folder = Path(mkdtemp(prefix=f"mutate_{self.name}_", dir=paths.RUN))
        self.looks, self.results = self.folder / "looks", self.folder / "results"
        self.looks.touch()
        self.results.touch()

    def test_of(self, fault):
        """The test that noticed the fault, or None."""
        found = (line["test"] for line in self._lines() if line["key"] == fault.key)
        # A fault met while modules load has a second line.
        return next(filter(None, found), None)

    def only_at_import(self):
        """Faults that no test noticed and that are reached while modules load."""
        early = {line["key"] for line in self._lines() if line["early"]}
        return [f for f in self.drawn if f.key in early and not self.test_of(f)]

    def _lines(self):
        return list(map(json.loads, self.results.read_text().splitlines()))

    def run_from_start(self, number, fault):
        """Try one fault that is there from the first import on, by the tests that name
        its file."""
        number = f"start{number}"
        plan = self._plan(number, [fault], from_start=fault.key)
        files = [path for path in self.files if _names(path, fault.path)]
        with self._place(number) as (options, env):
            if files and self._pytest(number, plan, ["-x", *options, *files], env):
                line = {"key": fault.key, "test": files[0].stem, "early": True}
                with open(self.results, "a") as output:
                    output.write(json.dumps(line) + "\n")

    def look(self, number, files):
        """See which faults the tests of some files reach.

        :raise StepError: the tests do not run
        """
        plan = self._plan(number, self.drawn, looks=str(self.looks))
        with self._place(number) as (options, env):
            self._check(number, self._pytest(number, plan, [*options, *files], env))

    def run_part(self, number, drawn):
        """Try some of the faults in a process of their own.

        :raise StepError: the tests do not run
        """
        plan = self._plan(
            number,
            drawn,
            looks=str(self.looks),
            results=str(self.results),
            most=TESTS[_kind(self.area)],
        )
        for __ in range(RESTARTS):
            with self._place(number) as (options, env):
                code = self._pytest(number, plan, [*options, *self.files], env)
            if code != faults.HUNG:
                break
        self._check(number, code)

    def _check(self, number, code):
        if code:
            log = paths.LOG / f"mutate-{self.name}-{number}.log"
            raise StepError(f"the tests of {self.area} do not run", log=log)

    def _plan(self, number, drawn, **values):
        """The file that says to a process what to try."""
        planted = {
            fault.key: {"path": fault.path, "place": fault.place, "line": fault.line}
            for fault in drawn
        }
        plan = self.folder / f"plan_{number}"
        plan.write_text(json.dumps({"plain": self.plain, "faults": planted, **values}))
        return plan

    @contextmanager
    def _place(self, number):
        if self.plain:
            yield ["-p", "no:odoo"], {}
            return
        template = databases.template()
        with databases.run_clone(f"m{number}", template) as database:
            conf = config.write(f"mutate_{database}", database, jobs=False)
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
