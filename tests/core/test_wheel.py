"""The wheel is the addon, whatever folder it is built in, and nothing else."""

import ast
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ADDON = "odoo/addons/pharmacy_sync/"
# What a checkout has besides the addon: the workshop, the tests, and what they make.
OUTSIDE = {
    *("benchmarks", "demo", "dev", "devtools", "docs", "pharmacy_app", "readme"),
    *("tests", "pyproject.toml", "requirements-dev.txt", "CONTRIBUTING.rst"),
}
MADE = shutil.ignore_patterns(".dev", ".git", "__pycache__", ".*_cache", ".hypothesis")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy without git, in a folder of another name, in which the workshop ran."""
    folder = tmp_path_factory.mktemp("built") / "Pharmacy é 2"
    shutil.copytree(ROOT, folder, ignore=MADE)
    state = folder / ".dev/run/stack.json"
    state.parent.mkdir(parents=True)
    state.write_text('{"key": "secret"}')
    compiled = folder / "models/__pycache__/x.pyc"
    compiled.parent.mkdir(exist_ok=True)
    compiled.touch()
    # Of an editor, say.
    (folder / "models/.sync.swp").touch()
    return folder


@pytest.fixture(scope="module")
def wheel(checkout, tmp_path_factory):
    target = tmp_path_factory.mktemp("wheel")
    words = ["--no-deps", "--no-build-isolation", "--no-index", "-w", str(target)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", *words, str(checkout)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    (path,) = target.iterdir()
    with zipfile.ZipFile(path) as opened:
        yield opened


def test_it_carries_the_addon_and_nothing_else(checkout, wheel):
    carried = {
        name.removeprefix(ADDON)
        for name in wheel.namelist()
        if ".dist-info/" not in name
    }
    wanted = {
        str(path.relative_to(checkout))
        for path in checkout.rglob("*")
        if path.is_file() and _is_addon(path.relative_to(checkout))
    }
    assert carried == wanted


def test_manifest_and_metadata_agree(wheel):
    manifest = ast.literal_eval((ROOT / "__manifest__.py").read_text())
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    found = Parser().parsestr(wheel.read(name).decode())
    assert found["Name"] == "odoo-addon-pharmacy_sync"
    assert found["Version"] == manifest["version"]
    assert found["Summary"] == manifest["summary"]
    assert found["License-Expression"].startswith(
        manifest["license"].replace("-3", "-3.0")
    )
    assert found["Author"] == manifest["author"]
    assert found["Project-URL"].endswith(manifest["website"])
    assert found["Maintainer"] == ", ".join(manifest["maintainers"])
    assert manifest["development_status"] in str(found.get_all("Classifier"))
    own = {f"odoo-addon-{name.replace('_', '-')}==19.0.*" for name in _others(manifest)}
    python = set(manifest["external_dependencies"]["python"])
    assert set(found.get_all("Requires-Dist")) == {"odoo==19.0.*"} | own | python


def _is_addon(path):
    return (
        path.parts[0] not in OUTSIDE
        and not any(part.startswith(".") for part in path.parts)
        and path.parts[:2] != ("static", "tests")
        and "__pycache__" not in path.parts
    )


def _others(manifest):
    """The addons that Odoo itself does not bring."""
    return [name for name in manifest["depends"] if name != "purchase"]
