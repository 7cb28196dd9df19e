"""The documentation as Odoo serves it, and the links of screens to its paragraphs."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from odoo.addons.pharmacy_sync.core import help_page

STATIC = Path(help_page.__file__).parents[1] / "static"
HELP = STATIC / "src/help/help.js"


class _Page(HTMLParser):
    def __init__(self, name):
        super().__init__()
        self.ids, self.links, self.pictures, self.text = set(), [], [], ""
        self.feed(help_page.page(name))

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if "id" in found:
            self.ids.add(found["id"])
        if tag == "a":
            self.links.append(found["href"])
        if tag == "img":
            self.pictures.append(found["src"])

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("name", help_page.names())
def test_a_page_is_whole(name):
    page = _Page(name)
    assert page.text.strip()
    for mark in (".. toctree", ":doc:", ":guilabel:", ":term:", "`__"):
        assert mark not in page.text
    source = help_page.names()[name].read_text("utf-8")
    assert len(page.links) >= len(re.findall(r":doc:`", source))
    for link in page.links:
        if link.startswith(help_page.PREFIX):
            assert link.removeprefix(help_page.PREFIX) in help_page.names(), link
    for picture in page.pictures:
        assert (STATIC / picture.removeprefix(help_page.STATIC)).exists(), picture


@pytest.mark.parametrize("name", help_page.names())
def test_docutils_takes_all_of_a_page(name, monkeypatch):
    """What it cannot read it leaves out: it must complain of nothing."""
    strict = {"report_level": 2, "halt_level": 2}
    monkeypatch.setattr(help_page, "_SETTINGS", {**help_page._SETTINGS, **strict})
    assert help_page.page.__wrapped__(name)


def test_a_page_is_reached_by_its_name_alone():
    assert help_page.page("operator/failures")
    assert help_page.page("operator/nowhere") is None
    assert help_page.page("../__manifest__") is None
    assert help_page.page("conf") is None


def test_links_of_screens_lead_to_paragraphs():
    links = re.findall(r'"([a-z]+/[a-z-]+)#([a-z-]+)"', HELP.read_text())
    assert len(links) > 20
    for name, paragraph in links:
        assert paragraph in _Page(name).ids, (name, paragraph)
