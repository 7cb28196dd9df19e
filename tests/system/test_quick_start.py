"""What the documentation shows a developer works: its blocks are run, in their order,
against a server."""

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from system_servers import UNBOUND

DOCS = Path(__file__).resolve().parents[2] / "docs/app"
LANGUAGES = "sh|python|typescript"
BLOCK = re.compile(
    rf"^\.\. code-block:: ({LANGUAGES})\n\n((?:   .*\n|\n)+)", re.MULTILINE
)
BY_TYPESCRIPT = "By TypeScript\n---"
NAMES = ("URL", "DB", "KEY")
TIMEOUT = 120


@pytest.fixture(scope="module")
def stack(make_stack):
    """A clinic of its own: its pharmacy app does not know what the pages push."""
    return make_stack("docs")


def blocks(page):
    """``[(language, code)]`` of a page, or of a part of it."""
    return blocks_in((DOCS / f"{page}.rst").read_text())


def blocks_in(text):
    return [(language, dedent(code)) for language, code in BLOCK.findall(text)]


def quick_start():
    """The page: what every reader does, and what one of TypeScript does then."""
    page, __, by_typescript = (
        (DOCS / "quick-start.rst").read_text().partition(BY_TYPESCRIPT)
    )
    return blocks_in(page), blocks_in(by_typescript)


def run(stack, language, code, cwd=None):
    """What a program prints that has these blocks."""
    command = {"sh": ["bash", "-euo", "pipefail"], "python": [sys.executable]}[language]
    webhook = f"/pharmacy_sync/webhook/{stack.prepared['backend']}"
    env = {
        **os.environ,
        "URL": stack.odoo.url,
        "DB": stack.database,
        "KEY": stack.prepared["api_key"],
        "WEBHOOK": stack.odoo.url + webhook,
        "SECRET": stack.app.webhook_secret,
    }
    done = subprocess.run(
        [*command, "-c", code],
        env=env,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def orders(stack, *references):
    return stack.query(
        "SELECT origin, amount_untaxed FROM purchase_order WHERE origin = ANY(%s) "
        "ORDER BY origin",
        list(references),
    )


def test_the_first_order_arrives_by_curl_and_by_python(stack):
    (language, names), *rest = quick_start()[0]
    # The reader's own: where Odoo is, its database, the key.
    assert language == "sh"
    assert tuple(re.findall(r"^export (\w+)=", names, re.MULTILINE)) == NAMES
    by_curl = "\n".join(code for language, code in rest if language == "sh")
    said = run(stack, "sh", by_curl)
    assert said.count('"operation": "created"') == 3
    assert '"known": true' in said
    (order,) = orders(stack, "Q00001")
    assert order["amount_untaxed"] == 12
    # The same again makes nothing twice.
    assert run(stack, "sh", by_curl).count('"operation": "created"') == 3
    assert len(orders(stack, "Q00001")) == 1

    by_python = "\n".join(code for language, code in rest if language == "python")
    said = run(stack, "python", by_python)
    assert "po_2 created None" in said
    assert [order["origin"] for order in orders(stack, "Q00001", "Q00002")] == [
        "Q00001",
        "Q00002",
    ]
    # The feed has both.
    assert {"po_1", "po_2"} <= {line.split()[0] for line in said.splitlines()}


def test_an_order_arrives_by_typescript(stack, tmp_path):
    rest, ((__, make_types), (language, order), (__, run_it)) = quick_start()
    assert language == "typescript"
    # Suppliers and products come first.
    run(stack, "sh", "\n".join(code for language, code in rest[1:] if language == "sh"))
    run(stack, "sh", UNBOUND + make_types, cwd=tmp_path)
    (tmp_path / "order.mts").write_text(order)
    said = run(stack, "sh", UNBOUND + run_it, cwd=tmp_path).splitlines()
    assert said[0] == "po_3 created null"
    assert "po_3 1 false" in said[1:]
    assert len(orders(stack, "Q00003")) == 1
    # A misspelt field is found before anything is sent.
    (tmp_path / "order.mts").write_text(order.replace("reference:", "refrence:"))
    with pytest.raises(AssertionError, match="refrence"):
        run(stack, "sh", UNBOUND + run_it, cwd=tmp_path)


def test_a_webhook_is_signed_as_the_page_shows(stack):
    ((language, code),) = blocks("webhooks")
    assert run(stack, language, code).strip() == "202"


def test_the_methods_over_rpc(stack):
    ((language, code),) = blocks("methods")
    assert run(stack, language, code).strip().isdigit()
