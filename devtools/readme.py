"""``./dev readme``: README.rst and the addon's page from ``readme/*.rst``."""

import ast
import re

from . import headings, paths, shell
from .progress import StepError

FRAGMENTS = (
    ("DESCRIPTION", None),
    ("TRY", "Installation"),
    ("DOCUMENTATION", "Documentation"),
    ("ROADMAP", "Known issues"),
    ("CREDITS", "Credits"),
    ("CONTRIBUTORS", "Contributors"),
)
FOLDER = paths.ROOT / "readme"
README = paths.ROOT / "README.rst"
PAGE = paths.ROOT / "static/description/index.html"
NOTE = ".. Made by ./dev readme from the files in readme/: change those.\n"
LONGEST = 200  # lines: what is longer is read in docs/
LINK = re.compile(r"<(docs/[^>]+)>`_")
DOCS_ANCHOR = re.compile(r'<a [^>]*href="docs/[^>]*>([^<]*)</a>')
# Odoo shows the page inside its own, with its own style.
RST_OPTIONS = (
    "--stylesheet=",
    "--syntax-highlight=none",
    "--no-generator",
    "--no-source-link",
    "--no-file-insertion",
    "--no-raw",
    "--report=2",
    "--halt=2",
)


def write():
    """Write both files.

    :raises StepError: a fragment has a heading that would be none, a link leads
        nowhere, or the README is too long
    """
    README.write_text(_readme())
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(_page())


def check():
    """Raise :class:`StepError` when either file is not what would be written."""
    if not README.exists() or README.read_text() != _readme():
        raise StepError("README.rst is not up to date: run ./dev readme")
    if not PAGE.exists() or PAGE.read_text() != _page():
        raise StepError(f"{PAGE.relative_to(paths.ROOT)}: run ./dev readme")


def _readme():
    manifest = ast.literal_eval((paths.ROOT / "__manifest__.py").read_text())
    parts = [NOTE, _underlined(manifest["name"])]
    for name, title in FRAGMENTS:
        path = FOLDER / f"{name}.rst"
        if path.exists():
            parts += [_underlined(title)] if title else []
            text = path.read_text().strip() + "\n"
            headings.check(text, path)
            parts.append(text)
    if len(parts) == 2:
        raise StepError("readme/*.rst: no fragment found")
    text = "\n".join(parts)
    if text.count("\n") > LONGEST:
        raise StepError(f"README.rst is over {LONGEST} lines: write it in docs/")
    for target in LINK.findall(text):
        if not (paths.ROOT / target).exists():
            raise StepError(f"README.rst: {target} is not there")
    return text


def _page():
    words = [paths.LINT_VENV / "bin/rst2html5", *RST_OPTIONS, README]
    page = shell.text(words)
    if page is None:
        raise StepError("README.rst is not valid reStructuredText")
    # The page lies beside its pictures, README.rst does not; docs/ is not installed.
    page = page.replace('src="static/description/', 'src="')
    return DOCS_ANCHOR.sub(r"\1", page)


def _underlined(title):
    return f"{title}\n{'=' * len(title)}\n"
