"""The laws of the house, read from the source: rooms know only rooms below them, files
are small and named after what is in them, nobody overrides their own addon."""

import ast
import re
import unittest
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from odoo.models import BaseModel
from odoo.tests import BaseCase, HttpCase
from odoo.tests.loader import get_module_test_cases, get_test_modules

ROOT = Path(__file__).resolve().parents[1]
# From the ground up: a room knows those before it.
ROOMS = (
    *("base", "backend", "error", "call", "event", "operation", "conflict"),
    *("exchange", "dead_letter", "reconcile", "saga", "analytics", "alert", "api"),
    "toolkit",
)
FLOORS = ("core", "entities", "client", "controllers", "wizards", "models")
# Folders of tests that Odoo's runner does not run, and why. None has an Odoo test case.
APART = {
    "core": "plain Python: pytest's parameters, Hypothesis' properties, no database",
    "simulator": "plain Python: histories that pytest deals out, no database",
    "system": "servers and databases of their own, which the workshop starts and kills",
}
RUNNERS = ("odoo.tests", "unittest")
FILES_IN_ROOM, CLASSES_OF_MODEL, LINES, FUNCTION = 12, 5, 400, 50
# What a room knows of one above it, each with its reason: (file, what is known).
# This list may only shrink.
_STATE = "the mapping's state is that of its operations and conflicts"
_JOB = "whoever changes something schedules the job, which stands where the road does"
UPWARD = {
    ("models/backend/sync_backend.py", "_job_pull()"): _JOB,
    ("models/backend/sync_backend.py", "_job_push()"): _JOB,
    (
        "models/backend/sync_mapping.py",
        "_open_lines()",
    ): "lines in conflict stay as they are",
    ("models/backend/sync_mapping.py", "sync.conflict"): _STATE,
    ("models/backend/sync_mapping.py", "sync.operation"): _STATE,
}
# Hooks: each calls super and only adds, so that order does not matter. Rooms, and other
# addons, extend them.
HOOKS = {
    ("sync.api", "_methods"): "what the app may call",
    ("sync.alert", "_sources"): "what may raise an alert",
    ("sync.backend", "_connection_changed"): "what follows another address or key",
    ("sync.backend", "_create_parts"): "what a backend begins with",
    ("sync.backend", "_stood_still"): "what time does not count for",
    ("sync.backend", "_app_is_back"): "what waits for the app goes on",
    ("sync.backend", "_app_went_back"): "what follows once the app was set back",
    ("sync.component", "_lists"): "where a room's parts are looked at",
    ("sync.component", "_queries"): "a room's own parts",
    ("sync.config", "_keep_numbers"): "a room keeps its own numbers",
    ("sync.backend", "_seal_all"): "a room's own secrets",
    ("sync.delivery", "_about"): "what it is about, for its reader",
    ("sync.delivery", "_is_behind"): "what must be over before",
    ("sync.delivery", "_known_reference"): "what a receiver made of an earlier one",
    ("sync.delivery", "_problem"): "what makes a delivery pointless",
    ("sync.delivery", "_receiver"): "who gets it",
    ("sync.delivery", "_settled"): "what follows a delivery",
    ("sync.error", "_name_work"): "a room names its own work",
    ("sync.error", "_recorded"): "what follows from an error",
    ("sync.event", "_event_routes"): "handlers of events",
    ("sync.event", "_handler_lost"): "what follows from events that are lost",
    ("sync.operation", "_applied"): "what follows an arrival",
    ("sync.operation", "_carried_over"): "what follows a push",
    ("sync.exposition", "_families"): "figures for Prometheus",
    ("sync.overview", "_more"): "parts of the overview",
    ("sync.retention", "_drop_records"): "what goes by the ORM once it is old",
    ("sync.retention", "_expired"): "what goes once it is old",
    ("sync.saga.step", "_steps"): "steps of a saga",
    ("sync.stream", "_sends_no_more"): "what ends once nothing is sent any more",
    ("sync.stream", "_flooded"): "what follows a flood of changes past the ORM",
}
# Methods of Odoo's own that any model has.
ODOO = {"create", "write", "unlink", "search", "read", "fetch", "copy"}
# How the methods begin that the steps of a saga call by a step's name.
STEPS = ("_call_", "_write_")
# Decorators by which Odoo calls no method on its own.
NO_CALL = {"api.model", "api.model_create_multi", "api.private", "api.readonly"}
FORBIDDEN = {
    "core": ("odoo", "psycopg2", "requests", "models", "entities", "client"),
    "entities": ("models", "wizards", "controllers"),
    "client": ("models", "entities", "wizards", "controllers"),
}


