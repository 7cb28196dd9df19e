"""Progress: one line when a step starts, one when it ends."""

import sys
import time
from contextlib import contextmanager

TAIL_LINES = 30


class StepError(Exception):
    """A step could not be done; the text says what to do about it.

    ``log`` is the file whose last lines explain it, if there is one.
    """

    def __init__(self, message, log=None):
        super().__init__(message)
        self.log = log


def say(word, text, seconds=None):
    """One line of progress: a word (ok, failed, note...), seconds, a text."""
    timing = f"{seconds:7.1f} s" if seconds is not None else " " * 9
    print(f"  {word:<7}{timing}  {text}", flush=True)


@contextmanager
def step(name):
    """Announce a step, and say how it ended and how long it took (seconds)."""
    start = time.monotonic()
    say("...", name)
    try:
        yield
    except BaseException:
        say("FAILED", name, time.monotonic() - start)
        raise
    say("ok", name, time.monotonic() - start)


def explain(failure, lines=TAIL_LINES):
    """Print a failure with the last ``lines`` of its log."""
    print(f"\n{failure}", file=sys.stderr)
    if failure.log and failure.log.exists():
        tail = failure.log.read_text(errors="replace").splitlines()[-lines:]
        print(f"\nLast lines of {failure.log}:", file=sys.stderr)
        for line in tail:
            print(f"  | {line}", file=sys.stderr)
    sys.stderr.flush()
