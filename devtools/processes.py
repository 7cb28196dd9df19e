"""Servers that outlive the command: started detached, ended by process id."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from . import paths, shell
from .progress import StepError, say

STOP_TIMEOUT = 20


def start(name, command, env=None):
    """Start a server with its output in ``.dev/log/<name>.log``; its pid."""
    with open(paths.LOG / f"{name}.log", "a") as output:
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=paths.ROOT,
            env=shell.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _file(name).write_text(json.dumps([process.pid, _born(process.pid)]))
    return process.pid


def pid(name):
    """Process id of a server that we started and that still runs, or None."""
    try:
        number, born = json.loads(_file(name).read_text())
    except (OSError, ValueError):
        return None
    # A pid is used again after its process; its time of birth distinguishes them.
    return number if born is not None and _born(number) == born else None


def group(first):
    """Pids of a server and of all that it has started, which live."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == first and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


def running():
    """Names of the servers that run."""
    names = sorted(path.stem for path in paths.RUN.glob("*.pid"))
    return [name for name in names if pid(name)]


def stop(name):
    """End a server: politely, then by force."""
    number = pid(name)
    if number:
        os.kill(number, signal.SIGTERM)
        if not _gone(name, STOP_TIMEOUT):
            os.kill(number, signal.SIGKILL)
            _gone(name, STOP_TIMEOUT)
        say("ok", f"stopped {name} (pid {number})")
    _file(name).unlink(missing_ok=True)


def wait_for_http(name, url, timeout):
    """Wait until ``url`` answers 200, at most ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if not pid(name):
            raise StepError(f"{name} ended by itself", log=paths.LOG / f"{name}.log")
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise StepError(f"{name}: no answer from {url}", log=paths.LOG / f"{name}.log")


def _file(name):
    return paths.RUN / f"{name}.pid"


def _gone(name, timeout):
    deadline = time.monotonic() + timeout
    while pid(name) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not pid(name)


def _born(number):
    """Start time of a living process in clock ticks since boot, or None."""
    try:
        with open(f"/proc/{number}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return None
    state, born = fields[0], fields[19]
    return None if state == "Z" else born
