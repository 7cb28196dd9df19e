"""``./dev lint``: ruff, mypy, pylint-odoo, OCA's hooks, README and docs."""

from . import copying, docs, odoo, paths, readme, shell, venv
from .progress import StepError, explain, say, step

TIMEOUT = 300
LINES = 300  # what a linter says is worth reading whole
# Spelling of the XML declaration: prettier, which OCA uses too, has its own.
UNWANTED = "xml-header-wrong"
# A text that is the same in the other language is translated, not missing.
UNWANTED_PO = "po-pretty-format"
# A model is extended in each room that has to do with it.
UNWANTED_PYLINT = "consider-merging-classes-inherited"


def run(fix=False):
    """Run all linters; whether they are content."""
    venv.ensure_lint()
    odoo.link_addon()
    good = True
    for name, check in _checks(fix):
        try:
            with step(name):
                check()
        except StepError as failure:
            explain(failure, LINES)
            good = False
    say("ok" if good else "FAILED", "lint")
    return good


def _checks(fix):
    fixing = ["--fix"] if fix else []
    style = [] if fix else ["--check", "--diff"]
    brief = "--output-format=concise"
    yield "ruff check", _tool("ruff", "check", brief, *fixing, ".")
    yield "ruff format", _tool("ruff", "format", *style, ".")
    yield "mypy", _tool("mypy")
    addon = _copy()
    pylint = f"--rcfile={_pylintrc()}", f"--disable={UNWANTED_PYLINT}", addon.name
    yield "pylint-odoo", _tool("pylint", *pylint, cwd=addon.parent)
    hook = "oca-checks-odoo-module"
    yield hook, _tool(hook, f"--disable={UNWANTED}", addon, cwd=paths.RUN)
    catalogues = sorted((paths.ROOT / "i18n").glob("*.po*"))
    if catalogues:
        yield (
            "oca-checks-po",
            _tool("oca-checks-po", f"--disable={UNWANTED_PO}", *catalogues),
        )
    yield "README", readme.check
    yield "docs", docs.build


def _copy():
    """A copy of the addon for pylint, which follows no link to a folder, and for OCA's
    hook, which expects addons below a repository.

    Both find nothing elsewhere, and say so nowhere.
    """
    addon = copying.clean_copy("lint")
    (addon.parent / ".git").mkdir()
    return addon


def _pylintrc():
    return paths.ROOT / ".pylintrc"


def _tool(name, *words, cwd=paths.ROOT):
    """A check that runs one installed tool, by default on the checkout."""
    log = f"lint-{name}"

    def check():
        (paths.LOG / f"{log}.log").unlink(missing_ok=True)
        shell.run([paths.LINT_VENV / "bin" / name, *words], log, TIMEOUT, cwd=cwd)

    return check
