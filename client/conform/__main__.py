"""``python client/conform URL``: the kit without Odoo, which the whole addon needs.
Only the parts that the kit is made of are imported, as of a package of this name."""

import importlib
import sys
import types
from pathlib import Path

NAME = "pharmacy_sync"


def _addon():
    addon = types.ModuleType(NAME)
    addon.__path__ = [str(Path(__file__).resolve().parents[2])]
    return addon


if __name__ == "__main__":
    sys.modules[NAME] = _addon()
    command = importlib.import_module(f"{NAME}.client.conform.command")
    sys.exit(command.main())
