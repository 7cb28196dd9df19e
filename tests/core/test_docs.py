"""What docs/ says of numbers, names and words is what the code has."""

import csv
import json
import os
import re
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

import pytest

from odoo.addons.pharmacy_sync.core import exceptions
from odoo.addons.pharmacy_sync.core.alert.conditions import KINDS
from odoo.addons.pharmacy_sync.core.analytics.health_score import FIGURES
from odoo.addons.pharmacy_sync.core.api import (
    health_methods as api_health,
    limits,
    methods as api_methods,
)
from odoo.addons.pharmacy_sync.core.api.answer_status import status_of
from odoo.addons.pharmacy_sync.core.api.openapi import document
from odoo.addons.pharmacy_sync.core.check.schema import Method
from odoo.addons.pharmacy_sync.core.taxonomy import TAXONOMY

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TOOLKIT = "developer/toolkit"
METHODS = {
    m.name: m
    for module in (api_methods, api_health)
    for m in vars(module).values()
    if isinstance(m, Method)
}
# Has the tables of the methods written anew.
WRITES = "PHARMACY_SYNC_METHODS"
# Where the words on screens are.
SHOWN = ("models", "static/src", "views", "wizards")
SHOWN_SUFFIXES = {".py", ".js", ".xml"}
# Menus of Odoo and of the job runner, where paths may begin too.
OTHER_MENUS = ("Settings", "Job Queue")


def read(page):
    return (DOCS / f"{page}.rst").read_text()


def table(page, first):
    """The rows of the page's csv-table whose first column has this name."""
    start = rf"csv-table::\n   :header: {first},.*\n(?:   :.*\n)*\n"
    found = re.search(start + r"((?:   .+\n)+)", read(page))
    lines = (line.strip() for line in found[1].splitlines())
    return [*csv.reader(lines, skipinitialspace=True)]


def code(text):
    return text.strip("`")


def test_every_type_of_error_has_its_row():
    retryable = defaultdict(set)
    for kind, info in TAXONOMY.items():
        retryable[str(kind)].add(info.retryable)
    for cls in vars(exceptions).values():
        kind = getattr(cls, "error_type", None)
        if kind and "retryable" in cls.overrides:
            retryable[str(kind)].add(cls.overrides["retryable"])
    again = {(True,): "yes", (False,): "no", (False, True): "it depends"}
    wanted = {
        kind: (str(status_of(kind)), again[tuple(sorted(values))])
        for kind, values in retryable.items()
    }
    rows = table("app/errors", "type")
    assert {code(row[0]): (row[1], row[2]) for row in rows} == wanted
    assert len(rows) == len(wanted)


def test_statuses_are_those_of_the_openapi_document():
    path, *_ = document(METHODS.values(), {}, "/api", ())["paths"].values()
    reported = {row[0] for row in table("app/errors", "status")}
    assert reported == set(path["post"]["responses"])


def methods_table():
    yield "method", "arguments", "what it does"
    for name, method in sorted(METHODS.items()):
        arguments = [
            argument.name if argument.required else f"*{argument.name}*"
            for argument in method.arguments
            if argument.name != "correlation_id"
        ]
        yield f"``{name}``", ", ".join(arguments), method.summary


def arguments_table():
    yield "method", "argument", "what it must be", "what it means"
    for name, method in sorted(METHODS.items()):
        for argument in method.arguments:
            schema = argument.shape.schema()
            about = f"``{name}``", f"``{argument.name}``"
            if argument.name != "correlation_id":
                yield *about, bounds(schema), schema.get("description", "")


def bounds(schema):
    """What a JSON schema asks for, in words."""
    if "enum" in schema:
        return "one of " + ", ".join(f"``{value}``" for value in schema["enum"])
    kind = schema.get("type", "any value")
    if kind == "integer":
        return f"integer from {schema['minimum']} to {schema['maximum']}"
    if kind == "array":
        return f"array of up to {schema['maxItems']}"
    if kind == "string":
        shortest = schema.get("minLength")
        length = f"{shortest} to" if shortest else "up to"
        return f"string of {length} {schema['maxLength']} characters"
    return kind


@pytest.mark.parametrize("made", [methods_table, arguments_table])
def test_methods_and_their_arguments(made):
    """The tables are made of what checks the arguments."""
    path = DOCS / "app" / f"{made.__name__.removesuffix('_table')}.csv"
    rows = [list(row) for row in made()]
    if os.environ.get(WRITES):
        with path.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    with path.open(newline="") as file:
        assert [*csv.reader(file)] == rows
    assert path.name in read("app/methods")


