"""Loggers that write nothing secret into the log of the server, nor a line that is none
of theirs, and whose levels can be set for a while."""

import logging
import re
import time
import traceback
from collections.abc import Mapping

from .redaction import redact

# Control characters, and what else ends a line.
_BREAKS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
# {logger: (its level before, when that comes back in POSIX seconds)}
_changed: dict[str, tuple[int, float]] = {}


class _Redacting(logging.Filter):
    """Foreign text is in messages, and in the traces of exceptions."""

    def filter(self, record: logging.LogRecord) -> bool:
        if _changed and not _is_wanted(record):
            return False
        record.msg, record.args = _on_a_line(redact(record.getMessage())), ()
        if record.exc_info and record.exc_info[1] and not record.exc_text:
            trace = "".join(traceback.format_exception(record.exc_info[1]))
            record.exc_text = redact(trace).rstrip()
        return True


def _on_a_line(message: str) -> str:
    """Foreign text must not look like lines of the log: what it breaks them with is
    shown."""
    return _BREAKS.sub(lambda found: repr(found[0])[1:-1], message)


def get_logger(name: str) -> logging.Logger:
    """Like ``logging.getLogger``, with redacted records of one line each, but for the
    trace of an exception."""
    logger = logging.getLogger(name)
    if not any(isinstance(known, _Redacting) for known in logger.filters):
        logger.addFilter(_Redacting())
    return logger


def set_levels(levels: Mapping[str, tuple[int, float]]) -> None:
    """Set levels of loggers, and of those below them, in this process; those that were
    set before and are not named have their own again.

    :param levels: by the logger's name its level, and when that ends (POSIX seconds)
    """
    for name in _changed.keys() - levels.keys():
        _put_back(name)
    for name, (level, ends) in levels.items():
        logger = logging.getLogger(name)
        before, __ = _changed.get(name, (logger.level, 0.0))
        _changed[name] = before, ends
        logger.setLevel(level)


def _is_wanted(record: logging.LogRecord) -> bool:
    """Whether the level that let a record through still holds."""
    over = [name for name, (__, ends) in _changed.items() if ends <= time.time()]
    for name in over:
        _put_back(name)
    return record.levelno >= logging.getLogger(record.name).getEffectiveLevel()


def _put_back(name: str) -> None:
    before, __ = _changed.pop(name, (logging.NOTSET, 0.0))
    logging.getLogger(name).setLevel(before)
