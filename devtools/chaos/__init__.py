"""``./dev chaos``: a storm over two servers and the pharmacy app, and what it lost.

Both sides are written to all the time while processes are killed, connections are cut
and the app misbehaves, as a seed says. Then all heals, and both sides are compared with
a ledger of every write that was acknowledged.
"""

import shutil

from .. import databases, machine, paths
from ..progress import say
from .servers import Servers
from .storm import Storm
from .verdict import HEADINGS, table


def run(seed, minutes, servers):
    """Storm, and print what came of it; whether nothing was wrong."""
    machine.prepare()
    with databases.run_clone("chaos") as database:
        verdict, storm = blow(database, seed, minutes * 60, servers)
    report(verdict, storm)
    return not verdict.sentences()


def blow(database, seed, seconds, count, meddle=None):
    """A storm on a database with the addon, which nobody else uses.

    :param meddle: see :class:`.storm.Storm`
    :return: the verdict, and the storm
    """
    folder = paths.RUN / f"{database}_files"
    folder.mkdir()
    servers = Servers(database, folder, count)
    try:
        servers.prepare()
        servers.start()
        storm = Storm(seed, seconds, servers, meddle)
        return storm.run(), storm
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
