"""Nothing secret in the log of the server, and levels that go back by themselves."""

import logging
import time
import uuid

import pytest

from odoo.addons.pharmacy_sync.core.secrets.logs import get_logger, set_levels

NAME = "pharmacy_sync.test_logs"


class Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))


@pytest.fixture
def logger():
    logger = get_logger(NAME)
    logger.setLevel(logging.INFO)
    logger.kept = Kept()
    logger.addHandler(logger.kept)
    yield logger
    set_levels({})
    logger.removeHandler(logger.kept)


def test_secrets_are_masked_in_messages_and_traces(logger):
    logger.info("password=%s", "hunter2x")
    try:
        raise ValueError("token=abcdef123")
    except ValueError:
        logger.exception("failed")
    text = "\n".join(logger.kept.lines)
    assert "password=***" in text and "ValueError" in text
    assert "hunter2x" not in text and "abcdef123" not in text


@pytest.mark.parametrize("end", ["\n", "\r\n", "\x85", "\u2028", "\x1b[2K\r"])
def test_foreign_text_makes_no_lines_of_its_own(logger, end):
    forged = "2026-11-30 08:00:00,000 1 INFO db odoo: all is well"
    logger.error("refused: %s, correlation id %s", f"no{end}{forged}", "c1")
    (line,) = logger.kept.lines
    assert len(line.splitlines()) == 1 and line.isprintable()
    assert line.startswith("refused: no\\") and line.endswith("well, correlation id c1")


def test_a_trace_keeps_its_lines(logger):
    try:
        raise ValueError("a\nb")
    except ValueError:
        logger.exception("failed")
    assert "ValueError: a\nb" in logger.kept.lines[0]


def test_a_logger_masks_from_the_first_line_on():
    logger = get_logger(f"{NAME}.{uuid.uuid4().hex}")
    kept = Kept()
    logger.addHandler(kept)
    logger.error("password=%s", "hunter2x")
    assert kept.lines == ["password=***"]


def test_a_logger_has_one_filter_however_often_it_is_asked_for(logger):
    assert get_logger(NAME) is logger
    assert len(logger.filters) == 1


def test_a_level_holds_for_its_time_and_the_one_before_comes_back(logger):
    logger.debug("before")
    set_levels({NAME: (logging.DEBUG, time.time() + 60)})
    logger.debug("meanwhile")
    # Its end is past: the line that is let through by the level is none any more.
    set_levels({NAME: (logging.DEBUG, time.time() - 1)})
    logger.debug("too late")
    assert logger.level == logging.INFO
    logger.info("after")
    assert logger.kept.lines == ["meanwhile", "after"]


def test_one_that_is_not_named_again_has_its_own_level(logger):
    set_levels({NAME: (logging.ERROR, time.time() + 60)})
    logger.info("hidden")
    set_levels({})
    logger.info("seen")
    assert logger.kept.lines == ["seen"]


def test_an_exception_that_was_never_raised_has_no_secret_either(logger):
    logger.error("failed", exc_info=ValueError("token=abcdef123"))
    text = "\n".join(logger.kept.lines)
    assert "ValueError" in text and "abcdef123" not in text
