"""The shapes of the REST contract, from which the OpenAPI document is made."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    WithJsonSchema,
)

from .errors import Code

AMOUNT_LIMIT = 999_999_999
AMOUNT_DECIMALS = 6
AMOUNT_PATTERN = r"^-?[0-9]{1,9}(\.[0-9]{1,6})?$"
_DAYS = (
    r"((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
    r"|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
)
_DATES = rf"20([0-9]{{2}}-{_DAYS}|([02468][048]|[13579][26])-02-29)"
_MOMENT = rf"{_DATES}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"
SECRET_PATTERN = (
    r"^whsec_([A-Za-z0-9+/]{4}){8,22}"
    r"([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
)
URL_PATTERN = r"^https?://[A-Za-z0-9.-]{1,200}(:[0-9]{1,5})?(/[!-~]{0,500})?$"

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


class Closed(BaseModel):
    """A body in which an unknown field is an error, not a silent loss."""

    model_config = ConfigDict(extra="forbid")


class SupplierData(Closed):
    external_ref: Reference = None
    name: Name
    reference: Text = ""
    vat: Text = ""
    email: Text = ""
    phone: Text = ""
    street: Text = ""
    street2: Text = ""
    city: Text = ""
    zip: Text = ""
    country_code: Country = None
    active: Active = True


class ProductData(Closed):
    external_ref: Reference = None
    name: Name
    code: Text = ""
    barcode: Barcode = None
    uom: Unit = "Units"
    cost: PositiveAmount = "0.00"
    price: PositiveAmount = "0.00"
    active: Active = True


class Line(Closed):
    key: Annotated[
        str | None,
        Field(
            pattern=r"^[!-~]{1,100}$",
            description="Stable and unique in the order; made when absent.",
        ),
    ] = None
    product_id: Id
    description: LongText = ""
    quantity: PositiveAmount = "1.00"
    uom: Unit = "Units"
    unit_price: Amount = "0.00"


class OrderData(Closed):
    external_ref: Reference = None
    reference: Annotated[
        Text, Field(description="The pharmacy's own number; made when empty.")
    ] = ""
    supplier_id: Id
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    state: State = "draft"
    ordered_at: Annotated[
        OptionalMoment, Field(description="The time of creation when absent.")
    ] = None
    expected_at: OptionalMoment = None
    notes: LongText = ""
    lines: Annotated[list[Line], Field(max_length=1000)] = []


def _without_defaults(schema):
    for field in schema["properties"].values():
        field.pop("default", None)


class Patch(Closed):
    """In a patch a field that is absent stays as it is, whatever its default."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_defaults)

    def given(self):
        """The fields that the caller sent, as plain values."""
        return self.model_dump(include=self.model_fields_set)


class SupplierPatch(SupplierData, Patch):
    name: Name = "-"


class ProductPatch(ProductData, Patch):
    name: Name = "-"


class OrderPatch(OrderData, Patch):
    supplier_id: Id = "-"


class Stored(BaseModel):
    id: str
    version: int = Field(ge=1)
    deleted: bool
    updated_at: Moment


class Supplier(Stored):
    external_ref: str | None
    name: str
    reference: str
    vat: str
    email: str
    phone: str
    street: str
    street2: str
    city: str
    zip: str
    country_code: str | None
    active: bool


DecimalText = Annotated[
    str, Field(pattern=r"^-?[0-9]+\.[0-9]{2,6}$", examples=["12.50"])
]


class Product(Stored):
    external_ref: str | None
    name: str
    code: str
    barcode: str | None
    uom: str
    cost: DecimalText
    price: DecimalText
    active: bool


class OrderLine(BaseModel):
    key: str
    product_id: str
    description: str
    quantity: DecimalText
    uom: str
    unit_price: DecimalText


class PurchaseOrder(Stored):
    external_ref: str | None
    reference: str
    supplier_id: str
    currency: str
    state: State
    ordered_at: Moment
    expected_at: Moment | None
    notes: str
    lines: list[OrderLine]
    total: DecimalText


class BatchItem(Closed):
    method: Literal["create", "update", "delete"]
    id: Id | None = None
    external_ref: Annotated[
        Reference,
        Field(
            description="The new record's key; for the other methods, without id, "
            "the record meant."
        ),
    ] = None
    if_match: StrictInt | Literal["*"] | None = None
    idempotency_key: Annotated[str | None, Field(pattern=r"^[!-~]{1,200}$")] = None
    correlation_id: Annotated[str | None, Field(pattern=r"^[!-~]{1,200}$")] = None
    data: dict[str, Any] = {}


class Batch(Closed):
    items: Annotated[list[BatchItem], Field(max_length=500)]


Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    next_after: Annotated[str | None, Field(description="None: the last page.")]


class BucketSum(BaseModel):
    count: int
    sum: Annotated[str, Field(pattern="^[0-9a-f]{16}$")]


class Entry(BaseModel):
    id: str
    version: int
    digest: Annotated[str, Field(pattern="^[0-9a-f]{16}$")]


class Checksums(BaseModel):
    """``buckets``, or ``items`` when buckets were named."""

    buckets: list[BucketSum] | None = None
    items: list[Entry] | None = None


def compared(data):
    """The fields of a record that both systems know; the key is the caller's own."""
    names = [
        name for name in data.model_fields if name not in ("external_ref", "lines")
    ]
    if "lines" in data.model_fields:
        names += [f"lines.{name}" for name in Line.model_fields]
    return names


class Change(BaseModel):
    seq: int
    entity: str
    id: str
    version: int
    deleted: bool
    data: dict[str, Any]


class Changes(BaseModel):
    changes: list[Change]
    next_cursor: str
    has_more: bool


class ErrorDetail(BaseModel):
    code: Code
    message: str
    field: str | None
    correlation_id: str


class ErrorBody(BaseModel):
    error: ErrorDetail
    current: dict[str, Any] | None = None
    existing_id: str | None = None


class BatchResult(BaseModel):
    status: int
    id: str | None
    version: int | None
    data: dict[str, Any] | None
    error: ErrorDetail | None
    current: dict[str, Any] | None
    existing_id: str | None
    replayed: bool


class BatchAnswer(BaseModel):
    results: list[BatchResult]


class ReservationLine(Closed):
    product_id: Id
    quantity: PositiveAmount


class ReservationData(Closed):
    purchase_order_id: Id
    external_ref: Reference = None
    lines: Annotated[list[ReservationLine], Field(min_length=1, max_length=1000)]


class Reservation(BaseModel):
    id: str
    purchase_order_id: str
    external_ref: str | None
    state: Literal["held", "confirmed", "released", "expired"]
    expires_at: Moment
    lines: list[dict[str, str]]


class WebhookData(Closed):
    url: Annotated[str, Field(pattern=URL_PATTERN)]
    secret: Annotated[str, Field(pattern=SECRET_PATTERN)]
    database: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9._-]{1,63}$",
            description="Sent as X-Odoo-Database with every notice.",
        ),
    ] = None


class Webhook(BaseModel):
    id: str
    url: str
    database: str | None
    created_at: Moment
    pending: int


class Health(BaseModel):
    status: Literal["ok"]
    time: Moment
