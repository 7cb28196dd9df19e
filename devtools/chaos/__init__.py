"""``./dev chaos``: a storm over two servers and the pharmacy app, and what it lost.

Both sides are written to all the time while processes are killed, connections are cut
and the app misbehaves, as a seed says. Then all heals, and both sides are compared with
a ledger of every write that was acknowledged.
"""

import os
import shutil
from contextlib import contextmanager

from .. import databases, machine, paths
from ..progress import say
from .cluster import running
from .servers import Servers
from .storm import Storm
from .verdict import HEADINGS, table


def run(seed, minutes, count, own_postgres):
    """Storm, and print what came of it; whether nothing was wrong."""
    machine.prepare()
    with (
        _database(own_postgres) as (database, cluster),
        serving(database, count, cluster) as servers,
    ):
        storm = Storm(seed, minutes * 60, servers)
        storm.rage()
        verdict = storm.compare()
    report(verdict, storm)
    return not verdict.sentences()


@contextmanager
def _database(own_postgres):
    """A database with the addon, and the cluster that it is in if it has one of its
    own."""
    if not own_postgres:
        with databases.run_clone("chaos") as name:
            yield name, None
        return
    source = databases.template()
    name = f"{paths.DATABASE_PREFIX}run_{os.getpid()}_chaos"
    with running(source, name) as made:
        yield name, made


@contextmanager
def serving(database, count, cluster=None, word="chaos"):
    """So many Odoo servers on a database that nobody else uses, and an app: a
    :class:`.servers.Servers`.

    :param cluster: the :class:`.cluster.Cluster` that the database is in, if any
    :param word: what the names of the servers and of their logs begin with
    """
    folder = paths.RUN / f"{database}_files"
    folder.mkdir()
    servers = Servers(word, database, folder, count, cluster)
    try:
        servers.prepare()
        servers.start()
        yield servers
    finally:
        servers.end()
        shutil.rmtree(folder)


def report(verdict, storm):
    """Print sentences of what was wrong, and the table."""
    for sentence in verdict.sentences():
        say("WRONG", sentence)
    headings = ("seed", "servers", "minutes", *HEADINGS, "dead letters", "recovered")
    numbers = (
        *(storm.seed, len(storm.servers.names), round(storm.seconds / 60, 1)),
        *verdict.numbers(),
        *(storm.dead, f"{storm.recovered:.0f} s"),
    )
    print("\n" + table([headings, numbers]))
