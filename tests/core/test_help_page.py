"""The documentation as Odoo serves it, and the links of screens to its paragraphs."""

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

from odoo.addons.pharmacy_sync.core import help_page

ROOT = Path(help_page.__file__).parents[1]
STATIC = ROOT / "static"
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


def _records():
    """Of all files of views, the actions and the views: ``{xmlid: element}``."""
    return {
        record.get("id"): record
        for folder in ("views", "wizards")
        for path in sorted((ROOT / folder).rglob("*.xml"))
        for record in ElementTree.parse(path).iter("record")
    }


def _field(record, name):
    return record.findtext(f"field[@name='{name}']") if record is not None else None


def _has_help(action, records):
    """Whether the page of a menu has the link to its paragraph."""
    if action.get("model") == "ir.actions.client":
        tag = _field(action, "tag").partition(".")[2]
        templates = (ROOT / f"static/src/{tag}").rglob("*.xml")
        return any("<Help " in path.read_text() for path in templates)
    model = _field(action, "res_model")
    # The bar above a page has it; a dialog has none, and settings are of all apps.
    if model.startswith("sync.") and _field(action, "target") != "new":
        return True
    views = [r for r in records.values() if _field(r, "model") == model]
    return any(view.find(".//widget[@name='sync_help']") is not None for view in views)


def test_each_page_of_the_menu_has_its_paragraph():
    records = _records()
    menus = ElementTree.parse(ROOT / "views/menuitems.xml").getroot()
    names = [m.get("action") for m in menus.iter("menuitem") if m.get("action")]
    assert len(names) > 30
    assert [n for n in names if not _has_help(records[n], records)] == []


def test_what_is_configured_has_a_paragraph_of_its_own():
    """Not only its line in the page about the menu."""
    records = _records()
    menus = ElementTree.parse(ROOT / "views/menuitems.xml").getroot()
    (configuration,) = (
        m for m in menus.iter("menuitem") if m.get("id") == "menu_configuration"
    )
    names = [m.get("action") for m in configuration.iter("menuitem") if m.get("action")]
    models = {_field(records[name], "res_model") for name in names}
    linked = set(re.findall(r'^    "([a-z.]+)": "', HELP.read_text(), re.MULTILINE))
    assert models - linked == set()


@pytest.mark.parametrize(
    "text, target",
    [
        ("failures", "operator/failures"),
        ("../app/contract", "app/contract"),
        ("/app/contract", "app/contract"),
        ("Its side <../app/contract>", "app/contract"),
    ],
)
def test_a_link_has_its_own_words_or_those_of_its_page(text, target):
    words = "Its side" if "<" in text else help_page._title(target)
    found = help_page._link(text, "operator/daily")
    assert found == f"`{words} <{help_page.PREFIX}{target}>`__"


def test_the_title_of_a_page_is_its_first_heading():
    headings = re.findall(r"<h(\d)", help_page.page("operator/failures"))
    assert headings[0] == "1"
    assert headings.count("1") == 1
    assert set(headings[1:]) <= {"2", "3"}
