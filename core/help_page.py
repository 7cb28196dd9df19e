"""The documentation of ``docs/`` as pages that Odoo itself serves, so that a link on a
screen leads to the paragraph of the version that is installed, without a network.

The words that only Sphinx knows are written as plain reStructuredText first; docutils,
which Odoo brings, makes HTML of it.
"""

import posixpath
import re
from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from pathlib import Path

from docutils.core import publish_parts

FOLDER = Path(__file__).resolve().parents[1] / "docs"
PREFIX = "/pharmacy_sync/docs/"
STATIC = "/pharmacy_sync/static/"
INDEX = "index"
_SETTINGS = {
    "doctitle_xform": False,
    "embed_stylesheet": False,
    "halt_level": 5,
    "initial_header_level": 1,
    "raw_enabled": False,
    "report_level": 5,
    "section_self_link": True,
    "smart_quotes": False,
    "syntax_highlight": "none",
}
_ROLE = re.compile(r":(\w+):`([^`]+)`((?=  ))?")
_TARGET = re.compile(r"(.*?)\s*<([^>]+)>", re.DOTALL)
_TOCTREE = re.compile(
    r"^\.\. toctree::\n(?:   :.*\n)*\n((?:(?:   \S.*)?\n)+)", re.MULTILINE
)
_GLOSSARY = re.compile(r"^\.\. glossary::\n", re.MULTILINE)
_IMAGE = re.compile(r"^\.\. image:: \S*/static/", re.MULTILINE)
_HTML = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{static}help/help.css">
</head>
<body>
<nav><a href="{prefix}{index}">Pharmacy Sync</a></nav>
<main>{body}</main>
</body>
</html>
"""


@cache
def names() -> Mapping[str, Path]:
    """The pages there are, by name: ``operator/failures``."""
    return {
        path.relative_to(FOLDER).with_suffix("").as_posix(): path
        for path in sorted(FOLDER.rglob("*.rst"))
    }


@cache
def page(name: str) -> str | None:
    """A page of the documentation as HTML; None if there is none of that name."""
    path = names().get(name)
    if path is None:
        return None
    parts = publish_parts(
        _plain(path.read_text("utf-8"), name),
        source_path=str(path),
        writer_name="html5",
        settings_overrides=_SETTINGS,
    )
    return _HTML.format(
        title=escape(_title(name)),
        body=parts["html_body"],
        static=STATIC,
        prefix=PREFIX,
        index=INDEX,
    )


def _title(name: str) -> str:
    """The first heading of a page."""
    return names()[name].read_text("utf-8").lstrip().partition("\n")[0]


def _plain(text: str, name: str) -> str:
    """The text of a page without what only Sphinx knows."""
    text = _TOCTREE.sub(lambda found: _contents(found[1], name), text)
    text = _GLOSSARY.sub("", text)
    text = _IMAGE.sub(f".. image:: {STATIC}", text)

    def said(found: re.Match[str]) -> str:
        text = _said(found[1], found[2], name)
        # In a column of a table, the next one begins where it did.
        return text if found[3] is None else text.ljust(len(found[0]))

    return _ROLE.sub(said, text)


def _contents(entries: str, name: str) -> str:
    links = (_link(entry, name) for entry in entries.split())
    return "\n".join(f"* {link}" for link in links) + "\n\n"


def _said(role: str, text: str, name: str) -> str:
    roles: Mapping[str, Callable[[str], str]] = {
        "doc": lambda said: _link(said, name),
        "guilabel": lambda said: f"**{said}**",
        "menuselection": lambda said: f"**{said.replace('-->', '>')}**",
        "term": lambda said: f"`{said} <{PREFIX}glossary>`__",
    }
    return roles[role](text) if role in roles else f"``{text}``"


def _link(text: str, name: str) -> str:
    """A link to another page, named relative to this one or from the top."""
    found = _TARGET.fullmatch(text)
    title, target = (found[1], found[2]) if found else ("", text)
    folder = "" if target.startswith("/") else posixpath.dirname(name)
    target = posixpath.normpath(posixpath.join(folder, target.lstrip("/")))
    return f"`{title or _title(target)} <{PREFIX}{target}>`__"
