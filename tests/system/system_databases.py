"""Databases of a test's own: clones of the prepared one."""

import configparser
import json
import os
import shutil
import subprocess
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extras import RealDictCursor
from system_servers import wait_until

COMMAND_TIMEOUT = 120


def connect(database):
    """A connection whose statements are committed at once; rows are dicts."""
    connection = psycopg2.connect(dbname=database, cursor_factory=RealDictCursor)
    connection.autocommit = True
    return connection


def clone(source, name):
    """Copy a database that nobody is connected to, or soon will not be."""

    def attempt():
        try:
            _maintain("CREATE DATABASE {} TEMPLATE {}", name, source)
        except psycopg2.errors.ObjectInUse:
            return False
        return True

    wait_until(attempt, 30, f"{source} is left alone, to be cloned")


def create(name):
    """Make an empty database, with the encoding and the order of letters of Odoo's."""
    _maintain(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C'", name
    )


def drop(name):
    """Drop a database and the files that Odoo may have stored beside it."""
    _maintain("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    options = configparser.ConfigParser(interpolation=None)
    options.read(os.environ["PHARMACY_SYNC_ODOO_RC"])
    data = options.get("options", "data_dir", fallback="")
    if data:
        shutil.rmtree(Path(data, "filestore", name), ignore_errors=True)


def run_odoo(name, words, script=None, env=None, seconds=COMMAND_TIMEOUT):
    """Run one of Odoo's commands on a database to its end: its output.

    :raise AssertionError: it failed; the output is in the message
    """
    command = json.loads(os.environ["PHARMACY_SYNC_ODOO_COMMAND"])
    verb, *options = words
    conf = os.environ["PHARMACY_SYNC_ODOO_RC"]
    done = subprocess.run(
        [*command, verb, "-c", conf, "-d", name, *options],
        input=script or "",
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
    )
    # Odoo's shell ends well whatever its standard input raised.
    failed = done.returncode or "Traceback (most recent call last)" in done.stdout
    assert not failed, f"odoo {verb} on {name}:\n{done.stdout}"
    return done.stdout


def _maintain(statement, *names):
    connection = connect("postgres")
    try:
        identifiers = [sql.Identifier(name) for name in names]
        connection.cursor().execute(sql.SQL(statement).format(*identifiers))
    finally:
        connection.close()
