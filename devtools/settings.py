"""What a user may say by environment variable.

=======================  ====================================================
``PHARMACY_SYNC_ODOO``   folder of an Odoo 19: a git checkout, or the folder
                         that holds the ``odoo`` package and ``addons``
``PHARMACY_SYNC_PG``     a PostgreSQL server: ``postgresql://...`` or libpq's
                         ``key=value`` words (``PGHOST`` etc. work as well)
``PHARMACY_SYNC_PYTHON`` interpreter for the virtual environment
``PHARMACY_SYNC_ODOO_PORT``, ``PHARMACY_SYNC_APP_PORT``  TCP ports
=======================  ====================================================
"""

import os
import shlex
import socket
import sys
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from .progress import StepError, say

DEFAULT_ODOO_PORT = 8069
DEFAULT_APP_PORT = 8079

PG_WORDS = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
}


def odoo_folder():
    """The user's own Odoo, or None."""
    value = os.environ.get("PHARMACY_SYNC_ODOO")
    return Path(value).expanduser().resolve() if value else None


def python():
    """The interpreter that the virtual environments are made from."""
    return os.environ.get("PHARMACY_SYNC_PYTHON") or sys.executable


def postgres_named():
    """Whether the user named a PostgreSQL server."""
    names = ("PHARMACY_SYNC_PG", "PGHOST", "PGPORT", "PGSERVICE")
    return any(os.environ.get(name) for name in names)


def postgres_environment():
    """libpq variables of the server to use; empty for the default socket."""
    value = os.environ.get("PHARMACY_SYNC_PG", "").strip()
    if not value:
        return {}
    words = _uri_words(value) if "://" in value else _conninfo_words(value)
    unknown = sorted(set(words) - set(PG_WORDS) - {"dbname"})
    if unknown:
        raise StepError(f"PHARMACY_SYNC_PG: cannot use {', '.join(unknown)}")
    return {PG_WORDS[key]: text for key, text in words.items() if key in PG_WORDS}


def _uri_words(value):
    uri = urlsplit(value)
    words = {key: texts[-1] for key, texts in parse_qs(uri.query).items()}
    found = {
        "host": uri.hostname,
        "port": str(uri.port or ""),
        "user": uri.username,
        "password": uri.password,
    }
    words.update({key: unquote(text) for key, text in found.items() if text})
    return words


def _conninfo_words(value):
    try:
        return dict(word.split("=", 1) for word in shlex.split(value))
    except ValueError as error:
        raise StepError(f"PHARMACY_SYNC_PG is not key=value words: {error}") from error


def choose_port(variable, default):
    """The port named by ``variable``; else ``default`` or the next free one."""
    named = os.environ.get(variable)
    if named:
        if not named.isdigit() or not _is_free(int(named)):
            raise StepError(f"{variable}={named}: not a free TCP port")
        return int(named)
    for port in range(default, default + 200):
        if _is_free(port):
            if port != default:
                say("note", f"port {default} is taken: using {port} ({variable})")
            return port
    raise StepError(f"no free port from {default}; name one in {variable}")


def free_port():
    """Any free TCP port on the loopback address."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def _is_free(port):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
