"""What a machine lacks is said at once, and before anything is downloaded."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from odoo.addons.pharmacy_sync.devtools.odoo import choose_mirror

ROOT = Path(__file__).resolve().parents[2]
# Each stands for a program as a machine may have it.
TOOLS = {
    "psql": 'case "$*" in *rolcreatedb*) printf "12\\tf\\tanna\\n";; esac',
    "apt-get": 'echo "$*" >> "$HOME/apt"',
    "dpkg": "true",
    "python-of-old": 'case "$*" in *ensurepip*) exit 1;; esac; exec {python} "$@"',
}


@pytest.fixture
def machine(tmp_path):
    """``(run, home)``: ``./dev`` in a checkout of its own, on a machine with these
    programs only."""
    checkout, bin_, home = (tmp_path / name for name in ("a copy", "bin", "home"))
    shutil.copytree(ROOT / "devtools", checkout / "devtools")
    shutil.copytree(ROOT / "pharmacy_app", checkout / "pharmacy_app")
    shutil.copy(ROOT / "dev", checkout)
    for folder in (bin_, home):
        folder.mkdir()
    for name, text in TOOLS.items():
        (bin_ / name).write_text("#!/bin/sh\n" + text.format(python=sys.executable))
        (bin_ / name).chmod(0o755)
    environment = {
        "PATH": str(bin_),
        "HOME": str(home),
        "USER": "anna",
        "PHARMACY_SYNC_PYTHON": str(bin_ / "python-of-old"),
    }

    def run(*words):
        return subprocess.run(
            [sys.executable, "dev", *words],
            cwd=checkout,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )

    return run, home


@pytest.mark.parametrize("words", [("up",), ("test", "--fast")])
def test_all_that_is_wrong_is_said_before_a_download(machine, words):
    run, home = machine
    done = run(*words)
    assert done.returncode == 1
    said = [
        "Odoo 19 is downloaded from a Debian mirror",
        "makes no environments",
        "PostgreSQL 12 is too old",
        "role anna may not create databases",
    ]
    if "test" in words:
        said.append("promtool is downloaded from a Debian mirror")
    assert [text for text in said if text not in done.stdout] == []
    assert "Traceback" not in done.stdout
    asked = (home / "apt").read_text().splitlines()
    assert [line for line in asked if not line.startswith("indextargets")] == []


@pytest.mark.parametrize(
    "targets, mirror",
    [
        pytest.param(
            "Packages main http://apt.postgresql.example/apt/ apt.postgresql.org\n"
            "Packages main http://deb.debian.example/debian/ Debian\n"
            "Packages main http://a.example/debian-security/ Debian",
            "http://deb.debian.example/debian/",
            id="beside the repository of others, whose address comes first",
        ),
        pytest.param(
            "Packages main http://apt.postgresql.example/apt/ $(ORIGIN)\n"
            "Packages main http://deb.debian.example/debian/ $(ORIGIN)",
            "http://deb.debian.example/debian/",
            id="of a machine that has not read its lists yet",
        ),
        pytest.param(
            "Packages main http://archive.ubuntu.example/ubuntu/ Ubuntu",
            None,
            id="Ubuntu has no Odoo 19",
        ),
    ],
)
def test_odoo_is_taken_from_debians_own_mirror(targets, mirror):
    assert choose_mirror(targets) == mirror
