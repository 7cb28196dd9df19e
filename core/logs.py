"""Loggers that write nothing secret into the log of the server."""

import logging
import traceback

from .redaction import redact


class _Redacting(logging.Filter):
    """Foreign text is in messages, and in the traces of exceptions."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info and record.exc_info[1] and not record.exc_text:
            trace = "".join(traceback.format_exception(record.exc_info[1]))
            record.exc_text = redact(trace).rstrip()
        return True


def get_logger(name: str) -> logging.Logger:
    """Like ``logging.getLogger``, with redacted records."""
    logger = logging.getLogger(name)
    if not any(isinstance(known, _Redacting) for known in logger.filters):
        logger.addFilter(_Redacting())
    return logger
