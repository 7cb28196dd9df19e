"""Faults for ``./dev mutate``: drawn from the sources, and planted in them.

A fault is a comparison turned round, an ``and`` for an ``or``, a ``not`` left out, a
number one larger, a statement left out. All faults of a file are planted at once, each
behind a switch of its own, so that a process that has loaded them can try one after the
other.
"""

import ast
import copy
import hashlib
import itertools
import random
import re
from collections import Counter
from dataclasses import dataclass

from . import paths

# Built-in function that the planted code asks whether a fault is switched on.
SWITCH = "__planted__"
# Exit code of a process that a hanging test was ended with.
HUNG = 70
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
ARITHMETIC = (ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)
NAMES = (ast.Name, ast.Load)


@dataclass(frozen=True)
class Fault:
    """A fault in one file.

    :ivar place: number among the places of the file where faults can be
    :ivar line: where it is
    :ivar old: source of what it replaces, on one line
    :ivar new: what takes its place
    :ivar nth: how many faults above it in the file are the same in words
    :ivar within: the function that it is in; empty: it is in none
    """

    path: str
    place: int
    line: int
    old: str
    new: str
    nth: int = 0
    within: str = ""

    @property
    def key(self):
        """What names the fault while the lines around it change."""
        words = f"{self.path}\n{self.old}\n{self.new}"
        if self.nth:
            words += f"\n{self.nth}"
        return hashlib.sha256(words.encode()).hexdigest()[:12]

    def __str__(self):
        return f"{self.path}:{self.line}  {self.old}  ->  {self.new}"


def draw(area, count, seed, left_out=frozenset()):
    """``count`` faults of an area, the same for the same seed and sources.

    :param left_out: keys of faults not to draw
    """
    found = [
        fault
        for path in _files(paths.ROOT / area)
        if path.name != "__init__.py"
        for fault in _faults(path)
    ]
    random.Random(seed).shuffle(found)
    wanted = (fault for fault in found if fault.key not in left_out)
    return list(itertools.islice(wanted, count))


def _files(area):
    return sorted(area.rglob("*.py")) if area.is_dir() else [area]


def _faults(path):
    """All faults of a file, in the order of its lines."""
    name = path.relative_to(paths.ROOT).as_posix()
    found, seen = [], Counter()
    tree = ast.parse(path.read_text())
    functions = _functions(tree)
    numbered = enumerate(_places(tree))
    for number, place in sorted(numbered, key=lambda pair: _where(*pair[1])):
        old = _get(*place)
        words = tuple(_on_a_line(node) for node in (old, _changed(old)))
        if words[0] != words[1]:
            function = _function_at(functions, old.lineno)
            within = function.name if function else ""
            found.append(Fault(name, number, old.lineno, *words, seen[words], within))
            seen[words] += 1
    return found


def _functions(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _function_at(functions, line):
    """The innermost function that a line is in, or None."""
    around = [node for node in functions if node.lineno <= line <= node.end_lineno]
    return max(around, key=lambda node: node.lineno, default=None)


def words_around(path, line):
    """Words of the function that a line of a source is in, and of its file's name."""
    source = (paths.ROOT / path).read_text()
    function = _function_at(_functions(ast.parse(source)), line)
    segment = ast.get_source_segment(source, function) if function else ""
    return words_of(f"{path} {segment}")


def words_of(text):
    """The words in a text, or in its names."""
    return frozenset(re.findall(r"[a-z]{4,}", text.lower()))


def _where(parent, field, index):
    node = _get(parent, field, index)
    return node.lineno, node.col_offset


def _on_a_line(node):
    return " ".join(ast.unparse(node).split())


def plant(source, keys):
    """The tree of a file with faults behind switches.

    :param keys: number of the place to the key that its switch is called by
    """
    tree = ast.parse(source)
    places = _places(tree)
    for number, key in keys.items():
        parent, field, index = places[number]
        old = _get(*places[number])
        switched = _switched(old, _changed(old), key)
        if index is None:
            setattr(parent, field, switched)
        else:
            getattr(parent, field)[index] = switched
    return ast.fix_missing_locations(tree)


def _switched(old, new, key):
    asked = ast.Call(ast.Name(SWITCH, ast.Load()), [ast.Constant(key)], [])
    if isinstance(old, ast.stmt):
        node = ast.If(asked, [new], [old])
    else:
        node = ast.IfExp(asked, new, old)
    return ast.copy_location(node, old)


def _get(parent, field, index):
    value = getattr(parent, field)
    return value if index is None else value[index]


def _places(tree):
    """Where a fault can be: ``(parent, field, index)`` in the order of the source."""
    found = []
    bounds = set(_bounds(tree))
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            several = isinstance(value, list)
            for index, node in enumerate(value if several else [value]):
                if node in bounds or _changed(node) is None:
                    continue
                if not _is_declaration(parent):
                    found.append((parent, field, index if several else None))
    return found


def _is_declaration(parent):
    """Whether it declares something: texts, fields and defaults are other tests'."""
    declarations = (ast.Module, ast.ClassDef, ast.arguments, ast.keyword)
    return isinstance(parent, (*declarations, ast.pattern))


def _bounds(tree):
    """What the numbers with a name of their own are made of, in modules and classes:
    ``LONGEST = 8 * 1024``, ``RECENT = PACE + 1``. They are chosen, and one larger is as
    good. A table of numbers is none of them, but for the ranges of a model's fields."""
    bodies = [
        n.body for n in ast.walk(tree) if isinstance(n, (ast.Module, ast.ClassDef))
    ]
    for statement in itertools.chain(*bodies):
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value:
            # Or several names, each with its number.
            several = isinstance(statement.value, ast.Tuple)
            values = statement.value.elts if several else [statement.value]
            parts = [part for value in values for part in ast.walk(value)]
            if _are_ranges(statement):
                yield from parts
            if several and not _is_unpacked(statement):
                continue
            if all(isinstance(p, (ast.Constant, *ARITHMETIC, *NAMES)) for p in parts):
                yield from parts


def _are_ranges(statement):
    names = [getattr(target, "id", "") for target in getattr(statement, "targets", ())]
    return names == ["_bounds"]


def _is_unpacked(statement):
    targets = getattr(statement, "targets", ())
    return any(isinstance(target, ast.Tuple) for target in targets)


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


def _says_one(call):
    return isinstance(call.func, ast.Attribute) and call.func.attr == "ensure_one"


def _says_that_it_is_abstract(node):
    return isinstance(node, ast.Raise) and (
        getattr(node.exc, "id", "") == "NotImplementedError"
    )


def _is_call(node):
    """Whether it is a statement that can be left out: a call, a raise, a write. Not
    what only says to a reader that there is one record, or that others fill a method
    in: none of ours calls them wrongly.
    """
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call) and not _says_one(node.value)
    if _says_that_it_is_abstract(node):
        return False
    return isinstance(node, (ast.Raise, ast.AugAssign, ast.Continue))
