"""What may be done to suppliers, products and purchase orders, and what follows."""

import json
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from pydantic import BaseModel, ValidationError

from . import schemas, webhooks
from .clock import now_text
from .errors import ApiError, Code, first_invalid
from .idempotency import once
from .store import find, find_by, next_number, save, savepoint, to_record

_CENT = Decimal("0.01")
_NOTHING = dict.fromkeys(
    ("status", "id", "version", "data", "error", "current", "existing_id", "replayed")
) | {"replayed": False}
_logger = logging.getLogger(__name__)
_NO_ORDER = {"supplier_id": None, "ordered_at": None, "reference": "", "lines": []}


def new_id(prefix):
    return f"{prefix}_{uuid.uuid4().hex}"


@dataclass(frozen=True)
class Entity:
    """One collection: its shapes and what is particular to it.

    :param prepare: ``(db, data, before) -> None`` completes and checks the fields
        of a record, in place; ``before`` is the stored fields or None
    :param searched: the fields that a text search looks into
    """

    name: str
    prefix: str
    data: type[BaseModel]
    patch: type[BaseModel]
    answer: type[BaseModel]
    searched: tuple[str, ...]
    prepare: Callable = lambda db, data, before: None


@dataclass(frozen=True)
class Write:
    """One change asked for, by a request, an item of a batch or the web page."""

    method: str
    entity: Entity
    id: str | None = None
    external_ref: str | None = None
    if_match: int | str | None = None
    data: dict = field(default_factory=dict)
    idempotency_key: str | None = None
    actor: str = ""
    correlation_id: str = ""

    def meaning(self):
        """What a repetition under the same idempotency key must have in common."""
        return {
            "method": self.method,
            "entity": self.entity.name,
            "target": self.id or self.external_ref,
            "data": self.data,
        }


def apply_one(store, db, write):
    """Carry out one write in the caller's transaction.

    :param store: the :class:`~pharmacy_app.store.Store`, for its settings
    :return: ``{"status", "id", "version", "data"}`` and whether it is a replay
    :raise ApiError: when it is refused; the caller must undo the transaction then
    """
    if store.refuse_records:
        raise ApiError(Code(store.refuse_records), "this record is not taken now")
    return once(
        db,
        write.idempotency_key,
        write.meaning(),
        lambda: _METHODS[write.method](db, write, store.keeps),
    )


def apply_each(store, db, writes):
    """Carry out writes in order; one that is refused leaves the others alone.

    :return: a list of results in the form of ``schemas.BatchResult``
    """
    results = []
    for write in writes:
        result = dict(_NOTHING)
        try:
            with savepoint(db):
                outcome, result["replayed"] = apply_one(store, db, write)
            result |= outcome
        except ApiError as error:
            result |= error.result(write.correlation_id)
        except Exception:
            _logger.exception("correlation=%s", write.correlation_id)
            failure = ApiError(Code.INTERNAL, "the application failed")
            result |= failure.result(write.correlation_id)
        _logger.info(
            "%s %s %s %s correlation=%s",
            write.method,
            write.entity.name,
            result["id"],
            result["status"],
            write.correlation_id,
        )
        results.append(result)
    return results


def _create(db, write, keeps):
    data = _checked(
        write.entity.data, {"external_ref": write.external_ref} | write.data
    )
    values = data.model_dump()
    write.entity.prepare(db, values, None)
    _check_unique(db, write.entity, values, None)
    return _saved(db, write, new_id(write.entity.prefix), 1, values, status=201)


def _update(db, write, keeps):
    row = _matching(db, write)
    given = _checked(write.entity.patch, write.data).given()
    before = json.loads(row["data"])
    values = before | given
    _keep_own(values, before, keeps)
    write.entity.prepare(db, values, before)
    if values == before:
        return _outcome(row, 200)
    _check_unique(db, write.entity, values, row["id"])
    return _saved(db, write, row["id"], row["version"] + 1, values, status=200)


def _keep_own(values, before, keeps):
    """An app that does not take some fields: it answers with its own value."""
    for path in keeps:
        name, _, field = path.partition(".")
        if not field and name in before:
            values[name] = before[name]
        elif field and name in before:
            own = {line["key"]: line for line in before[name]}
            values[name] = [
                line | {field: own[line["key"]][field]} if line["key"] in own else line
                for line in values[name]
            ]


def _delete(db, write, keeps):
    row = _matching(db, write)
    values = json.loads(row["data"])
    version = row["version"] + 1
    return _saved(db, write, row["id"], version, values, status=204, deleted=True)


_METHODS = {"create": _create, "update": _update, "delete": _delete}


