"""System packages (Debian), installed only when something is missing."""

import ctypes.util
import glob
import os
import shutil

from . import shell
from .progress import StepError, step

BROWSERS = ("google-chrome", "chromium", "chromium-browser")
_updated = False


def ensure_tools(tests=False):
    """Install the commands and libraries that the verbs need, and those of the tests:
    a browser for tours, and what Odoo makes PDFs with."""
    missing = []
    if not shutil.which("psql"):
        missing.append("postgresql-client")
    if not ctypes.util.find_library("magic"):
        missing.append("libmagic1")
    if tests and not any(map(shutil.which, BROWSERS)):
        missing += ["chromium", "fonts-dejavu-core"]
    if tests and not shutil.which("wkhtmltopdf"):
        missing.append("wkhtmltopdf")
    if missing:
        install(*missing)


def has_postgres_server():
    """Whether PostgreSQL's server programs are on this machine."""
    return bool(glob.glob("/usr/lib/postgresql/*/bin/postgres"))


def install(*packages):
    """Install Debian packages, or say which ones to install."""
    prefix = as_root()
    if prefix is None or not shutil.which("apt-get"):
        names = " ".join(packages)
        raise StepError(
            f"missing on this machine: {names}\n"
            f"Install it as an administrator, on Debian or Ubuntu:\n"
            f"  sudo apt-get install {names}"
        )
    global _updated
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    command = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    with step("system packages: " + " ".join(packages)):
        if not _updated:
            shell.run([*command, "update"], "apt", 300, env=quiet)
            _updated = True
        options = ["-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"]
        shell.run([*command, "install", *options, *packages], "apt", 900, env=quiet)


def as_root():
    """Words that run a command as root: none, sudo's; None if we may not."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and shell.text(["sudo", "-n", "true"]) is not None:
        return ["sudo", "-n"]
    return None
