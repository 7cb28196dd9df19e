"""Running commands: bounded in time, output kept in a log."""

import os
import shlex
import signal
import subprocess
import threading
import time

from . import paths
from .progress import StepError, say

HEARTBEAT = 30  # seconds between two signs of life of a silent command
GRACE = 20  # seconds an interrupted command has to tidy up
TIMED_OUT = -999


def run(command, log, timeout, env=None, cwd=None, stdin=None):
    """Run ``command`` with its output appended to ``.dev/log/<log>.log``.

    ``timeout`` is in seconds; ``stdin`` a path. Raises :class:`StepError`.
    """
    path = paths.LOG / f"{log}.log"
    with open(path, "a") as output, open(stdin or os.devnull) as source:
        output.write(f"$ {shlex.join(map(str, command))}\n")
        output.flush()
        process = _start(command, env, cwd, stdin=source, stdout=output)
        code = _wait(process, log, timeout)
    if code:
        reason = "took too long" if code == TIMED_OUT else f"ended with {code}"
        raise StepError(f"{_short(command)} {reason}", log=path)


_shown = set()  # processes of run_shown that may still run


def run_shown(command, log, timeout, name, env=None, cwd=None):
    """Run ``command``, its output both shown and logged: (exit code, text).

    Each line is shown behind ``name``: others may run beside it.
    """
    shown = []
    with open(paths.LOG / f"{log}.log", "w") as output:
        process = _start(
            command, env, cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        _shown.add(process)
        overdue = threading.Event()
        timer = threading.Timer(timeout, lambda: (overdue.set(), _end(process)))
        timer.daemon = True
        timer.start()
        try:
            for line in process.stdout:
                print(f"{name:<12}| {line}", end="", flush=True)
                output.write(line)
                shown.append(line)
            code = process.wait()
        except BaseException:
            _end(process)
            raise
        finally:
            timer.cancel()
            _shown.discard(process)
    if overdue.is_set():
        print(f"{_short(command)} was ended after {timeout} s", flush=True)
        code = TIMED_OUT
    return code, "".join(shown)


def end_all():
    """End what :func:`run_shown` still runs, in whichever thread."""
    for process in list(_shown):
        _end(process)


def text(command, env=None, timeout=60):
    """What ``command`` prints, or None when it fails."""
    try:
        done = subprocess.run(
            list(map(str, command)),
            env=environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def environment(extra=None):
    """This process's environment with ``extra`` on top."""
    return {**os.environ, **(extra or {})}


def _start(command, env, cwd, stdin, stdout):
    try:
        return subprocess.Popen(
            list(map(str, command)),
            env=environment(env),
            cwd=cwd or paths.ROOT,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # so that its children end with it
        )
    except OSError as error:
        raise StepError(f"cannot start {command[0]}: {error.strerror}") from error


def _wait(process, name, timeout):
    start = time.monotonic()
    while True:
        try:
            return process.wait(min(HEARTBEAT, timeout))
        except subprocess.TimeoutExpired:
            elapsed = time.monotonic() - start
            if elapsed >= timeout:
                _end(process)
                return TIMED_OUT
            say("...", f"{name} goes on", elapsed)
        except BaseException:
            _end(process)
            raise


def _end(process):
    """Interrupt the command and its children; kill those that stay."""
    for number, grace in ((signal.SIGINT, GRACE), (signal.SIGKILL, GRACE)):
        try:
            os.killpg(process.pid, number)
            process.wait(grace)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _short(command):
    words = [os.path.basename(str(word)) for word in command[:4]]
    return " ".join(words) + (" ..." if len(command) > 4 else "")