def living(db, entity, record_id):
    """The row of a record that is there.

    :raise ApiError: ``not_found``, or ``gone`` with its tombstone
    """
    row = find(db, entity.name, record_id)
    if row is None:
        raise ApiError(Code.NOT_FOUND, f"no such record in {entity.name}", field="id")
    return _not_deleted(row)


def _not_deleted(row):
    if row["deleted"]:
        raise ApiError(Code.GONE, "the record was deleted", current=to_record(row))
    return row


def _matching(db, write):
    """The row that an update or deletion means, at the version it expects."""
    if write.id:
        row = living(db, write.entity, write.id)
    else:
        row = find_by(db, write.entity.name, "external_ref", write.external_ref)
        if row is None:
            raise ApiError(Code.NOT_FOUND, "no such record", field="external_ref")
        _not_deleted(row)
    if write.if_match is None:
        raise ApiError(
            Code.PRECONDITION_REQUIRED, "say which version you saw", field="if_match"
        )
    if write.if_match not in ("*", row["version"]):
        raise ApiError(
            Code.VERSION_CONFLICT,
            f"the record is at version {row['version']}, not {write.if_match}",
            current=to_record(row),
        )
    return row


def _checked(model, data):
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise first_invalid(error.errors()) from error


def _check_unique(db, entity, values, own_id):
    for name in ("external_ref", "barcode"):
        if values.get(name) is None:
            continue
        row = find_by(db, entity.name, name, values[name])
        if row is not None and row["id"] != own_id:
            raise ApiError(
                Code.DUPLICATE,
                f"{name} is that of another record",
                field=name,
                existing_id=row["id"],
            )


def _saved(db, write, record_id, version, values, status, deleted=False):
    entity = write.entity
    search = "\n".join(str(values[name] or "") for name in entity.searched)
    row = save(db, entity.name, record_id, version, values, search.casefold(), deleted)
    db.execute(
        "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)",
        (
            record_id,
            version,
            write.method,
            write.actor,
            write.correlation_id,
            row["updated_at"],
        ),
    )
    webhooks.announce(db, write, row)
    return _outcome(row, status)


def _outcome(row, status):
    return {
        "status": status,
        "id": row["id"],
        "version": row["version"],
        "data": to_record(row),
    }


def _prepare_order(db, data, before):
    before = before or _NO_ORDER
    if data["supplier_id"] != before["supplier_id"]:
        _check_reference(db, SUPPLIERS, data["supplier_id"], "supplier_id")
    known = {line["product_id"] for line in before["lines"]}
    keys = set()
    for index, line in enumerate(data["lines"]):
        if line["product_id"] not in known:
            place = f"lines[{index}].product_id"
            _check_reference(db, PRODUCTS, line["product_id"], place)
            known.add(line["product_id"])
        line["key"] = line["key"] or new_id("ln")
        if line["key"] in keys:
            raise ApiError(
                Code.BUSINESS_RULE,
                "two lines have the same key",
                field=f"lines[{index}].key",
            )
        keys.add(line["key"])
    if data["state"] == "confirmed" and not data["lines"]:
        raise ApiError(
            Code.BUSINESS_RULE, "an order without lines cannot be confirmed", "state"
        )
    data["ordered_at"] = data["ordered_at"] or before["ordered_at"] or now_text()
    data["reference"] = data["reference"] or before["reference"]
    if not data["reference"]:
        data["reference"] = f"PH{next_number(db, 'reference'):05d}"
    data["total"] = _total(data["lines"])


def _check_reference(db, entity, record_id, place):
    row = find(db, entity.name, record_id)
    if row is None or row["deleted"]:
        raise ApiError(
            Code.UNKNOWN_REFERENCE, f"no such record in {entity.name}", field=place
        )


def _total(lines):
    amounts = (
        Decimal(line["quantity"]) * Decimal(line["unit_price"]) for line in lines
    )
    total = sum(
        (amount.quantize(_CENT, ROUND_HALF_UP) for amount in amounts), Decimal()
    )
    return f"{total:.2f}"


SUPPLIERS = Entity(
    "suppliers",
    "sup",
    schemas.SupplierData,
    schemas.SupplierPatch,
    schemas.Supplier,
    ("name", "reference", "vat", "email", "city", "external_ref"),
)
PRODUCTS = Entity(
    "products",
    "prd",
    schemas.ProductData,
    schemas.ProductPatch,
    schemas.Product,
    ("name", "code", "barcode", "external_ref"),
)
ORDERS = Entity(
    "purchase-orders",
    "po",
    schemas.OrderData,
    schemas.OrderPatch,
    schemas.PurchaseOrder,
    ("reference", "external_ref", "notes"),
    _prepare_order,
)
ENTITIES = {entity.name: entity for entity in (SUPPLIERS, PRODUCTS, ORDERS)}
