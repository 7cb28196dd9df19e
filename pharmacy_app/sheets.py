"""The screens of each collection: what its list shows, and what its form asks for."""

from collections.abc import Callable
from dataclasses import dataclass

from .records import ORDERS, PRODUCTS, SUPPLIERS, Entity
from .store import find, to_record


@dataclass(frozen=True)
class Input:
    """One field of a form; the kind is the name of its reader and of its widget."""

    name: str
    label: str
    kind: str = "text"


@dataclass(frozen=True)
class Sheet:
    """The screens of one collection.

    :param row: ``(db, record) -> texts`` of a list's row, one for each heading
    """

    path: str
    title: str
    entity: Entity
    headings: tuple[str, ...]
    row: Callable
    inputs: tuple[Input, ...]


def _order_row(db, record):
    supplier = find(db, SUPPLIERS.name, record["supplier_id"])
    return (
        record["reference"],
        record["external_ref"] or "",
        to_record(supplier)["name"],
        record["state"],
        f"{record['total']} {record['currency']}",
        len(record["lines"]),
        record["version"],
        record["updated_at"],
    )


def _fields_row(*names):
    return lambda db, record: tuple(record[name] or "" for name in names)


SHEETS = {
    sheet.path: sheet
    for sheet in (
        Sheet(
            "orders",
            "Purchase orders",
            ORDERS,
            (
                "Reference",
                "External reference",
                "Supplier",
                "State",
                "Total",
                "Lines",
                "Version",
                "Updated",
            ),
            _order_row,
            (
                Input("state", "State", "state"),
                Input("expected_at", "Expected (UTC)", "moment"),
                Input("notes", "Notes", "area"),
            ),
        ),
        Sheet(
            "suppliers",
            "Suppliers",
            SUPPLIERS,
            ("Name", "External reference", "VAT", "City", "Country", "Version"),
            _fields_row(
                "name", "external_ref", "vat", "city", "country_code", "version"
            ),
            (
                Input("name", "Name"),
                Input("reference", "Reference"),
                Input("vat", "VAT"),
                Input("email", "Email"),
                Input("phone", "Phone"),
                Input("street", "Street"),
                Input("street2", "Street 2"),
                Input("zip", "ZIP"),
                Input("city", "City"),
                Input("country_code", "Country code"),
                Input("active", "Active", "check"),
            ),
        ),
        Sheet(
            "products",
            "Products",
            PRODUCTS,
            ("Name", "External reference", "Code", "Barcode", "Cost", "Version"),
            _fields_row("name", "external_ref", "code", "barcode", "cost", "version"),
            (
                Input("name", "Name"),
                Input("code", "Code"),
                Input("barcode", "Barcode"),
                Input("uom", "Unit"),
                Input("cost", "Cost"),
                Input("price", "Price"),
                Input("active", "Active", "check"),
            ),
        ),
    )
}
