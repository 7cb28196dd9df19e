"""``./dev conform``: the addon's contract kit, in an interpreter that can run it.

The kit needs ``requests`` and nothing else: no Odoo, no database.
"""

import importlib.util
import os
import subprocess
import sys

from . import paths, venv

KIT = paths.ROOT / "client/conform"


def run(url, key, verbose):
    """Run the kit; whether nothing is broken."""
    words = [str(KIT), url, *(["--verbose"] if verbose else [])]
    env = {**os.environ, **({"PHARMACY_API_KEY": key} if key else {})}
    return subprocess.run([_python(), *words], env=env).returncode == 0


def _python():
    if importlib.util.find_spec("requests"):
        return sys.executable
    if not venv.python().exists():
        venv.ensure_kit()
        return venv.kit_python()
    return venv.python()
