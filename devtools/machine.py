"""What a machine must have: all that is missing is said at once, before any download.

For an administrator (root, or sudo without a password) it is installed; another user
reads what to ask an administrator for.
"""

import ctypes.util
import getpass
import shutil

from . import apt, odoo, postgres, prometheus, venv
from .progress import StepError

# By which an app's developer is shown to call the API.
NODE = {"node": "nodejs", "npm": "npm"}
BROWSERS = ("google-chrome", "chromium", "chromium-browser")


def prepare(tests=False):
    """Have everything that the verbs need, short of databases.

    :param tests: also what only tests need: a browser for tours, what Odoo makes PDFs
        with, and what the documentation's quick start calls
    :raises StepError: it says all that is missing, and how to get it
    """
    _ensure(tests)
    odoo.ensure()
    venv.ensure()
    odoo.write_script()
    postgres.ensure()
    if tests:
        prometheus.ensure()
        venv.ensure_documents()


def _ensure(tests):
    postgres.choose()
    packages = _missing_packages(tests)
    problems = [*odoo.problems(), *venv.problems()]
    if tests:
        problems += prometheus.problems()
    serves = postgres.answers()
    if serves:
        problems += postgres.problems()
    elif not postgres.is_named():
        packages += [] if postgres.is_installed() else ["postgresql"]
    elif shutil.which("psql"):
        problems.append(postgres.complaint())
    if not apt.may_install() and (packages or not (serves or postgres.is_named())):
        problems.insert(0, _request(packages, serves or postgres.is_named()))
    if problems:
        raise StepError("\n\n".join(problems))
    if packages:
        apt.install(*packages)


def _missing_packages(tests):
    missing = []
    if not shutil.which("psql"):
        missing.append("postgresql-client")
    if not ctypes.util.find_library("magic"):
        missing.append("libmagic1")
    missing += venv.missing_packages()
    if tests and not any(map(shutil.which, BROWSERS)):
        missing += ["chromium", "fonts-dejavu-core"]
    if tests:
        missing += [name for name in ("curl", "wkhtmltopdf") if not shutil.which(name)]
        missing += [name for tool, name in NODE.items() if not shutil.which(tool)]
    return missing


def _request(packages, has_server):
    """What to ask an administrator for."""
    user = getpass.getuser()
    lines = ["Ask an administrator, on Debian or Ubuntu:"]
    if packages:
        lines.append(f"  sudo apt-get install {' '.join(packages)}")
    if not has_server:
        lines += [
            "  sudo service postgresql start",
            f"  sudo -u postgres createuser --createdb {user}",
            f"The last two since no PostgreSQL server answers to {user} on the default "
            "socket; or name another server in PHARMACY_SYNC_PG.",
        ]
    return "\n".join(lines)
