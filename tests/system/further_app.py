"""The reference app with fields more, which the contract knows nothing of: what a
pharmacy wants to know after ordering, and what one clinic made up for itself."""

from typing import Annotated, Any

from pydantic import Field

from pharmacy_app import schemas
from pharmacy_app.records import ENTITIES, Entity
from pharmacy_app.schemas import OrderData, Patch, Stored, SupplierData
from pharmacy_app.values import Id, Name

Said = Annotated[Any, Field(description="Kept as it comes.")]


class Line(schemas.Line):
    received: Said = None
    billed: Said = None
    open: Said = None
    next_receipt_at: Said = None
    lots: Said = None
    vendor_code: Said = None


class FurtherOrderData(OrderData):
    receipt_status: Said = None
    ward: Said = None
    lines: Annotated[list[Line], Field(max_length=1000)] = []


class FurtherOrderPatch(FurtherOrderData, Patch):
    supplier_id: Id = "-"


class FurtherOrder(schemas.PurchaseOrder):
    receipt_status: Said
    ward: Said
    lines: list[dict[str, Any]]


class FurtherSupplierData(SupplierData):
    ward: Said = None
    rating: Said = None
    since: Said = None
    stars: Said = None
    tier: Said = None
    category: Said = None


class FurtherSupplierPatch(FurtherSupplierData, Patch):
    name: Name = "-"


class FurtherSupplier(Stored, FurtherSupplierData):
    pass


def _further(name, data, patch, answer):
    known = ENTITIES[name]
    shapes = data, patch, answer, known.searched, known.prepare
    ENTITIES[name] = Entity(known.name, known.prefix, *shapes)


_further("purchase-orders", FurtherOrderData, FurtherOrderPatch, FurtherOrder)
_further("suppliers", FurtherSupplierData, FurtherSupplierPatch, FurtherSupplier)

if __name__ == "__main__":
    # The routes are made from the collections that there are when it is imported.
    from pharmacy_app.__main__ import main

    main()
