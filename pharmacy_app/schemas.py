"""The bodies of the REST contract, from which the OpenAPI document is made."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from .abilities import Ability
from .errors import Code
from .values import (
    Active,
    Amount,
    Barcode,
    Country,
    DecimalText,
    Id,
    LongText,
    Moment,
    Name,
    OptionalMoment,
    PositiveAmount,
    Reference,
    Secret,
    State,
    Text,
    Unit,
    Url,
)


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
    url: Url
    secret: Secret
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


class Capabilities(BaseModel):
    abilities: list[Ability]


class Health(BaseModel):
    status: Literal["ok"]
    time: Moment
