"""What is kept is written in the words of the source: a text that was translated for
whoever, or whatever, wrote it would be read in that language by all others."""

import ast
from pathlib import Path

from odoo.addons.pharmacy_sync.core import said

ROOT = Path(said.__file__).parents[1]
FOLDERS = ("entities", "models", "wizards")
# What makes a stored field for a text.
TEXTS = {"fields.Char", "fields.Text", "Sentence"}
# Names that things made for people have, once, in the language of who makes them.
ONCE = {
    "name": "records, dialogs and buttons are called so",
    "body": "what is posted in a history, as everywhere in Odoo",
    "summary": "an activity is made for one person, in their language",
    "note": "likewise",
}
# Methods that keep the text that they are given.
KEEPERS = {
    *("_abandon", "_end_line", "_end_work", "_give_back", "_note", "_note_action"),
    *("_park", "_pause", "_plan", "_probe_now", "_redrive", "_settle", "_succeed"),
    *("_went_back", "Found", "Receipt", "Sighting", "with_values"),
}
# Calls whose named arguments are fields; and those that hand a text on.
WRITERS = {"dict", "update", "write"}
JOINING = {"append", "format", "join"}


class _Function:
    """A function of the addon, and where its translated texts go.

    :ivar keeps: the texts that it keeps, as ``(line, text)``
    :ivar returns: whether it returns such a text
    """

    def __init__(self, node, known, stored, translating):
        self._known, self._stored, self._translating = known, stored, translating
        self._fills = node.name.startswith(("_compute_", "_inverse_", "_search_"))
        self.keeps, self.returns, self._locals = [], False, {}
        self._parents = {
            child: parent
            for parent in ast.walk(node)
            for child in ast.iter_child_nodes(parent)
        }
        calls = [n for n in ast.walk(node) if self._translates(n)]
        for call in calls:
            self._follow(call, call)
        # What a local name holds goes where the name goes.
        loads = [
            use
            for use in ast.walk(node)
            if isinstance(use, ast.Name) and isinstance(use.ctx, ast.Load)
        ]
        for name, source in list(self._locals.items()):
            for use in loads:
                if use.id == name:
                    self._follow(use, source)

    def _translates(self, node):
        if not isinstance(node, ast.Call):
            return False
        name = _called(node)
        return ast.unparse(node.func).endswith("env._") or name in self._translating

    def _follow(self, node, source):
        """Where a text goes from here: up through the expression that it is in."""
        child, parent = node, self._parents.get(node)
        while parent is not None and not isinstance(child, ast.stmt):
            if self._ends(child, parent, source):
                return
            child, parent = parent, self._parents.get(parent)
        if isinstance(child, ast.Return):
            self.returns = True
        elif isinstance(child, ast.Assign):
            for target in child.targets:
                self._assigned(target, source)

    def _ends(self, child, parent, source):
        """Whether the way of a text ends in an expression."""
        if isinstance(parent, ast.Raise) or isinstance(child, ast.Compare):
            return True
        if isinstance(parent, ast.Dict) and child in parent.values:
            names = [getattr(key, "value", None) for key in parent.keys]
            # Else it is an action of the web client, or a table of words.
            if self._known.issuperset(names) and "type" not in names:
                self._keep(names[parent.values.index(child)], source)
            return True
        if isinstance(parent, ast.keyword):
            called = _called(self._parents[parent])
            if called in KEEPERS or called in WRITERS:
                self._keep(parent.arg, source, anyway=True)
            return True
        if isinstance(parent, ast.Call) and child is not parent.func:
            if _called(parent) in KEEPERS:
                self._keep("", source, anyway=True)
            return _called(parent) not in JOINING
        return False

    def _assigned(self, target, source):
        if isinstance(target, ast.Name):
            self._locals.setdefault(target.id, source)
        elif isinstance(target, ast.Attribute) and not self._fills:
            self._keep(target.attr, source)

    def _keep(self, name, source, anyway=False):
        if (anyway or name in self._stored) and name not in ONCE:
            self.keeps.append((source.lineno, ast.unparse(source)))


def _called(call):
    """The name of the function or method of a call."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _trees():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text())


def _fields(trees):
    """Names of the fields of our models: all, and the stored ones that hold a text."""
    every, stored = set(), set()
    for __, tree in trees:
        for node in ast.walk(tree):
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
                continue
            kind, name = ast.unparse(node.value.func), node.targets[0]
            if kind.startswith("fields.") or kind in TEXTS:
                every.add(getattr(name, "id", ""))
                options = {keyword.arg for keyword in node.value.keywords}
                if kind in TEXTS and "compute" not in options:
                    stored.add(getattr(name, "id", ""))
    return every, stored


def found(trees):
    """Translated texts that are kept: ``["path:line text", ...]``."""
    (known, stored), translating = _fields(trees), set()
    while True:
        kept, more = [], set()
        for path, tree in trees:
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef) and node.name not in TABLES:
                    function = _Function(node, known, stored, translating)
                    kept += [f"{path}:{line} {text}" for line, text in function.keeps]
                    # A private method of that name may be another model's: only what
                    # says what is wrong, or why, by its name.
                    if function.returns and node.name.startswith(REASONS):
                        more.add(node.name)
        if more <= translating:
            return sorted(set(kept))
        translating |= more


# Tables of words, by names that fields have too; and rows of figures.
TABLES = {"_auth_words", "_token_words", "_count_by"}
# How methods are called that say why.
REASONS = ("_why", "_problem", "_missing", "_left_", "_pause_reason", "_vacate")


def test_no_translated_text_is_kept():
    """Use a sentence of core/said.py, and a field that is a ``Sentence``."""
    assert found([*_trees()]) == []


def test_what_is_kept_is_found():
    """As this test was meant: by a key, an attribute, a local name, and a method."""
    code = """
class Model:
    reason = Sentence()
    def action(self):
        self.write({"reason": self.env._("By key")})
        self.reason = self.env._("By attribute")
        why = self.env._("By name")
        self.write({"reason": why})
        self._settle("cancelled", self.env._("By method"))
        self.reason = self._why_not()
    def _why_not(self):
        return self.env._("By another")
    def shown(self):
        return {"type": "ir.actions.client", "reason": self.env._("Shown")}
    def refuse(self):
        raise UserError(self.env._("Refused"))
    def _compute_reason(self):
        self.reason = self.env._("Read")
"""
    kept = found([("a.py", ast.parse(code))])
    assert len(kept) == 5, kept
    for text in ("By key", "By attribute", "By name", "By method", "_why_not"):
        assert any(text in line for line in kept), text