@dataclass
class ModelClass:
    """A class of a model."""

    node: ast.ClassDef
    model: str
    defines: bool
    parents: list

    @cached_property
    def methods(self):
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        return {n.name: n for n in self.node.body if isinstance(n, kinds)}


@dataclass
class File:
    """A file and what its syntax tree says."""

    path: Path

    @cached_property
    def name(self):
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def room(self):
        return self.path.relative_to(ROOT).parts[1]

    @cached_property
    def folder(self):
        """The room, or the sub-room of it: ``alert/channel``."""
        return self.path.relative_to(ROOT / "models").parent.as_posix()

    @cached_property
    def depth(self):
        """Dots with which it imports from another room."""
        return len(self.path.relative_to(ROOT / "models").parts)

    @cached_property
    def lines(self):
        return self.path.read_text(encoding="utf-8").count("\n")

    @cached_property
    def tree(self):
        return ast.parse(self.path.read_text(encoding="utf-8"))

    @cached_property
    def nodes(self):
        return list(ast.walk(self.tree))

    @cached_property
    def classes(self):
        found = (_model_class(node) for node in self.tree.body)
        return [cls for cls in found if cls]

    @cached_property
    def plain_methods(self):
        """Names of the methods of classes that are no models."""
        models = {cls.node for cls in self.classes}
        return {
            method.name
            for node in self.nodes
            if isinstance(node, ast.ClassDef) and node not in models
            for method in node.body
            if isinstance(method, ast.FunctionDef)
        }


