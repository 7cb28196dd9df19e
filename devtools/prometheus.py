"""Prometheus' checker, for tests: unpacked from the Debian package, since installing
that would start a server."""

import shutil

from . import odoo, paths, shell
from .progress import step

OWN = paths.PROMETHEUS / "usr/bin/promtool"


def promtool():
    """The checker: this machine's own, or the unpacked one."""
    return shutil.which("promtool") or OWN


def ensure():
    """Have the checker."""
    if shutil.which("promtool") or OWN.exists():
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
