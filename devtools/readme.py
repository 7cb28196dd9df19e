"""``./dev readme``: README.rst and the addon's page from ``readme/*.rst``."""

import ast
import re

from . import news, paths, shell
from .progress import StepError

FRAGMENTS = (
    ("DESCRIPTION", None),
    ("INSTALL", "Installation"),
    ("CONFIGURE", "Configuration"),
    ("USAGE", "Usage"),
    ("TROUBLESHOOTING", "Troubleshooting"),
    ("DEVELOP", "Development"),
    ("ROADMAP", "Known issues"),
    ("HISTORY", "Changelog"),
    ("CREDITS", "Credits"),
    ("CONTRIBUTORS", "Contributors"),
)
FOLDER = paths.ROOT / "readme"
README = paths.ROOT / "README.rst"
PAGE = paths.ROOT / "static/description/index.html"
NOTE = ".. Made by ./dev readme from the files in readme/: change those.\n"
UNDERLINE = re.compile(r"([=\-~^\"'.+*])\1{2,}")
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

    :raises StepError: a fragment has a heading that would not be one
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
            text = news.history() if path == news.HISTORY else path.read_text()
            parts.append(_checked(text, path))
    if len(parts) == 2:
        raise StepError("readme/*.rst: no fragment found")
    return "\n".join(parts)


def _checked(text, path):
    lines = text.strip().splitlines()
    for number, line in enumerate(lines):
        before = lines[max(number - 2, 0) : number]
        # docutils takes it for text of the paragraph above, and says nothing.
        if len(before) == 2 and all(before) and UNDERLINE.fullmatch(line):
            raise StepError(
                f"{path.relative_to(paths.ROOT)}:{number}: a heading needs an empty "
                f"line before it: {before[-1]}"
            )
    return "\n".join(lines) + "\n"


def _page():
    words = [paths.LINT_VENV / "bin/rst2html5", *RST_OPTIONS, README]
    page = shell.text(words)
    if page is None:
        raise StepError("README.rst is not valid reStructuredText")
    # The page lies beside its pictures, README.rst does not.
    return page.replace('src="static/description/', 'src="')


def _underlined(title):
    return f"{title}\n{'=' * len(title)}\n"
