"""How one value travels: an Odoo field on one side, a JSON value on the other.

A JSON value is always canonical (amounts are decimal texts, datetimes ISO 8601 in UTC).
Nothing is lost by that: what the pharmacy said is kept as it said it, and a converter
knows what Odoo makes of it (:meth:`Converter.held`). ``directory`` is the
:class:`~.directory.Directory` of the batch.
"""

import re
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from odoo import fields
from odoo.tools import (
    float_round,
    format_date,
    format_time,
    html2plaintext,
    plaintext2html,
)
from odoo.tools.misc import formatLang

from ..core.check.payload import canonical_datetime, decimals_of, exact_decimal
from ..core.check.text_checks import check_line
from ..core.exceptions import DependencyMissingError, InvalidDataError
from ..core.percent import rounded_percent

# Digits of an amount that a floating point number, as Odoo calculates with, holds.
DIGITS = 15
# Years that calendars and time zones can calculate with.
EARLIEST, LATEST = "1900", "3000"
# Characters of an HTML text of which its plain form is kept in memory for a while.
SHORT = 2_000
# What most notes are: words in one paragraph, in which there is nothing to be undone.
_ONE_PARAGRAPH = re.compile(
    r"<p>([^<>&\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+"
    r"(?: [^<>&\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+)*)</p>"
)
# Decimals of an amount that travels: more are the noise of Odoo's binary numbers.
DECIMALS = 6


@contextmanager
def at_path(path):
    """Add the path of the line to the field of an error."""
    try:
        yield
    except (InvalidDataError, DependencyMissingError) as exc:
        placed(exc, path)
        raise


def placed(error, path):
    """The error with the path of the line before its field."""
    # Most say first which field they are about.
    joint = "." if error.message.startswith(error.field or " ") else ": "
    error.field = f"{path}.{error.field}"
    error.message = f"{path}{joint}{error.message}"
    error.args = (error.message,)
    return error


def moment_text(env, moment):
    """A datetime as people read it, in their time zone; seconds only if there are."""
    clock = "medium" if moment.second else "short"
    date = fields.Datetime.context_timestamp(env.user, moment).date()
    time = format_time(env, moment, time_format=clock)
    return f"{format_date(env, date)} {time}"


def percent_text(env, share, signed=False):
    """A percentage as people read it, in their language.

    :param signed: whether one above zero has its sign as well
    """
    share = rounded_percent(share)
    number = formatLang(env, float(share), decimals_of(share))
    return f"+{number} %" if signed and share > 0 else f"{number} %"


class Converter:
    """A text field; the base of the others.

    :param key: name in the JSON record
    :param field: name of the Odoo field
    :param required: whether a new record must carry it
    :param longest: most characters of a text that arrives
    :param title: what people call it, translated lazily; the Odoo field's label serves
        where it is not given
    """

    empty = ""
    # Characters of a text that arrives. Odoo indexes names and codes, and an entry of
    # an index holds 2,700 bytes.
    longest = 500
    # What a person is shown, and types: text, number, moment, flag, choice or link.
    kind = "text"
    # Whether a person may give a value of their own for it.
    free = True
    # (model, field, path to it) of each other record whose field is part of the value.
    reads = ()
    # Other fields of the record that are part of it.
    uses = ()
    # Whether only Odoo can say it.
    one_way = False

    def __init__(self, key, field, required=False, longest=None, title=None):
        self.key = key
        self.field = field
        self.required = required
        self.longest = longest or self.longest
        self.title = title

    def name(self, model):
        """What people call the field, in their language.

        :param model: the Odoo model of the field, an empty recordset
        """
        if self.title:
            return model.env._(self.title)
        return model._fields[self.field]._description_string(model.env)

    def arrived(self, value, directory):
        """The canonical form of a value that the pharmacy app says, within its bounds.

        :raises InvalidDataError: it is none of this field's kind, or too large
        """
        canonical = self.canonical(value, directory)
        self._check_bounds(canonical)
        return canonical

    def _check_bounds(self, canonical):
        if canonical and len(canonical) > self.longest:
            raise InvalidDataError(
                f"{self.key} must have at most {self.longest} characters",
                field=self.key,
            )

    def to_json(self, record, directory):
        """The canonical JSON value of ``record``'s field. A converter that reads other
        fields as well extends this; any other one :meth:`from_odoo`."""
        return self.from_odoo(record[self.field], directory)

    def from_odoo(self, value, directory):
        """The canonical JSON value for what Odoo has in the field, in any record."""
        value = self.canonical(value, directory)
        return value.strip() or self.empty if isinstance(value, str) else value

    def unset(self):
        """The canonical value of a record in which nobody said anything."""
        return self.from_odoo(False, None)

    def canonical(self, value, directory):
        """The canonical form of a value that arrived, or was read from Odoo.

        :raises InvalidDataError: it is none of this field's kind
        """
        if value is None or value is False:
            return self.empty
        if not isinstance(value, str):
            raise InvalidDataError(f"{self.key} must be a string", field=self.key)
        return value or self.empty

    def to_odoo(self, value, directory):
        """The value to write in Odoo for a canonical JSON value."""
        return (value and value.strip()) or False

    def held(self, value, model):
        """What :meth:`to_json` returns for a canonical value once Odoo has it.

        :param model: the Odoo model of the field, an empty recordset
        """
        return (value and value.strip()) or self.empty

    def keeps(self, value, stored):
        """Whether ``stored``, which Odoo has by now, says all that a canonical
        ``value`` did."""
        return stored == self.held(value, None)

    @staticmethod
    def code(value):
        """What a value stands for where records are matched by it: blanks around it do
        not count."""
        return (value or "").strip()

    @staticmethod
    def having(field, values):
        """A domain of the records whose ``field`` may stand for one of these values;
        :meth:`code` says of which it does."""
        # Odoo may have it as it was spelled, or as it spells it.
        return fields.Domain(field, "in", list(values))

    def taken(self, value, has):
        """Whether ``has``, which the pharmacy app answers, is all that it can hold of a
        canonical ``value``."""
        return " ".join((value or "").split()) == " ".join((has or "").split())

    def to_text(self, value, model, directory):
        """A canonical JSON value as people read it, in their language.

        :param model: the Odoo model of the field, an empty recordset
        """
        return value or ""

    def options(self, model):
        """The JSON values that there are, where they are few: ``{value: what people
        call it}``."""
        return {}


