"""What an arriving record is, as JSON Schema: said by the converters that check it."""

from functools import singledispatch

from odoo import api, models

from ..core.check.schema import (
    ONE_LINE_PATTERN,
    STORABLE_PATTERN,
    Flag as FlagShape,
    Identifier,
    Text,
    Whole,
)
from .choice import Choice
from .converters import (
    DIGITS,
    EARLIEST,
    LATEST,
    Amount,
    Converter,
    Email,
    Flag,
    Moment,
)
from .further import LARGEST_WHOLE, Day, Figure, Selected, WholeFigure
from .links import Coded, Reference
from .sync_entity_lines import MOST_LINES

NUMBER = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,6})?\s*$"
# Not blank: what is required says something.
SAYS_SOMETHING = r"^[^\u0000]*[^\s\u0000\u001c-\u001f][^\u0000]*$"
# Two digits are those of the decimals that every amount has.
LARGEST = 10 ** (DIGITS - 2) - 1
NEEDED = "A new record must have it."
LEFT_OUT = "Left out: a known record keeps what it has, a new one gets Odoo's default."
NAMED = "Other fields are named in a warning, or refused, as the stream says."
# What a record has besides the fields of its entity.
ENVELOPE = {
    "id": Identifier(what="The pharmacy's id."),
    "version": Whole(
        nullable=True,
        what="An older version than the one that Odoo has changes nothing; the same "
        "fields of the same version neither.",
    ),
    "deleted": FlagShape(
        nullable=True,
        what="True: the order is cancelled, the supplier or product archived; no other "
        "field counts.",
    ),
    "external_ref": Text(
        nullable=True,
        longest=255,
        what="The key that Odoo gave the record, if it was made there.",
    ),
    "created_at": Text(nullable=True, longest=100, what="Passed over."),
    "updated_at": Text(nullable=True, longest=100, what="When the app changed it."),
    "updated_by": Text(nullable=True, longest=500, what="Passed over."),
    "total": Text(nullable=True, longest=100, what="Passed over: Odoo adds up."),
}


@singledispatch
def schema_of(converter):
    """What a converter lets in, as JSON Schema."""
    raise TypeError(type(converter))


@schema_of.register
def _(converter: Converter):
    if converter.required:
        return {
            "type": "string",
            "maxLength": converter.longest,
            "pattern": SAYS_SOMETHING,
        }
    return {
        "type": ["string", "null"],
        "maxLength": converter.longest,
        "pattern": STORABLE_PATTERN,
    }


@schema_of.register
def _(converter: Email):
    return {**schema_of.dispatch(Converter)(converter), "pattern": ONE_LINE_PATTERN}


@schema_of.register
def _(converter: Flag):
    return {"type": "boolean"}


@schema_of.register
def _(converter: Amount):
    return {
        "type": ["string", "number"],
        "pattern": NUMBER,
        "minimum": -LARGEST,
        "maximum": LARGEST,
        "description": f"A decimal number of at most {DIGITS} digits, of which two or "
        "more are decimals; as a string it travels without a loss.",
    }


@schema_of.register
def _(converter: Figure):
    amount = schema_of.dispatch(Amount)(converter)
    return {**amount, "type": ["string", "number", "null"]}


@schema_of.register
def _(converter: WholeFigure):
    return {
        **schema_of.dispatch(Figure)(converter),
        "minimum": -LARGEST_WHOLE,
        "maximum": LARGEST_WHOLE,
        "description": "A whole number, as a string or a number.",
    }


@schema_of.register
def _(converter: Day):
    return {
        "type": ["string", "null"],
        "format": "date",
        "description": f"ISO 8601, from {EARLIEST} to before {LATEST}.",
    }


@schema_of.register
def _(converter: Selected):
    return {"type": ["string", "null"], "enum": [*converter._to_odoo, None]}


@schema_of.register
def _(converter: Moment):
    return {
        "type": ["string", "null"],
        "format": "date-time",
        "description": f"ISO 8601, from {EARLIEST} to before {LATEST}; without an "
        "offset it is UTC.",
    }


@schema_of.register
def _(converter: Choice):
    return {"type": "string", "enum": list(converter._to_odoo)}


@schema_of.register
def _(converter: Coded):
    text = schema_of.dispatch(Converter)(converter)
    return {**text, "description": f"The {converter.by} of a {converter.model}."}


@schema_of.register
def _(converter: Reference):
    kind = "string" if converter.required else ["string", "null"]
    return {
        **Identifier().schema(),
        "type": kind,
        "description": f"The pharmacy's id of a {converter.entity}.",
    }


class SyncEntity(models.AbstractModel):
    """Documentation of the records of each entity."""

    _inherit = "sync.entity"

    @api.model
    def _schemas(self):
        """JSON Schema of what may arrive, by the names of the entities as types are
        written: ``{"PurchaseOrder": {...}}``."""
        return {
            "".join(word.capitalize() for word in name.split("_")): adapter._schema()
            for name, adapter in self._entities().items()
        }

    @api.model
    def _schema(self):
        properties = {name: shape.schema() for name, shape in ENVELOPE.items()}
        properties.update(_fields(self._known_converters()))
        if self._entity_lines:
            key = Identifier(what="The same for the line's whole life; unique.")
            properties["lines"] = {
                "type": "array",
                "maxItems": MOST_LINES,
                "description": f"All lines. {LEFT_OUT}",
                "items": {
                    "type": "object",
                    "properties": {
                        "key": key.schema(),
                        **_fields(self._known_line_converters()),
                    },
                    "required": ["key", *_required(self._line_converters())],
                },
            }
        return {"type": "object", "description": NAMED, "properties": properties}


def _required(converters):
    return [converter.key for converter in converters if converter.required]


def _fields(converters):
    return {c.key: _described(c) for c in converters if not c.one_way}


def _described(converter):
    schema = schema_of(converter)
    words = (schema.get("description"), NEEDED if converter.required else LEFT_OUT)
    return {**schema, "description": " ".join(filter(None, words))}
