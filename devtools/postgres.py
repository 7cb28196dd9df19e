"""PostgreSQL: the server the user named, else the one of this machine.

A server that answers on the default socket is used as it is. If none does, Debian's
cluster is started (by root or sudo).
Only databases whose names start with this checkout's prefix are touched.
"""

import getpass
import glob
import os
import time

from . import apt, paths, settings, shell
from .progress import StepError, step

MINIMUM = 13  # Odoo 19
START_TIMEOUT = 30


def ensure():
    """Have a server on which we may create databases."""
    choose()
    if not answers():
        if is_named():
            raise StepError(complaint())
        _start_debian_cluster()
    for text in problems():
        raise StepError(text)
    # Debian's psql finds a cluster on another port, other clients do not.
    os.environ.setdefault("PGPORT", query("show port")[0][0])


def choose():
    """Have this process and its children speak to the server that the user named."""
    os.environ.update(settings.postgres_environment())
    os.environ.setdefault("PGCONNECT_TIMEOUT", "10")


def is_named():
    """Whether the user named a server."""
    return settings.postgres_named()


def is_installed():
    """Whether PostgreSQL's server programs are on this machine."""
    return bool(glob.glob("/usr/lib/postgresql/*/bin/postgres"))


def answers():
    """Whether the server lets us in."""
    return shell.text(["psql", "-Xw", "-d", "postgres", "-c", "select 1"]) is not None


def complaint():
    """Why the server does not let us in."""
    command = ["sh", "-c", "psql -Xw -d postgres -c 'select 1' 2>&1; true"]
    where = "named in PHARMACY_SYNC_PG or PG*" if is_named() else "of this machine"
    return f"The PostgreSQL server {where} does not answer:\n" + (
        (shell.text(command) or "").strip()
    )


def query(sql, database="postgres", timeout=60):
    """Rows of a statement as lists of texts; raises :class:`StepError`."""
    words = ["-X", "-At", "-F", "\t", "-v", "ON_ERROR_STOP=1"]
    answer = shell.text(["psql", *words, "-d", database, "-c", sql], timeout=timeout)
    if answer is None:
        raise StepError(f"PostgreSQL ({database}) refused: {sql}")
    return [line.split("\t") for line in answer.splitlines()]


def databases(prefix=paths.DATABASE_PREFIX):
    """Names of this checkout's databases that start with ``prefix``."""
    sql = "select datname from pg_database where datname like '{}%' order by 1"
    return [row[0] for row in query(sql.format(prefix.replace("_", r"\_")))]


def clone(source, name):
    """Create database ``name`` as a copy of ``source``."""
    disconnect(source)
    query(f'create database "{name}" template "{source}"', timeout=300)


def rename(source, name):
    """Rename a database."""
    disconnect(source)
    query(f'alter database "{source}" rename to "{name}"')


def drop(name):
    """Drop one of this checkout's databases, even with open connections."""
    if not name.startswith(paths.DATABASE_PREFIX):
        raise ValueError(f"not a database of this checkout: {name}")
    query(f'drop database if exists "{name}" with (force)', timeout=120)


def disconnect(name):
    """End all connections of a database but for our own."""
    query(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        f"where datname = '{name}' and pid <> pg_backend_pid() "
        # The server's own, such as autovacuum's, give way by themselves, and are ended
        # by superusers only.
        "and backend_type = 'client backend'"
    )


def problems():
    """Why a server that answers serves us not, one text each."""
    sql = (
        "select current_setting('server_version_num')::int / 10000, "
        "rolcreatedb or rolsuper, rolname from pg_roles where rolname = current_user"
    )
    version, may_create, role = query(sql)[0]
    if int(version) < MINIMUM:
        yield f"PostgreSQL {version} is too old: Odoo 19 needs {MINIMUM}."
    if role == "postgres":
        yield (
            "Odoo refuses to work as the PostgreSQL role postgres.\n"
            "Create another one (createuser --createdb NAME) and name it in PGUSER."
        )
    elif may_create != "t":
        whose = "" if is_named() else "sudo -u postgres "
        yield (
            f"The PostgreSQL role {role} may not create databases. "
            "Ask an administrator:\n"
            f"  {whose}psql -c 'alter role \"{role}\" createdb'"
        )


def _start_debian_cluster():
    root = apt.as_root()
    if root is None:
        raise StepError(complaint())
    user = getpass.getuser()
    with step("PostgreSQL: start the server of this machine"):
        _start(root)
        _create_role(root, user)
        if not answers():
            raise StepError(complaint())


def _start(root):
    listed = shell.text(["pg_lsclusters", "-h"]) or ""
    clusters = [line.split() for line in listed.splitlines()]
    if not clusters:
        raise StepError("PostgreSQL has no cluster; see pg_createcluster(1)")
    if not any(row[3].startswith("online") for row in clusters):
        version, name = clusters[-1][:2]
        command = [*root, "pg_ctlcluster", version, name, "start"]
        shell.run(command, "postgres", START_TIMEOUT * 2)


def _create_role(root, user):
    # "su" to postgres: its socket authentication is by name of the OS user.
    sql = f'create role \\"{user}\\" login superuser'
    command = [*root, "su", "postgres", "-c", f'psql -X -d postgres -c "{sql}"']
    deadline = time.monotonic() + START_TIMEOUT
    while not answers() and time.monotonic() < deadline:
        shell.text(command)
        time.sleep(1)
