"""``./dev docs``: the documentation of ``docs/`` as HTML, by Sphinx.

Sphinx, not MkDocs: the README and the news are reStructuredText already, so that texts
move between them and the pages as they are, and it knows every link between pages by
itself: with ``-n -W`` one that leads nowhere is an error, as is a page that no other
names.
"""

from . import headings, paths, shell, venv
from .progress import say

FOLDER = paths.ROOT / "docs"
TIMEOUT = 300


def write():
    """Build the pages, and say where they are."""
    build()
    say("ok", f"{paths.SITE / 'index.html'}")


def build():
    """Build the pages.

    :raises StepError: there is a warning, a link that leads nowhere, or a heading that
        would be none
    """
    for path in sorted(FOLDER.rglob("*.rst")):
        headings.check(path.read_text(), path)
    venv.ensure_docs()
    sphinx = paths.DOCS_VENV / "bin/sphinx-build"
    strict = ("--quiet", "--nitpicky", "--fail-on-warning")
    words = [sphinx, *strict, "--builder", "html", FOLDER, paths.SITE]
    shell.run(words, "docs", TIMEOUT)
