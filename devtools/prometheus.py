"""Prometheus' checker, for tests: unpacked from the Debian package, since installing
that would start a server."""

import shutil

from . import odoo, paths, shell
from .progress import step

OWN = paths.PROMETHEUS / "usr/bin/promtool"


def promtool():
    """The checker: this machine's own, or the unpacked one."""
    return shutil.which("promtool") or OWN


def problems():
    """What keeps this machine from having the checker, one text each."""
    if not _is_there():
        for text in odoo.apt_problems():
            yield f"Prometheus' checker promtool {text}\nInstall it yourself."


def ensure():
    """Have the checker."""
    if _is_there():
        return
    with step("promtool: download and unpack the Debian package"):
        folder = paths.PROMETHEUS / "deb"
        folder.mkdir(parents=True, exist_ok=True)
        apt_get = ["apt-get", *odoo.private_apt()]
        shell.run([*apt_get, "update"], "prometheus", 300)
        options = ["-o", "APT::Sandbox::User=root"]
        words = [
            *apt_get,
            *options,
            "download",
            f"prometheus/{odoo.FONT_AWESOME_SUITE}",
        ]
        shell.run(words, "prometheus", 600, cwd=folder)
        for package in folder.glob("*.deb"):
            shell.run(["dpkg", "-x", package, paths.PROMETHEUS], "prometheus", 300)


def _is_there():
    return bool(shutil.which("promtool")) or OWN.exists()
