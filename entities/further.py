"""Fields that travel beside an entity's own because an administrator chose them: any
of Odoo's, by its type, and what Odoo alone can say.

In such a field nothing said and Odoo's empty value are one: Odoo has no number that is
not there.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from odoo.tools import float_round, format_date
from odoo.tools.misc import formatLang

from ..core.check.payload import exact_decimal
from ..core.exceptions import InvalidDataError
from .choice import Choice
from .converters import DECIMALS, Amount, Converter, Flag, Moment
from .links import Coded
from .neutral import SOURCE_LANG

# What an integer column holds.
LARGEST_WHOLE = 2**31 - 1
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Further:
    """A field that a stream carries because an administrator chose it.

    :ivar backend_id: of the stream's backend
    :ivar key: its generic path in the pharmacy app's records
    :ivar field: the Odoo field, of the record or of its lines
    :ivar by: of a many2one the field that its record is known by
    :ivar is_taken: whether Odoo takes it over from the pharmacy
    :ivar is_offered: whether it is one of ``sync.entity._offered``
    """

    backend_id: int
    key: str
    field: str
    by: str
    is_taken: bool
    is_offered: bool

    @property
    def in_line(self):
        return "." in self.key

    @property
    def name(self):
        """Its key within the record, or the line."""
        return self.key.rpartition(".")[2]


class Figure(Amount):
    """A number with all its decimals; 0 where nothing is said."""

    def __init__(self, key, field, title=None):
        super().__init__(key, field, None, title=title)

    def from_odoo(self, value, directory):
        return exact_decimal(value or 0, DECIMALS)

    def canonical(self, value, directory):
        nothing = value is None or value == ""
        return super().canonical(0 if nothing else value, directory)

    def held(self, value, model):
        # The decimals of a monetary field are those of the record's currency: what it
        # made of the value is read back.
        if model._fields[self.field].type == "monetary":
            return value
        return super().held(value, model)

    def keeps(self, value, stored):
        return self.taken(value, stored)

    def to_text(self, value, model, directory):
        decimals = len(str(value or "").partition(".")[2].rstrip("0"))
        return formatLang(model.env, float(value or 0), decimals)


class WholeFigure(Figure):
    """A whole number; 0 where nothing is said."""

    def canonical(self, value, directory):
        number = super().canonical(value, directory)
        if Decimal(number) % 1:
            raise InvalidDataError(f"{self.key} must be a whole number", field=self.key)
        return number

    def _check_bounds(self, canonical):
        if abs(Decimal(canonical)) > LARGEST_WHOLE:
            raise InvalidDataError(
                f"{self.key} must be at most {LARGEST_WHOLE}", field=self.key
            )

    def to_odoo(self, value, directory):
        return int(Decimal(value))

    def held(self, value, model):
        return value


class Day(Moment):
    """A date, ``2026-11-29``; null where there is none."""

    def canonical(self, value, directory):
        if isinstance(value, date):
            return value.isoformat()
        if value is None or value is False or value == "":
            return self.empty
        try:
            if not _DAY.fullmatch(value):
                raise ValueError
            return date.fromisoformat(value).isoformat()
        except (TypeError, ValueError) as exc:
            raise InvalidDataError(
                f"{self.key} must be an ISO 8601 date", field=self.key
            ) from exc

    def to_odoo(self, value, directory):
        return date.fromisoformat(value) if value else False

    def to_text(self, value, model, directory):
        return format_date(model.env, value) if value else ""


class Selected(Choice):
    """A selection that travels by Odoo's own values; null where none is chosen."""

    empty = None

    def to_json(self, record, directory):
        return super().to_json(record, directory) if record[self.field] else self.empty

    def from_odoo(self, value, directory):
        return value or self.empty

    def canonical(self, value, directory):
        if value is None or value is False or value == "":
            return self.empty
        return super().canonical(value, directory)

    def to_odoo(self, value, directory):
        return super().to_odoo(value, directory) if value else False


class Named(Coded):
    """A many2one that only Odoo says: it is read off its own record, whatever others
    go by."""

    def value_of(self, target, directory):
        target = target.sudo().with_context(lang=SOURCE_LANG)
        return (target and target[self.by]) or self.empty

    def check_plain(self, value, directory):
        """It names its record as well as it can."""


class Told:
    """Mixed into a converter of what only Odoo can say: whatever the app answers, or
    keeps of it, is its own affair."""

    one_way = True

    def arrived(self, value, directory):
        try:
            return super().arrived(value, directory)
        except InvalidDataError:
            return value

    def taken(self, value, has):
        return True

    def to_odoo(self, value, directory):
        """Nothing that Odoo could keep."""
        return False


class ToldFigure(Told, Figure):
    pass


class ToldMoment(Told, Moment):
    pass


class ToldChoice(Told, Selected):
    pass


def converter_of(model, further, is_taken):
    """The converter of one of Odoo's fields by its type; None: there is no such field,
    or it has a type that cannot travel.

    :param model: the Odoo model of the field, an empty recordset
    :param further: a :class:`Further`
    :param is_taken: whether any stream takes it over from the pharmacy
    """
    field = model._fields.get(further.field)
    make = TYPES.get(field.type) if field else None
    return make(model, further, is_taken) if make else None


def _simple(kind):
    return lambda model, further, is_taken: kind(further.name, further.field)


def _selected(model, further, is_taken):
    values = model._fields[further.field].get_values(model.env)
    return Selected(further.name, further.field, [(value, value) for value in values])


def _linked(model, further, is_taken):
    other = model._fields[further.field].comodel_name
    by = model.env[other]._fields.get(further.by)
    if not by:
        return None
    return (Coded if is_taken else Named)(further.name, further.field, other, by.name)


def rounded(number, digits=DECIMALS):
    """An amount that was added up, without the noise of binary numbers."""
    return exact_decimal(float_round(number, precision_digits=digits), DECIMALS)


# How each type of field travels.
TYPES = {
    "char": _simple(Converter),
    "text": _simple(Converter),
    "integer": _simple(WholeFigure),
    "float": _simple(Figure),
    "monetary": _simple(Figure),
    "boolean": _simple(Flag),
    "date": _simple(Day),
    "datetime": _simple(Moment),
    "selection": _selected,
    "many2one": _linked,
}