def test_bounds():
    rows = re.findall(r"^(\S.*?)  +(\d[\d,]*)(.*)$", read("administrator/limits"), re.M)
    reported = {row[0]: int(row[1].replace(",", "")) for row in rows}
    assert reported["records in one ``push``"] == limits.MAX_RECORDS
    assert reported["ids in one ``status``, ``retry``"] == limits.MAX_RECORDS
    assert reported["ids in one ``lookup``"] == limits.MAX_LOOKUPS
    assert reported["changes in a page"] == limits.MAX_PAGE
    assert reported["body of a request"] == limits.MAX_BODY / 2**20


def test_the_contract_is_that_of_the_reference_app():
    served = json.loads((ROOT / "pharmacy_app/openapi.json").read_text())["paths"]
    asked = re.findall(r"``(GET|POST) (/[^?`\s]+)", read("app/contract"))
    assert len(asked) > 8
    for method, path in asked:
        assert method.lower() in served[f"/api/v1{path}"], (method, path)


@pytest.mark.parametrize("condition", KINDS)
def test_the_operator_finds_every_alert(condition):
    title = str(KINDS[condition].title)
    words = max(re.split(r"%\(\w+\)s", title), key=len).strip(" :,()")
    assert words in read("operator/index")


def test_code_of_the_toolkit_s_page_is_that_of_the_example_addon():
    addon = (ROOT / "tests/addons/pharmacy_sync_carrier/parcel.py").read_text()
    blocks = re.findall(r"code-block:: python\n\n((?:    .*\n|\n)+)", read(TOOLKIT))
    assert len(blocks) > 4
    for block in map(_without_indentation, blocks):
        assert block in _without_indentation(addon), block


def _without_indentation(text):
    return "\n".join(line.strip() for line in text.strip().splitlines())


@pytest.fixture(scope="module")
def shown():
    """All that the addon may show, as it is in its files."""
    return "\n".join(
        path.read_text()
        for folder in SHOWN
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in SHOWN_SUFFIXES
    )


def test_words_of_screens_are_on_screens(shown):
    """Buttons, states and menus that a page names by these roles are there."""
    missing = []
    for path in sorted(DOCS.rglob("*.rst")):
        text = path.read_text()
        words = set(re.findall(r":guilabel:`([^`]+)`", text))
        for menu in re.findall(r":menuselection:`([^`]+)`", text):
            words |= set(menu.split(" --> "))
        missing += [
            f"{path.relative_to(ROOT)}: {word}"
            for word in sorted(words)
            if not re.search(rf"""["'>]\s*{re.escape(word)}\s*["'<]""", shown)
        ]
    assert missing == []


@pytest.fixture(scope="module")
def menus():
    """The paths of the addon's menus, without its own name."""
    names = {
        record.get("id"): record.findtext("field[@name='name']")
        for folder in ("views", "wizards")
        for path in (ROOT / folder).rglob("*.xml")
        for record in ElementTree.parse(path).iter("record")
    }

    def below(element, path):
        for item in element.findall("menuitem"):
            name = item.get("name") or names[item.get("action")]
            yield (*path, name)
            yield from below(item, (*path, name))

    root = ElementTree.parse(ROOT / "views/menuitems.xml").getroot()
    return {path[1:] for path in below(root, ())}


def test_paths_of_menus_lead_somewhere(menus):
    """What a page writes as *Menu > Entry* is there; after it a button may follow."""
    found, missing = 0, []
    for page in sorted(DOCS.rglob("*.rst")):
        for path in re.findall(r"\*([^*\n]+ >[^*]+)\*", page.read_text()):
            steps = tuple(" ".join(path.split()).split(" > "))
            steps = steps[1:] if steps[0] == "Pharmacy Sync" else steps
            found += 1
            shortest = 1 if steps[0] == "Overview" else 2
            known = (steps[:n] in menus for n in range(shortest, len(steps) + 1))
            if steps[0] not in OTHER_MENUS and not any(known):
                missing.append(f"{page.relative_to(ROOT)}: {' > '.join(steps)}")
    assert missing == []
    assert found > 30


def test_weights_of_the_score():
    rows = re.findall(r"^(\w.*?)  +(\d+) points", read("operator/overview"), re.M)
    assert [int(points) for __, points in rows] == [
        weight for __, weight, __ in FIGURES
    ]
