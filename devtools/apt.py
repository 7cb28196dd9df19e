"""System packages (Debian)."""

import os
import shutil

from . import shell
from .progress import step


def may_install():
    """Whether :func:`install` can do anything here."""
    return as_root() is not None and shutil.which("apt-get") is not None


def install(*packages):
    """Install Debian packages."""
    command = [*as_root(), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    options = ["-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"]
    with step("system packages: " + " ".join(packages)):
        shell.run([*command, "update"], "apt", 300)
        shell.run([*command, "install", *options, *packages], "apt", 900)


def as_root():
    """Words that run a command as root: none, sudo's; None if we may not."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and shell.text(["sudo", "-n", "true"]) is not None:
        return ["sudo", "-n"]
    return None
