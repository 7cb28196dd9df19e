"""The values in the bodies of the REST contract: what each may be, and how it is kept
and sent."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool, WithJsonSchema

AMOUNT_LIMIT = 999_999_999
AMOUNT_DECIMALS = 6
AMOUNT_PATTERN = r"^-?[0-9]{1,9}(\.[0-9]{1,6})?$"
_DAYS = (
    r"((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
    r"|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
)
_DATES = rf"20([0-9]{{2}}-{_DAYS}|([02468][048]|[13579][26])-02-29)"
_MOMENT = rf"{_DATES}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"
_SECRET = (
    r"^whsec_([A-Za-z0-9+/]{4}){8,22}"
    r"([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
)
_URL = r"^https?://[A-Za-z0-9.-]{1,200}(:[0-9]{1,5})?(/[!-~]{0,500})?$"

_QUANTUM = Decimal(1).scaleb(-AMOUNT_DECIMALS)
_AMOUNT = re.compile(AMOUNT_PATTERN.replace("$", r"\Z"))


def _canonical(amount):
    """At least two decimals, at most six, no needless zeros: ``12.50``."""
    text = f"{amount.quantize(_QUANTUM, ROUND_HALF_UP):f}"
    whole, decimals = text.split(".")
    text = f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"
    return "0.00" if text == "-0.00" else text


def _to_amount(value):
    if value is None:
        return "0.00"
    if isinstance(value, str) and _AMOUNT.match(value):
        return _canonical(Decimal(value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        amount = Decimal(str(value))
        if amount.is_finite() and abs(amount) <= AMOUNT_LIMIT:
            return _canonical(amount)
    raise ValueError(f"not a decimal amount such as '12.50': {str(value)[:40]!r}")


def _to_positive_amount(value):
    if str(value).startswith("-") and value != 0:
        raise ValueError("must not be negative")
    return _to_amount(value)


def _amount_schema(pattern, **bounds):
    return WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": pattern},
                {"type": "number", "maximum": AMOUNT_LIMIT, **bounds},
                {"type": "null"},
            ],
            "description": "Decimal amount; answered as text with 2 to 6 decimals.",
        }
    )


Amount = Annotated[
    str,
    BeforeValidator(_to_amount),
    _amount_schema(AMOUNT_PATTERN, minimum=-AMOUNT_LIMIT),
]
PositiveAmount = Annotated[
    str,
    BeforeValidator(_to_positive_amount),
    _amount_schema(AMOUNT_PATTERN.replace("-?", ""), minimum=0),
]
DecimalText = Annotated[
    str, Field(pattern=r"^-?[0-9]+\.[0-9]{2,6}$", examples=["12.50"])
]


def _or_default(default):
    return BeforeValidator(lambda value: default if value is None else value)


def _nullable(schema):
    return WithJsonSchema({"anyOf": [schema, {"type": "null"}]})


def _text(limit, default=""):
    """A text that is never null: null means the default."""
    return Annotated[
        str,
        Field(max_length=limit),
        _or_default(default),
        _nullable({"type": "string", "maxLength": limit}),
    ]


def _optional(pattern):
    """Null or a text of that pattern; the empty text means null."""
    return Annotated[
        str | None,
        Field(pattern=f"^{pattern}$"),
        BeforeValidator(lambda value: None if value == "" else value),
        _nullable({"type": "string", "pattern": f"^({pattern})?$"}),
    ]


Text = _text(500)
LongText = _text(20_000)
Unit = _text(50, "Units")
Name = Annotated[str, Field(min_length=1, max_length=300)]
Id = Annotated[str, Field(min_length=1, max_length=80)]
Reference = _optional("[ -~]{1,200}")
Barcode = _optional("[!-~]{1,64}")
Country = _optional("[A-Z]{2}")
Moment = Annotated[str, Field(pattern=f"^{_MOMENT}$")]
OptionalMoment = _optional(_MOMENT)
Active = Annotated[StrictBool, _or_default(True), _nullable({"type": "boolean"})]
State = Literal["draft", "sent", "awaiting_approval", "confirmed", "cancelled"]
Url = Annotated[str, Field(pattern=_URL)]
Secret = Annotated[str, Field(pattern=_SECRET)]
