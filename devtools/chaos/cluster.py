"""A PostgreSQL server of a storm's own, which may be killed: it is made in a folder
beside the servers of others, and goes with the storm."""

import glob
import os
import shutil
import signal
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from .. import paths, processes, settings, shell
from ..progress import StepError, step

PROGRAMS = "/usr/lib/postgresql/*/bin"
ROLE = "chaos"
# PostgreSQL does not run as root; Debian's package brings a user for it.
USER = "postgres"
TIMEOUT = 300
START_TIMEOUT = 60


class Cluster:
    """:param folder: an empty one, of the user that PostgreSQL runs as"""

    def __init__(self, folder):
        found = sorted(glob.glob(PROGRAMS), key=lambda path: int(path.split("/")[4]))
        if not found:
            raise StepError("PostgreSQL's server is not installed: no " + PROGRAMS)
        self._programs = Path(found[-1])
        self._folder = folder
        self._name = "chaos_postgres"
        self.environment = {
            "PGHOST": str(folder),
            "PGPORT": str(settings.free_port()),
            "PGUSER": ROLE,
        }

    def start(self):
        """Start it, and wait until it lets us in."""
        data = self._folder / "data"
        if not data.exists():
            words = ["-D", data, "-U", ROLE, "-E", "UTF8", "--auth=trust"]
            words += ["--no-locale", "--no-sync"]
            self._run([self._programs / "initdb", *words])
        port = self.environment["PGPORT"]
        command = [self._programs / "postgres", "-D", data, "-k", self._folder]
        # The machine goes on: what was written need not have reached the disk.
        command += ["-p", port, "-c", "listen_addresses=", "-c", "fsync=off"]
        processes.start(self._name, [*as_user(), *command])
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers():
            if time.monotonic() > deadline:
                log = paths.LOG / f"{self._name}.log"
                raise StepError("the storm's PostgreSQL does not start", log=log)
            time.sleep(0.1)

    def restart(self):
        """End it in the middle of all, as a loss of power would, and start it again."""
        self.stop()
        self.start()

    def stop(self):
        if number := processes.pid(self._name):
            # Its processes end at once; what was committed is read from its log again.
            os.kill(number, signal.SIGQUIT)
        processes.stop(self._name)

    def copy(self, source, name):
        """Copy a database of the user's server."""
        dump = self._folder.parent / f"{self._folder.name}.dump"
        try:
            words = [self._programs / "pg_dump", "-Fc", "-Z0", "-f", dump, source]
            shell.run(words, self._name, TIMEOUT)
            words = ["--no-owner", "--exit-on-error", "-j2", "-d", name, dump]
            for command in (
                ["createdb", "-T", "template0", name],
                ["pg_restore", *words],
            ):
                program = self._programs / command[0]
                words = [program, *command[1:]]
                shell.run(words, self._name, TIMEOUT, env=self.environment)
        finally:
            dump.unlink(missing_ok=True)

    def _answers(self):
        words = ["psql", "-Xw", "-d", "postgres", "-c", "select 1"]
        return shell.text(words, env=self.environment) is not None

    def _run(self, command):
        shell.run([*as_user(), *command], self._name, TIMEOUT)


def as_user():
    """The words before a command that must not run as root."""
    if os.geteuid():
        return []
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]


@contextmanager
def running(source, name):
    """A cluster with a copy of the database ``source``; this process and its children
    speak to it meanwhile."""
    # Short, as an address of a socket must be; and of a user who may not enter ours.
    folder = Path(tempfile.mkdtemp(prefix="chaos_"))
    if as_user():
        shutil.chown(folder, USER, USER)
    before = dict(os.environ)
    cluster = Cluster(folder)
    try:
        with step("a PostgreSQL server of the storm's own"):
            cluster.start()
            cluster.copy(source, name)
        os.environ.update(cluster.environment)
        yield cluster
    finally:
        os.environ.clear()
        os.environ.update(before)
        cluster.stop()
        shutil.rmtree(folder)
