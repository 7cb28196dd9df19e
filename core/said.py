"""Sentences that are kept with their values filled in, and read in any language.

What is kept (why a change waits, what an error says, how it ended) is written in the
words of the source, whoever or whatever writes it. :func:`read` finds the sentence and
its values again, so that the code that shows it can fill them into the same sentence
of the reader's language. What another program said matches none, and stays as it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from .texts import _lt

# Why an operation waits, failed or ended.
DONE_AT = _lt("Done at attempt %(attempt)s, after %(seconds)s s")
RETRIED = _lt("Retried: done")
RETRIED_BY = _lt("Retried by %s")
BROUGHT_BACK = _lt("Brought back by %s")
DISCARDED = _lt("Discarded by %(user)s: %(reason)s")
STOPPED = _lt("Stopped by %s")
STOPPED_AT = _lt("Stopped by %(user)s at %(time)s UTC")
APP_IS_BACK = _lt("The pharmacy app answers again.")
SENDS_NO_MORE = _lt("Nothing is sent any more: the stream goes to Odoo only.")
NEWER_QUEUED = _lt("A newer change is in the queue.")
NEWER_CAME = _lt("A newer version came.")
LATER_SENT = _lt("A later change of the record was sent.")
FAILED_BEFORE = _lt("The record is a failed change already: it is retried there.")
TAKEN_UP = _lt("Taken up again: its worker had died.")
SUSPECT = _lt("A worker died while it had this record in hand.")
SATURATED = _lt("Not essential, and the pool is saturated.")
WAITS_FOR = _lt("Waits for what it refers to: %s")
RECORD_GONE = _lt("The record is gone.")
MATCHES = _lt("Both sides already match.")
HELD_BACK = _lt("Held back while the decision can be undone.")
READ_AGAIN = _lt("Everything is read again.")
ORPHANED = _lt("Closed by the recovery: its record in Odoo is gone.")
DELIVERED_LATER = _lt("Delivered at a later attempt.")
WITHDRAWN = _lt("Withdrawn by %s")
BY_POLICY = _lt("%(sentence)s (policy %(name)s, attempt %(attempt)s of %(most)s)")
AS_ASKED = _lt("%(sentence)s (the app's Retry-After)")
# Why a conflict was decided, or a person is asked.
NEWEST_WINS = _lt("The newest change wins in this stream.")
ODOO_WINS = _lt("Odoo wins in this stream.")
PHARMACY_WINS = _lt("The pharmacy wins in this stream.")
SENT_AGAIN = _lt("The pharmacy app was set back: what was agreed on is sent again.")
CAME_BACK = _lt("The pharmacy app was set back: this came back, or was written since.")
RECORD_DELETED = _lt("The record was deleted.")
APP_DECLINED = _lt("The pharmacy app did not take the value.")
ODOO_DECLINED = _lt("Odoo declined it: %s")
ODOO_DECLINED_SILENTLY = _lt("Odoo did not take the value.")
CONFIRMED = _lt("The order is confirmed in Odoo.")
LOCKED = _lt("The order is locked in Odoo.")
RECEIVED = _lt("Goods of the order were received.")
BILLED = _lt("The order was billed.")
# How long work ended.
FAILED_AGAIN = _lt("%(failed)s of the first %(ended)s failed again: %(outcome)s")
TOO_MANY_FAILED = _lt(
    "%(failed)s of %(ended)s failed again, more than %(limit)s %%: %(outcome)s"
)
OTHER_CAUSES = _lt("The first %(count)s failed of other causes: %(outcome)s")
RULE_OFF = _lt("Its rule was switched off.")

# What errors say, as the code that raises them writes it; the name of a field before
# it is read apart.
MESSAGES = (
    _lt("is required"),
    _lt("must be a string"),
    _lt("must be true or false"),
    _lt("must be a decimal number"),
    _lt("must be an ISO 8601 datetime"),
    _lt("must be on one line, without control characters"),
    _lt("must be a whole number"),
    _lt("must be an object"),
    _lt("must be a finite number"),
    _lt("must have at most %(most)s characters"),
    _lt("must have at most %(most)s digits"),
    _lt("must be one of %(known)s"),
    _lt("must lie between %(earliest)s and %(latest)s"),
    _lt("must be unique among the lines"),
    _lt("%(value)s may mean several records of Odoo: %(records)s"),
    _lt("Odoo has no %(what)s. Create it, or choose another."),
    _lt("%(holder)s has %(value)s."),
    _lt("The %(entity)s %(id)s is not known yet."),
    _lt("No answer from %(address)s: %(cause)s."),
    _lt("HTTP %(status)s"),
    _lt("The API key has characters that no HTTP header can hold."),
    _lt("The address of %(host)s is an internal one, which is not allowed."),
    _lt("The answer is longer than %(size)s MB, and was not read."),
    _lt("The answer has no %(name)s that is a %(kind)s."),
    _lt("The list does not go on."),
    _lt("The time given to this work is used up."),
    _lt("Every line needs a key of its own."),
    _lt("The app answers with another record than it was asked for."),
    _lt("What was written cannot be read: %(why)s"),
    _lt("A secret cannot be read: the key that it was encrypted with is missing."),
    _lt("The backend is paused."),
    _lt("The backend is paused: it accepts nothing."),
    _lt("The breaker of %(what)s is open: %(why)s"),
    _lt("All %(count)s slots of %(pool)s are taken."),
    _lt("No slot of %(pool)s became free in %(seconds)s seconds."),
    _lt("The pharmacy app has deleted it."),
    _lt("The pharmacy deleted %(record)s, which Odoo does not archive."),
    _lt("The pharmacy deleted %(record)s, which Odoo does not cancel. %(sentence)s"),
    _lt("The pharmacy deleted %(record)s, which stays: %(sentence)s"),
    _lt("The order has no goods to reserve."),
    _lt("The order was cancelled."),
    _lt("The order was deleted."),
    _lt("The reservation is gone."),
    _lt(
        "The worker died %(times)s times while it worked on this record alone"
        " (%(step)s)."
    ),
    _lt("The pharmacy does not have the record any more."),
    _lt("One of the two has another counterpart by now."),
)
KEPT = tuple(
    sentence
    for name, sentence in list(globals().items())
    if name.isupper() and isinstance(sentence, str)
)
_PLACE = re.compile(r"%\((\w+)\)s|%s|%%")
# The value of it is a sentence itself.
NESTED = "sentence"


@dataclass(frozen=True)
class Said:
    """A sentence of the source, and the values that were filled in: by name, or
    without names in their order."""

    sentence: str
    named: Mapping[str, str]
    values: tuple[str, ...]


def say(sentence: str, /, *values: object, **named: object) -> str:
    """A sentence of :data:`KEPT` with its values, to be kept."""
    return sentence % (named or values)


def read(text: str) -> Said | None:
    """The sentence that was kept as ``text``; None if it has no values, or is another
    program's."""
    for sentence, pattern in _patterns():
        found = pattern.fullmatch(text)
        if found:
            named = found.groupdict()
            return Said(sentence, named, () if named else found.groups())
    return None


def is_said(text: str) -> bool:
    """Whether a text is one of these sentences."""
    return text in MESSAGES or text in KEPT or read(text) is not None


def field_of(message: str) -> str | None:
    """The field with which a message begins whose rest is one of these sentences, such
    as ``notes must be a string``."""
    first, _, rest = message.partition(" ")
    return first if is_said(rest) else None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The sentences that have values, those with the most words of their own first."""
    with_values = (text for text in (*KEPT, *MESSAGES) if "%" in text)
    ordered = sorted(with_values, key=lambda text: -len(_PLACE.sub("", text)))
    return tuple((text, _pattern(text)) for text in ordered)


def _pattern(sentence: str) -> re.Pattern[str]:
    parts, end = [], 0
    for place in _PLACE.finditer(sentence):
        parts.append(re.escape(sentence[end : place.start()]))
        name = place[1]
        value = f"(?P<{name}>.+?)" if name else "(.+?)"
        parts.append("%" if place[0] == "%%" else value)
        end = place.end()
    parts.append(re.escape(sentence[end:]))
    return re.compile("".join(parts), re.DOTALL)
