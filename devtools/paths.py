"""Where things are: the repository and its git-ignored state folder."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".dev"

LOG = STATE / "log"
RUN = STATE / "run"
STAMPS = STATE / "stamps"
DATA = STATE / "data"
FILESTORE = DATA / "filestore"
VENV = STATE / "venv"
LINT_VENV = STATE / "lint"
KIT_VENV = STATE / "conform"
DOCS_VENV = STATE / "docs"
SITE = STATE / "site"
DOWNLOADS = STATE / "debs"
APT = STATE / "apt"
ODOO = STATE / "odoo"
PROMETHEUS = STATE / "prometheus"
ADDONS = STATE / "addons"
# Addons of others that tests install beside this one, apart from what it needs itself.
NEIGHBOURS = STATE / "neighbours"
# Descriptions of others' APIs, which tests serve.
DOCUMENTS = STATE / "documents"
ODOO_SCRIPT = STATE / "bin" / "odoo"

ADDON_NAME = "pharmacy_sync"
# Odoo takes a module's name from its folder and a checkout may be called
# anything, so Odoo and pytest meet the addon through this folder of links.
ADDON_LINK = ADDONS / ADDON_NAME
# Addons that the tests install: they show how another addon builds on this one.
TEST_ADDONS = ROOT / "tests/addons"

# Several checkouts may share one PostgreSQL server: each has its own names.
CHECKOUT = hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]
DATABASE_PREFIX = f"{ADDON_NAME}_{CHECKOUT}_"


def prepare():
    """Make the folders that every verb may write to."""
    for folder in (LOG, RUN, STAMPS, DATA, ADDONS):
        folder.mkdir(parents=True, exist_ok=True)
