"""A law of the house, read from the source: whoever comes in passes the neutral
environment before anything is compared, decided or written."""

import ast
from collections import defaultdict
from dataclasses import dataclass

from odoo.tests import BaseCase

from .test_layout import ODOO, File, _files, _texts

FOLDERS = ("models", "wizards", "controllers", "entities")
# What must not depend on who happens to run: (model, method).
WORK = {
    ("sync.entity", "_adopt"),
    ("sync.entity", "_canonical"),
    ("sync.entity", "_check_known"),
    ("sync.entity", "_create"),
    ("sync.entity", "_delete"),
    ("sync.entity", "_match"),
    ("sync.entity", "_set_active"),
    ("sync.entity", "_update_all"),
    ("sync.mapping", "_compare"),
    ("sync.mapping", "_decide"),
    ("sync.mapping", "_insert"),
    ("sync.mapping", "_move"),
    ("sync.operation", "_enqueue_push"),
}
# Functions that make the environment, or go on in it.
NEUTRAL = {"neutral", "_as_runner", "_neutral_mapping"}
# Odoo calls what is marked so, as whoever runs.
MARKED = {"depends", "constrains", "onchange", "ondelete", "autovacuum", "route"}
# Methods of Odoo's own: those of ours that extend them are entrances.
ELSEWHERE = {*ODOO, "default_get"}
# They call methods of their model by names that begin so.
BY_NAME = {
    ("sync.event", "_handle"): "_handle_",
    ("sync.saga.step", "_call_app"): "_call_",
    ("sync.saga.step", "_write_result"): "_write_",
}
# They answer with the records that they are called on, in another environment.
SAME_RECORDS = {
    *("browse", "exists", "filtered", "sorted", "sudo", "with_user", "_deciding"),
}


@dataclass(eq=False)
class Function:
    """A function, or a method of a model.

    :ivar model: None of one that is no model's
    """

    file: File
    model: str | None
    node: ast.FunctionDef

    def __str__(self):
        return f"{self.file.name}:{self.node.lineno} {self.node.name}"

    @property
    def is_entrance(self):
        """Whether it is called from outside: over RPC, by a button, by the job runner,
        the scheduler, a route, or by Odoo itself."""
        marks = {getattr(n, "attr", None) for d in self.marks for n in ast.walk(d)}
        if self.model is None:
            return "route" in marks
        name = self.node.name
        public = not name.startswith("_") and "private" not in marks
        return public or name.startswith(("_cron_", "_job_")) or bool(marks & MARKED)

    @property
    def marks(self):
        return self.node.decorator_list


class Calls:
    """Who calls whom, by name: a method of ``self`` or of ``self.env["..."]`` is that
    model's, any other that of every model that has one."""

    def __init__(self, files):
        self.functions, self.methods = defaultdict(list), defaultdict(dict)
        self.parents, self.children = defaultdict(set), defaultdict(set)
        self.plain = defaultdict(list)
        for file in files:
            models = {found.node: found for found in file.classes}
            for node in file.tree.body:
                if isinstance(node, ast.FunctionDef):
                    self.plain[node.name].append(Function(file, None, node))
                elif isinstance(node, ast.ClassDef):
                    self._add_class(file, node, models.get(node))

    def _add_class(self, file, node, found):
        model = found and found.model
        if model:
            self.parents[model].update({*found.parents} - {model})
            for parent in self.parents[model]:
                self.children[parent].add(model)
        for method in node.body:
            if isinstance(method, ast.FunctionDef):
                function = Function(file, model, method)
                self.functions[method.name].append(function)
                self.methods[model].setdefault(method.name, []).append(function)

    def entrances(self):
        every = (f for functions in self.functions.values() for f in functions)
        return [function for function in every if function.is_entrance]

    def way(self, entrance):
        """The shortest way from an entrance to the work, past no neutral environment: a
        list of functions; None if there is none."""
        came, todo = {entrance: None}, [entrance]
        for function in todo:
            if self._names(function) & NEUTRAL:
                continue
            for called in self._called(function):
                if called in came:
                    continue
                came[called] = function
                if self._is_work(called):
                    return self._back(came, called)
                todo.append(called)
        return None

    def _back(self, came, function):
        way = []
        while function:
            way.insert(0, function)
            function = came[function]
        return way

    def _is_work(self, function):
        name = function.node.name
        models = {function.model, *self.parents[function.model]}
        if (function.model or "").startswith("sync.entity"):
            models.add("sync.entity")
        return any((model, name) in WORK for model in models)

    def _names(self, function):
        nodes = ast.walk(function.node)
        return {getattr(n, "id", getattr(n, "attr", None)) for n in nodes}

    def _called(self, function):
        name = function.node.name
        if start := BY_NAME.get((function.model, name)):
            own = self.methods[function.model]
            yield from (f for n in own if n.startswith(start) for f in own[n])
        known = _models_of_names(function.node, function.model)
        nodes = list(ast.walk(function.node))
        called = {n.func for n in nodes if isinstance(n, ast.Call)}
        for node in nodes:
            if isinstance(node, ast.Name):
                yield from self.plain[node.id]
            if not isinstance(node, ast.Attribute):
                continue
            # The controllers only read which methods the API has.
            read_only = not function.model and node.attr == "_methods"
            # A private one may be handed on to be called, such as to ``apart``.
            if (node in called or node.attr.startswith("_")) and not read_only:
                yield from self._meant(node, known)

    def _meant(self, node, known):
        # A job, and what the scheduler calls, is an entrance of its own.
        if node.attr in ELSEWHERE or node.attr.startswith(("_job_", "_cron_")):
            return
        model = _receiver(node.value, known)
        if model is None:
            yield from (found for found in self.functions[node.attr] if found.model)
        else:
            yield from self._inherited(node.attr, model)

    def _inherited(self, name, model, of=("parents", "children")):
        """What a model has by a name, those that it inherits from, and those that
        inherit from it."""
        yield from self.methods[model].get(name, ())
        for relation in of:
            for other in getattr(self, relation)[model]:
                yield from self._inherited(name, other, (relation,))


def _models_of_names(function, model):
    """``Mapping = self.env["sync.mapping"]``, ``for mapping in self``, and so on: the
    model by the name."""
    known = {"self": model}
    for node in ast.walk(function):
        targets, value = [], None
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.For):
            targets, value = [node.target], node.iter
        for target in targets:
            if isinstance(target, ast.Name) and (found := _receiver(value, known)):
                known.setdefault(target.id, found)
    return known


def _receiver(node, known):
    """The model that a method is called on; None if that is not to be seen."""
    while (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in SAME_RECORDS
    ):
        node = node.func.value
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "super":
        return known.get("self")
    if isinstance(node, ast.Subscript) and getattr(node.value, "attr", None) == "env":
        return (_texts(node.slice) or [None])[0]
    return None


class TestEntrances(BaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calls = Calls(_files(*FOLDERS))

    def test_every_entrance_passes_the_neutral_environment(self):
        ways = map(self.calls.way, self.calls.entrances())
        found = [" > ".join(map(str, way)) for way in ways if way]
        self.assertEqual(sorted(found), [], "they compare or write as whoever runs")

    def test_what_they_must_not_reach_exists(self):
        missing = [
            f"{model}.{name}"
            for model, name in WORK
            if not self.calls.methods[model].get(name)
        ]
        self.assertEqual(missing, [])