class Optional(Converter):
    """A text whose absence is null, not empty (a code that must be unique)."""

    empty = None


class Email(Converter):
    """An email address, which ends up in a header of a mail."""

    def arrived(self, value, directory):
        canonical = super().arrived(value, directory)
        check_line(canonical, self.key)
        return canonical


class Flag(Converter):
    kind = "flag"
    free = False

    def canonical(self, value, directory):
        if not isinstance(value, bool):
            raise InvalidDataError(f"{self.key} must be true or false", field=self.key)
        return value

    def _check_bounds(self, canonical):
        """A flag has none."""

    def taken(self, value, has):
        return value == has

    def to_odoo(self, value, directory):
        return value

    def held(self, value, model):
        return value

    def to_text(self, value, model, directory):
        return "" if value is None else self.options(model)[bool(value)]

    def options(self, model):
        return {True: model.env._("Yes"), False: model.env._("No")}


class Amount(Converter):
    """A number, sent with all its decimals.

    :param precision: the one of Odoo's precisions that people see it with
    """

    kind = "number"

    def __init__(self, key, field, precision, required=False, title=None):
        super().__init__(key, field, required, title=title)
        self.precision = precision

    def from_odoo(self, value, directory):
        return exact_decimal(value, DECIMALS)

    def canonical(self, value, directory):
        try:
            return exact_decimal(value)
        except InvalidDataError as exc:
            raise InvalidDataError(
                f"{self.key} must be a decimal number", field=self.key
            ) from exc

    def _check_bounds(self, canonical):
        if len(canonical) > DIGITS and sum(map(str.isdigit, canonical)) > DIGITS:
            raise InvalidDataError(
                f"{self.key} must have at most {DIGITS} digits", field=self.key
            )

    def to_odoo(self, value, directory):
        return float(value)

    def held(self, value, model):
        digits = model._fields[self.field].get_digits(model.env)
        number = float(value)
        if digits:
            number = float_round(number, precision_digits=digits[1])
        return exact_decimal(number, DECIMALS)

    def keeps(self, value, stored):
        return Decimal(stored) == Decimal(value)

    def taken(self, value, has):
        # To fewer decimals is rounded; a whole number instead of a fraction is another.
        sent, has = Decimal(value), Decimal(has)
        last = Decimal(1).scaleb(-max(decimals_of(has.normalize()), 1))
        return abs(sent - has) * 2 <= last

    def to_text(self, value, model, directory):
        if value in (None, ""):
            return ""
        decimals = len(str(value).partition(".")[2].rstrip("0"))
        digits = max(directory.digits(self.precision), decimals)
        return formatLang(model.env, float(value), digits)


class Moment(Converter):
    """A datetime, UTC."""

    empty = None
    kind = "moment"

    def canonical(self, value, directory):
        if value is None or value is False or value == "":
            return self.empty
        try:
            return canonical_datetime(value)
        except InvalidDataError as exc:
            raise InvalidDataError(
                f"{self.key} must be an ISO 8601 datetime", field=self.key
            ) from exc

    def _check_bounds(self, canonical):
        if canonical and not EARLIEST <= canonical < LATEST:
            raise InvalidDataError(
                f"{self.key} must lie between {EARLIEST} and {LATEST}", field=self.key
            )

    def to_odoo(self, value, directory):
        return datetime.fromisoformat(value.rstrip("Z")) if value else False

    def held(self, value, model):
        return value

    def to_text(self, value, model, directory):
        moment = self.to_odoo(value, directory)
        return moment_text(model.env, moment) if moment else ""


class RichText(Converter):
    """An HTML field that travels as plain text; its formatting stays where it is
    until the text itself changes."""

    longest = 100_000

    def from_odoo(self, value, directory):
        return _plain(value)

    def to_odoo(self, value, directory):
        return _html(value) if value else False

    def held(self, value, model):
        return _plain(_html(value)) if value else self.empty


def _plain(html):
    """The text of HTML as Odoo reads it."""
    if not html:
        return ""
    if found := _ONE_PARAGRAPH.fullmatch(html):
        return found[1]
    return _short_plain(html) if len(html) <= SHORT else html2plaintext(html).strip()


def _html(text):
    return _short_html(text) if len(text) <= SHORT else plaintext2html(text)


@lru_cache(maxsize=1_000)
def _short_plain(html):
    # One text is read several times in a batch: before, compared, and read back.
    return html2plaintext(html).strip()


@lru_cache(maxsize=1_000)
def _short_html(text):
    return plaintext2html(text)


def is_empty(value):
    """Whether a canonical value says nothing."""
    return value is None or (isinstance(value, str) and not value.strip())
