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
ARCHIVED = _lt("Nothing is sent any more: the stream is archived.")
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

# How deliveries, links, pauses and recoveries went, and what a dry run foresees.
RECEIVER_REMOVED = _lt("Its receiver was removed.")
DATABASE_IS_COPY = _lt("This database is a copy.")
SWITCHED_OFF = _lt("It was switched off.")
OVER_BEFORE = _lt("It was over before it could be delivered.")
RESOLVED_BEFORE = _lt("It was resolved before anybody was notified.")
CANCELLED_BY = _lt("Cancelled by %s.")
RECEIVER_GONE = _lt("The receiver has answered %s: no more.")
NO_ADDRESS = _lt("It has no address.")
ENTER_ADDRESS = _lt("Enter the address of the receiver.")
ENTER_KEY = _lt("Enter the key that the receiver gave you.")
ENTER_TEAM = _lt("Enter the id of the team.")
ENTER_SENDER = _lt("Enter an email address of the company: mails are sent from it.")
INSTALL_SMS = _lt("Install the app SMS first.")
LOOKING_AT_IT = _lt("You are looking at it.")
TOOK_MAIL = _lt("The mail server took it as %s.")
NO_EMAIL = _lt("No recipient has an email address.")
NO_PHONE = _lt("No recipient has a phone number.")
SMS_SAYS = _lt("Odoo's SMS service: %s.")
SENT_TO = _lt("Sent to %s.")
TEST = _lt("Test")
SEVERAL_ALERTS = _lt("%s alerts")
SUCCEEDED_LATER = _lt("It succeeded at a later attempt.")
KEY_ACCEPTED = _lt("The pharmacy app accepts the key.")
KEY_SEALED = _lt(
    "The API key cannot be decrypted: the encryption key of Odoo's server is "
    "missing or another one. Put it back, or enter the API key anew."
)
LINKED_THERE = _lt("The pharmacy had it already: linked.")
SENT_ANEW = _lt("The pharmacy app was set back: it is sent anew.")
READ_FIRST = _lt("Read first: the pharmacy app had sent only a part.")
MERGED = _lt("Merged with the pharmacy's newer values.")
ESSENTIALS = _lt("Essential fields; the rest follows.")
DELETED_THERE = _lt("The pharmacy had deleted it.")
STILL_HAS = _lt(
    "%(record)s still has %(fields)s at the pharmacy, and is about to give it up."
)
OVERWROTE = _lt(
    "The app wrote this over version %(seen)s, which Odoo has not seen: it ignores"
    " If-Match. What was entered at the pharmacy in the same fields is overwritten:"
    " %(fields)s."
)
CONNECTION_CHANGED = _lt("The connection was changed.")
READ_FROM_START = _lt("All is read again from the beginning.")
MAY_COME = _lt("It may come yet.")
LINK_BROKEN = _lt("The link was broken by hand.")
LINKED_BY = _lt("Linked by hand by %s.")
CURSOR_UNKNOWN = _lt("It does not know how far it was read.")
VERSION_GONE = _lt("It does not have version %(version)s of record %(id)s any more.")
RECORDS_GONE = _lt(
    "It does not have %(count)s of its records any more, such as %(id)s."
)
BELONGS_NO_MORE = _lt("It does not belong here any more.")
LEFT_TO_QUEUE = _lt("Left to the queue.")
SEVERAL_IN_ODOO = _lt("Several records of Odoo have this %(key)s: %(names)s")
SEVERAL_THERE = _lt("Several records of the pharmacy may be %s")
NOT_READ_HERE = _lt("Nothing is read from the pharmacy here.")
MAY_BE = _lt("It may be the pharmacy's %s")
NOT_SENT_HERE = _lt("Nothing is sent to the pharmacy here.")
BROUGHT_TOGETHER = _lt("What both sides have is brought together first.")
REPAIR_BY = _lt("Repair asked for by %s")
LEFT_BY = _lt("Left by %s")
BEING_RESET = _lt("The connection is being reset.")
WAS_RESET = _lt("The connection was reset.")
APP_ACCEPTS = _lt("The pharmacy app answers and accepts the key.")
RETRIED_BY_APP = _lt("Retried by the pharmacy app")
IS_GONE = _lt("It is gone.")
NOBODY = _lt("Nobody")
DELETED_HERE = _lt("Deleted in Odoo.")
LOG_SAYS = _lt("the server log says why")
TRANSACTION_OPEN = _lt("A transaction is open for %s s.")
CLOCK_DIFFERS = _lt("Odoo's clock differs by %s s.")
RECOVERY_TOOK = _lt("The recovery has taken up its work.")
RUNNER_IDLE = _lt(
    "The job runner has started nothing for %s minutes: see whether it runs."
)
LONG_ALIVE = _lt(
    "In progress for more than %(minutes)s minutes, with jobs that are alive: "
    "%(count)s."
)
OTHERS_WAIT = _lt("The others wait for their handlers.")
STEP_CLOSED = _lt("Closed by the recovery: its reservation has ended.")
CALL_FAILED = _lt("The latest call to it failed.")
READS_CHANGES = _lt("Reads what the pharmacy changed since the last reading.")
DELETES_THERE = _lt("Deletes the record at the pharmacy: it is gone in Odoo.")
NOT_UNDONE = _lt("The pharmacy has deleted it; that is not undone.")
MAKES_THERE = _lt("Makes a new record at the pharmacy.")
HAS_ALREADY = _lt("The pharmacy has it already: it is linked, and not made twice.")
DELETED_SINCE = _lt("The pharmacy has deleted it since.")
NEWER_THERE = _lt(
    "The pharmacy has a newer version (%(new)s) than the one that arrived "
    "(%(old)s); it comes with the next reading."
)
ARCHIVES_HERE = _lt("Archives or cancels the record in Odoo.")
MAKES_HERE = _lt("Makes a new record in Odoo, or links one that matches.")
WAS_DELETED_HERE = _lt("It was deleted in Odoo.")
BOTH_CHANGED = _lt("Both sides changed %s: a person will be asked.")
SENDS = _lt("Sends %s to the pharmacy.")
WRITES = _lt("Writes the pharmacy's %s in Odoo.")
RETRY_CLOSES = _lt("Both sides already match: a retry only closes this.")
CORRECTED = _lt("%(field)s corrected")

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
    _lt(
        "The worker died %(times)s times while it worked on this record alone"
        " (%(step)s)."
    ),
    _lt("The pharmacy does not have the record any more."),
    _lt("Odoo does not have the record any more."),
    _lt("One of the two has another counterpart by now."),
)
KEPT = tuple(
    sentence
    for name, sentence in list(globals().items())
    if name.isupper() and isinstance(sentence, str)
)
_PLACE = re.compile(r"%\((\w+)\)s|%s|%%")
# The values of these are sentences themselves, or names of the code's own.
NESTED = ("sentence", "field", "pool", "key")
# Stands between sentences that are kept together: no value holds it.
BETWEEN = "\u2028"


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


def together(*sentences: str) -> str:
    """Sentences of :data:`KEPT`, or of errors, to be kept as one text."""
    return BETWEEN.join(filter(None, sentences))


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
    as ``notes must be a string`` or ``uom: must be a string``."""
    first, _, rest = message.partition(" ")
    return first.removesuffix(":") if is_said(rest) else None


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
