"""``./dev mutate``: build faults into the code, one at a time, and see a test fail.

A fault is a comparison turned round, an ``and`` for an ``or``, a ``not`` left out, a
number one larger, a statement left out. They are drawn at random from the sources, the
same for the same seed; each is tried by the tests that stand nearest: of ``core/`` the
unit tests that import the module, of a room of ``models/`` the tests of that room. One
that no test notices has survived. Survivors that change nothing anybody could see are
listed in ``devtools/equivalent.json``, each with the reason.
"""

import ast
import copy
import hashlib
import json
import random
import re
import time
from dataclasses import dataclass
from pathlib import Path

from . import config, databases, machine, paths, shell, testing, venv
from .progress import StepError, say

# Share of the faults that tests must notice, by area.
WANTED = {"core": 0.95, "models": 0.85}
EQUIVALENT = paths.ROOT / "devtools" / "equivalent.json"
TIMEOUT = 900  # seconds for the tests of one fault
OPPOSITES = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
}


@dataclass(frozen=True)
class Fault:
    """A fault in one file.

    :ivar line: where it is
    :ivar old: source of what it replaces, on one line
    :ivar new: what takes its place
    :ivar text: source of the whole file with it
    """

    path: str
    line: int
    old: str
    new: str
    text: str

    @property
    def key(self):
        """What names the fault while the lines around it change."""
        words = f"{self.path}\n{self.old}\n{self.new}"
        return hashlib.sha256(words.encode()).hexdigest()[:12]

    def __str__(self):
        return f"{self.path}:{self.line}  {self.old}  ->  {self.new}"


def run(areas, count, seed):
    """Try ``count`` faults an area, and print those that no test noticed; whether
    enough were noticed."""
    unknown = sorted(set(areas) - set(WANTED))
    if unknown:
        raise StepError(f"no such area: {unknown}; there are: {', '.join(WANTED)}")
    machine.prepare(tests=True)
    known = json.loads(EQUIVALENT.read_text()) if EQUIVALENT.exists() else {}
    shares = {}
    with databases.run_clone() as database:
        conf = config.write(f"mutate_{database}", database)
        runner = _Runner(conf, testing.test_environment(database, databases.template()))
        try:
            for area in areas or WANTED:
                faults = draw(area, count, seed, set(known))
                shares[area] = _try_all(runner, area, faults)
        finally:
            conf.unlink()
    for area, share in shares.items():
        say("ok" if share >= WANTED[area] else "FAILED", f"{area}: {share:.0%} noticed")
    return all(share >= WANTED[area] for area, share in shares.items())


def _try_all(runner, area, faults):
    survivors = []
    for number, fault in enumerate(faults, 1):
        start = time.monotonic()
        noticed = runner.notices(fault)
        word = "noticed" if noticed else "SURVIVED"
        seconds = time.monotonic() - start
        say(word, f"{number}/{len(faults)}  {fault.key}  {fault}", seconds)
        if not noticed:
            survivors.append(fault)
    return 1 - len(survivors) / max(len(faults), 1)


class _Runner:
    """Runs the tests of a file, with a fault in it and without."""

    def __init__(self, conf, env):
        self.conf, self.env = conf, env
        self.green = {}

    def notices(self, fault):
        """Whether the tests nearest to the fault fail by it.

        :raise StepError: they fail without it
        """
        words = tests_of(fault.path)
        if words not in self.green:
            self.green[words] = self._passes(words)
        if not self.green[words]:
            raise StepError(f"fail without a fault: {' '.join(words)}")
        path = paths.ROOT / fault.path
        sound = path.read_text()
        path.write_text(fault.text)
        try:
            return not self._passes(words)
        finally:
            path.write_text(sound)

    def _passes(self, words):
        options = ["-x", "-q", f"--odoo-config={self.conf}", "--odoo-http"]
        where = [str(paths.ADDON_LINK / word) for word in words]
        command = [venv.python(), "-m", "pytest", *options, *where]
        try:
            shell.run(command, "mutate", TIMEOUT, env=self.env)
        except StepError:
            return False
        return True


def tests_of(path):
    """The tests nearest to a source file: paths, in their order."""
    area, *rest = Path(path).parts
    tests = paths.ROOT / "tests"
    if area == "models":
        return (f"tests/{rest[0]}",)
    name = Path(path).stem
    imports = re.compile(rf"core\.{name} import|core import .*\b{name}\b")
    found = [
        file.relative_to(paths.ROOT).as_posix()
        for file in sorted((tests / "core").glob("test_*.py"))
        if imports.search(file.read_text()) or file.stem == f"test_{name}"
    ]
    return tuple(found) or ("tests/core",)


def draw(area, count, seed, left_out=frozenset()):
    """``count`` faults of an area, the same for the same seed and sources.

    :param left_out: keys of faults that are not to be drawn
    """
    files = sorted((paths.ROOT / area).rglob("*.py"))
    places = [
        (path, number)
        for path in files
        if path.name != "__init__.py"
        for number, __ in enumerate(_places(ast.parse(path.read_text())))
    ]
    random.Random(seed).shuffle(places)
    faults = {}
    for path, number in places:
        if len(faults) == count:
            break
        fault = _build(path, number)
        if fault and fault.key not in left_out:
            faults.setdefault(fault.key, fault)
    return list(faults.values())


def _build(path, number):
    """The fault at a place of a file; None if nothing differs by it."""
    text = path.read_text()
    tree = ast.parse(text)
    parent, field, index = _places(tree)[number]
    old = getattr(parent, field)
    old = old if index is None else old[index]
    new = _changed(old)
    lines = text.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: old.lineno - 1])) + old.col_offset
    end = sum(map(len, lines[: old.end_lineno - 1])) + old.end_col_offset
    # Brackets keep the place in what surrounds it.
    source = ast.unparse(new) if isinstance(new, ast.stmt) else f"({ast.unparse(new)})"
    changed = text.encode()[:start] + source.encode() + text.encode()[end:]
    shown = ast.unparse(old)
    if shown == ast.unparse(new):
        return None
    name = path.relative_to(paths.ROOT).as_posix()
    words = " ".join(shown.split()), " ".join(ast.unparse(new).split())
    return Fault(name, old.lineno, *words, changed.decode())


def _places(tree):
    """Where a fault can be: ``(parent, field, index)`` in the order of the source."""
    found = []
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            several = isinstance(value, list)
            for index, node in enumerate(value if several else [value]):
                if _changed(node) is not None and not _is_declaration(parent):
                    found.append((parent, field, index if several else None))
    return found


def _is_declaration(parent):
    """Whether it declares something: texts, fields and defaults are other tests'."""
    return isinstance(parent, (ast.Module, ast.ClassDef, ast.arguments, ast.keyword))


def _changed(node):
    """The same with a fault; None if this kind of node has none."""
    new = copy.deepcopy(node)
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OPPOSITES:
        new.ops[0] = OPPOSITES[type(node.ops[0])]()
    elif isinstance(node, (ast.BoolOp, ast.BinOp)) and type(node.op) in OPPOSITES:
        new.op = OPPOSITES[type(node.op)]()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        new = new.operand
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        new.value += 1
    elif _is_call(node):
        new = ast.Pass()
    else:
        return None
    return new


def _is_call(node):
    """Whether it is a statement that can be left out: a call, a raise, a write."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    return isinstance(node, (ast.Raise, ast.AugAssign, ast.Continue))