def _model_class(node):
    if not isinstance(node, ast.ClassDef):
        return None
    values = {
        target.id: statement.value
        for statement in node.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    name, parents = _texts(values.get("_name")), _texts(values.get("_inherit"))
    if not name and not parents:
        return None
    model = (name or parents)[0]
    return ModelClass(node, model, bool(name) and model not in parents, parents)


def _texts(node):
    """Texts of a constant, or of a list of constants."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.List | ast.Tuple):
        return [text for element in node.elts for text in _texts(element)]
    return []


def _files(*folders):
    return [
        File(path)
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.name != "__init__.py"
    ]


class TestLayout(BaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = _files(*(f"models/{room}" for room in ROOMS))
        cls.models = {
            c.model: file.room for file in cls.files for c in file.classes if c.defines
        }
        cls.methods = defaultdict(set)
        for file in cls.files:
            for found in file.classes:
                for name in found.methods:
                    cls.methods[name].add(file.room)
        # A name that plain classes and lower floors have too says nothing of a room.
        elsewhere = {
            node.name
            for file in _files("core", "entities", "client")
            for node in file.nodes
            if isinstance(node, ast.FunctionDef)
        }
        elsewhere.update(name for file in cls.files for name in file.plain_methods)
        for name in ODOO | elsewhere:
            cls.methods.pop(name, None)

    def test_every_file_of_models_stands_in_a_room(self):
        found = {path.name for path in (ROOT / "models").iterdir() if path.is_dir()}
        self.assertEqual(found - {"__pycache__"}, set(ROOMS))
        self.assertEqual(
            [p.name for p in (ROOT / "models").glob("*.py")], ["__init__.py"]
        )

    def test_rooms_know_only_rooms_below_them(self):
        found = defaultdict(list)
        for file in self.files:
            for line, what, room in self._known(file):
                if ROOMS.index(room) > ROOMS.index(file.room):
                    found[file.name, what].append(
                        f"{file.name}:{line} {what} of {room}"
                    )
        new = [line for key in found.keys() - UPWARD.keys() for line in found[key]]
        self.assertEqual(sorted(new), [], "rooms know these rooms above them")
        self.assertEqual(sorted(UPWARD.keys() - found.keys()), [], "no longer needed")

    def _known(self, file):
        """What a file knows of rooms: (line, what, room)."""
        for node in file.nodes:
            if isinstance(node, ast.ImportFrom) and node.level == file.depth:
                room = (node.module or "").split(".")[0]
                if room in ROOMS:
                    yield node.lineno, f"import {node.module}", room
            elif isinstance(node, ast.Subscript):
                for text in _texts(node.slice):
                    if text in self.models:
                        yield node.lineno, text, self.models[text]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield from self._called(node)
        for found in file.classes:
            for parent in {*found.parents, found.model} & self.models.keys():
                yield found.node.lineno, parent, self.models[parent]

    def _called(self, node):
        name = node.func.attr
        if name in ("Many2one", "One2many", "Many2many"):
            words = [k.value for k in node.keywords if k.arg == "comodel_name"]
            for text in (t for word in [*node.args[:1], *words] for t in _texts(word)):
                if text in self.models:
                    yield node.lineno, text, self.models[text]
        elif name in self.methods:
            yield node.lineno, f"{name}()", min(self.methods[name], key=ROOMS.index)

    def test_rooms_and_files_are_small(self):
        rooms = Counter(file.folder for file in self.files)
        classes = Counter((f.folder, c.model) for f in self.files for c in f.classes)
        twice = [
            f"{file.name}: {model} has {count} classes"
            for file in self.files
            for model, count in Counter(c.model for c in file.classes).items()
            if count > 1
        ]
        large = [
            f"{n}: {count} files" for n, count in rooms.items() if count > FILES_IN_ROOM
        ]
        large += [
            f"{room}: {model} in {count} classes"
            for (room, model), count in classes.items()
            if count > CLASSES_OF_MODEL
        ]
        rooms_of_core = Counter(file.path.parent.name for file in _files("core"))
        large += [
            f"{n}: {count} files of core"
            for n, count in rooms_of_core.items()
            if count > FILES_IN_ROOM
        ]
        for file in _files(*FLOORS):
            if file.lines > LINES:
                large.append(f"{file.name}: {file.lines} lines")
            for node in file.nodes:
                if isinstance(node, ast.FunctionDef):
                    length = node.end_lineno - node.lineno + 1
                    if length > FUNCTION:
                        large.append(f"{file.name}: {node.name} has {length} lines")
        self.assertEqual(twice + large, [])

    def test_prefix_says_that_a_file_defines_the_model(self):
        wrong = []
        for file in self.files:
            defined = {c.model.replace(".", "_") for c in file.classes if c.defines}
            if file.path.stem.startswith("sync_") != (file.path.stem in defined):
                wrong.append(
                    f"{file.name} defines {', '.join(sorted(defined)) or 'none'}"
                )
        self.assertEqual(wrong, [])

    def test_no_method_of_a_model_stands_in_two_files(self):
        found = defaultdict(set)
        for file in _files("models", "entities", "wizards"):
            for cls in file.classes:
                for name in cls.methods:
                    found[cls.model, name].add(file.name)
        twice = {key: names for key, names in found.items() if len(names) > 1}
        wrong = [
            f"{model}.{name}: {', '.join(sorted(names))}"
            for (model, name), names in twice.items()
            if (model, name) not in HOOKS
        ]
        self.assertEqual(wrong, [])
        self.assertEqual(sorted(HOOKS.keys() - twice.keys()), [], "are no hooks")

    def test_hooks_call_super(self):
        silent, base = [], Counter()
        for file in self.files:
            for cls in file.classes:
                for name in cls.methods.keys() & {n for __, n in HOOKS}:
                    if (cls.model, name) not in HOOKS:
                        continue
                    calls = ast.dump(cls.methods[name])
                    if "id='super'" not in calls:
                        base[cls.model, name] += 1
                        silent.append(f"{file.name}: {name}")
        self.assertEqual([key for key, n in base.items() if n > 1], [], silent)

    def test_no_method_is_called_by_its_name_as_a_text(self):
        private = {name for name in self.methods if name.startswith("_")}
        wrong = []
        for file in _files("models", "wizards", "controllers"):
            for node in file.nodes:
                if not isinstance(node, ast.Call) or _declares(node.func):
                    continue
                wrong += [
                    f"{file.name}:{node.lineno} {text}"
                    for word in node.args
                    for text in _texts(word)
                    if text in private
                ]
        self.assertEqual(wrong, [])

    def test_no_text_is_translated_within_an_f_string(self):
        """What collects the texts for translators does not look into its braces: the
        text would stay English in every language."""
        wrong = [
            f"{file.name}:{call.lineno} {ast.unparse(call)}"
            for file in _files(*FLOORS)
            for text in file.nodes
            if isinstance(text, ast.JoinedStr)
            for call in ast.walk(text)
            if isinstance(call, ast.Call)
            # _(...), self.env._(...), _lt(...)
            if getattr(call.func, "attr", getattr(call.func, "id", "")) in ("_", "_lt")
        ]
        self.assertEqual(wrong, [], "is a text that no translator is shown")

    def test_lower_floors_import_nothing_of_higher_ones(self):
        wrong = []
        for floor, words in FORBIDDEN.items():
            for file in _files(floor):
                for node in file.nodes:
                    for module in _imported(node):
                        if module.split(".")[0] in words:
                            wrong.append(f"{file.name}:{node.lineno} {module}")
        self.assertEqual(wrong, [])

    def test_files_of_core_import_each_other_in_no_circle(self):
        known = {file.path: _neighbours(file) for file in _files("core")}
        names = [path.relative_to(ROOT).as_posix() for path in _circle(known)]
        self.assertEqual(names, [], "these import each other, or what does")

    def test_rooms_of_core_import_each_other_in_no_circle(self):
        """A file that stands in no room is one of its own."""
        room = {
            file.path: file.path.relative_to(ROOT / "core").parts[0].removesuffix(".py")
            for file in _files("core")
        }
        needs = defaultdict(set)
        for file in _files("core"):
            own = room[file.path]
            found = {room[path] for path in _neighbours(file) & room.keys()}
            needs[own] |= found - {own}
        self.assertEqual(_circle(needs), [], "these import each other, or what does")

    def test_every_function_is_called_or_named(self):
        """Of a method that the addon's manual shows the reader is the caller."""
        files = _files(*FLOORS)
        named, own = Counter(), Counter()
        for text in _texts_of_the_addon():
            named.update(re.findall(r"\w+", text))
        for node in (node for file in files for node in file.nodes):
            if isinstance(node, ast.FunctionDef):
                own[node.name] += 1
        wrong = [
            f"{file.name}:{node.lineno} {node.name}"
            for file in files
            for node in file.nodes
            if isinstance(node, ast.FunctionDef)
            if named[node.name] <= own[node.name]
            if not (_is_odoos(node) or node.name.startswith(STEPS))
        ]
        self.assertEqual(wrong, [], "nothing calls it")

    def test_every_test_module_is_found_by_odoo(self):
        listed = {
            f"{node.module}.{alias.name}" if node.module else alias.name
            for node in ast.parse((ROOT / "tests/__init__.py").read_text()).body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        there = {
            ".".join(path.relative_to(ROOT / "tests").with_suffix("").parts)
            for path in (ROOT / "tests").rglob("test_*.py")
            if path.relative_to(ROOT / "tests").parts[0] not in APART
        }
        self.assertEqual(there, listed)
        names = Counter(name.split(".")[-1] for name in there)
        self.assertEqual([name for name, n in names.items() if n > 1], [])

    def test_odoo_runs_every_test(self):
        """Its loader takes what a class inherits only where that class says so."""
        modules = get_test_modules(__name__.split(".")[2])
        taken = {
            (type(test), test._testMethodName)
            for module in modules
            for test in get_module_test_cases(module)
            # Without a tag it would run at neither of both moments.
            if {"at_install", "post_install"} & test.test_tags
        }
        cases = {
            case
            for module in modules
            for case in vars(module).values()
            if isinstance(case, type) and issubclass(case, unittest.TestCase)
        }
        there = {
            (case, name)
            for case in cases
            for name in unittest.TestLoader().getTestCaseNames(case)
        }
        self.assertEqual(sorted(map(str, there - taken)), [])
        self.assertGreater(len(taken), 1000, "nothing was looked at")

    def test_what_odoo_does_not_run_has_no_case_of_its_own(self):
        found = [
            f"{file.name}:{node.lineno} {name}"
            for file in _files(*(f"tests/{folder}" for folder in APART))
            for node in file.nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in [
                getattr(node, "module", None),
                *(alias.name for alias in node.names),
            ]
            if name in RUNNERS
        ]
        self.assertEqual(found, [])

    def test_no_test_case_writes_over_a_method_of_its_runner(self):
        """pytest calls none of them; Odoo's runner ends with all its tests."""
        methods = {name for name in dir(HttpCase) if callable(getattr(HttpCase, name))}
        wrong = [
            f"{file.name}:{node.lineno} self.{node.attr}"
            for file in _files("tests")
            if file.name.split("/")[1] not in APART
            for node in file.nodes
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
            if isinstance(node.value, ast.Name) and node.value.id == "self"
            if node.attr in methods
        ]
        self.assertEqual(wrong, [])


def _texts_of_the_addon():
    """What may name a function: the code, views and data, the pages' scripts, and the
    manual, but for the table of all methods."""
    kinds = {".py", ".xml", ".js", ".rst"}
    yield from (path.read_text(encoding="utf-8") for path in ROOT.glob("*.py"))
    for folder in (*FLOORS, "data", "docs", "migrations", "static/src", "views"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in kinds:
                yield path.read_text(encoding="utf-8")


def _is_odoos(method):
    """Whether Odoo calls it: of a name that any model has, or by its decorator; or
    whether it only adds to another of its name."""
    decorators = [ast.unparse(node) for node in method.decorator_list]
    return (
        hasattr(BaseModel, method.name)
        or method.name.startswith("__")
        or any(d.startswith("api.") and d not in NO_CALL for d in decorators)
        or f"super().{method.name}" in ast.unparse(method)
    )


def _declares(function):
    """Whether a call declares a field or a route, which name methods."""
    owner = getattr(getattr(function, "value", None), "id", None)
    return owner in ("fields", "api") or getattr(function, "id", None) == "Route"


def _neighbours(file):
    """Paths of the files that one imports relative to itself."""
    found = set()
    for node in file.nodes:
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = file.path.parents[node.level - 1]
            module = folder.joinpath(*(node.module or "").split("."))
            found.add(module.with_suffix(".py"))
            found.update(module / f"{alias.name}.py" for alias in node.names)
    return found


def _circle(needs):
    """What is in a circle, or needs what is.

    :param needs: what each one needs
    """
    known = dict(needs)
    while free := [name for name, own in known.items() if not own & {*known}]:
        for name in free:
            del known[name]
    return sorted(known)


def _imported(node):
    """Modules that a node imports, relative ones by their first name."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        if node.level >= 2 and not node.module:
            return [alias.name for alias in node.names]
        return [node.module or ""] if node.level != 1 else []
    return []
