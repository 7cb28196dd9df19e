"""The reference app with one collection more, which it knows nothing of by itself:
what a pharmacy app has to offer for the price lists of ``pharmacy_sync_example``."""

from typing import Annotated

from pydantic import Field

from pharmacy_app.records import ENTITIES, Entity, new_id
from pharmacy_app.schemas import Closed, Patch, Stored
from pharmacy_app.values import Active, Amount, Id, Name, PositiveAmount, Reference


class Line(Closed):
    key: str | None = None
    product_id: Id
    quantity: PositiveAmount = "0.00"
    price: Amount = "0.00"


class PriceListData(Closed):
    external_ref: Reference = None
    name: Name
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    active: Active = True
    lines: list[Line] = []


class PriceListPatch(PriceListData, Patch):
    name: Name = "-"


class PriceList(Stored, PriceListData):
    pass


def _prepare(db, data, before):
    for line in data["lines"]:
        line["key"] = line["key"] or new_id("ln")


ENTITIES["price-lists"] = Entity(
    "price-lists", "prl", PriceListData, PriceListPatch, PriceList, ("name",), _prepare
)

if __name__ == "__main__":
    # The routes are made from the collections that there are when it is imported.
    from pharmacy_app.__main__ import main

    main()
