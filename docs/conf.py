"""Sphinx: the documentation by reader. Built by ``./dev docs``, where a warning is an
error."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from devtools import news  # noqa: E402

_manifest = ast.literal_eval((ROOT / "__manifest__.py").read_text())
project = _manifest["name"]
author = _manifest["author"]
release = version = _manifest["version"]
extensions = []
highlight_language = "none"
html_theme = "alabaster"
html_theme_options = {"description": _manifest["summary"], "page_width": "1000px"}
html_copy_source = False


def setup(app):
    """The page of news is what ``./dev news`` keeps."""
    app.connect("source-read", _with_news)


def _with_news(_app, name, source):
    if name == "changelog":
        source[0] += news.history()
