"""Stock held for a purchase order: held, then confirmed or released, or expired."""

import json
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query, Request

from . import schemas
from .api import FromCaller, errors, json_response, replay_header
from .clock import now, to_text
from .errors import ApiError, Code
from .idempotency import once
from .records import ORDERS, PRODUCTS, new_id
from .store import find

HELD_SECONDS = 15 * 60

router = APIRouter(prefix="/reservations", tags=["reservations"])
_ANSWER = {200: {"model": schemas.Reservation}}


@router.post(
    "",
    status_code=201,
    responses={201: {"model": schemas.Reservation}} | errors(409),
)
def reserve(request: Request, caller: FromCaller, data: schemas.ReservationData):
    """Holds the quantities for 15 minutes. Products whose stock was never set are
    always there."""
    store = request.app.state.store
    content = {"reserve": data.model_dump()}
    with store.write() as db:
        answer, replayed = once(
            db, caller.idempotency_key, content, lambda: _reserve(db, data)
        )
    return json_response(answer, 201, replay_header(replayed))


@router.get(
    "", responses={200: {"model": schemas.Page[schemas.Reservation]}} | errors()
)
def list_reservations(
    request: Request, external_ref: Annotated[str | None, Query()] = None
):
    """The reservation with that external_ref, or the last 100."""
    condition = "WHERE external_ref = ?" if external_ref is not None else ""
    values = [external_ref] if external_ref is not None else []
    with request.app.state.store.read() as db:
        rows = db.execute(
            f"SELECT * FROM reservation {condition} ORDER BY expires_at DESC LIMIT 100",
            values,
        ).fetchall()
    return json_response({"items": [_public(row) for row in rows], "next_after": None})


@router.get("/{reservation_id}", responses=_ANSWER | errors(404))
def read_reservation(request: Request, reservation_id: str):
    with request.app.state.store.read() as db:
        return json_response(_public(_row(db, reservation_id)))


@router.post("/{reservation_id}/confirm", responses=_ANSWER | errors(404, 410))
def confirm(request: Request, caller: FromCaller, reservation_id: str):
    """Takes the quantities out of the stock; a second time changes nothing."""
    return _step(request, caller, reservation_id, "confirm")


@router.post("/{reservation_id}/release", responses=_ANSWER | errors(404))
def release(request: Request, caller: FromCaller, reservation_id: str):
    """Gives the quantities back, confirmed or not; a second time changes nothing."""
    return _step(request, caller, reservation_id, "release")


def _reserve(db, data):
    order = find(db, ORDERS.name, data.purchase_order_id)
    if order is None or order["deleted"]:
        raise ApiError(
            Code.UNKNOWN_REFERENCE, "no such purchase order", "purchase_order_id"
        )
    if json.loads(order["data"])["state"] == "cancelled":
        raise ApiError(
            Code.BUSINESS_RULE, "the order is cancelled", "purchase_order_id"
        )
    _check_not_there(db, data.external_ref)
    lines = [line.model_dump() for line in data.lines]
    _check_stock(db, lines)
    reservation_id = new_id("rsv")
    db.execute(
        "INSERT INTO reservation VALUES (?, ?, ?, 'held', ?, ?)",
        (
            reservation_id,
            data.external_ref,
            data.purchase_order_id,
            now() + HELD_SECONDS,
            json.dumps(lines),
        ),
    )
    return _public(_row(db, reservation_id))


def _check_not_there(db, external_ref):
    row = db.execute(
        "SELECT id FROM reservation WHERE external_ref = ?", (external_ref,)
    ).fetchone()
    if row is not None:
        raise ApiError(
            Code.DUPLICATE,
            "external_ref is that of another reservation",
            "external_ref",
            existing_id=row["id"],
        )


def _check_stock(db, lines):
    """Each product must be there in the quantity that all lines ask together."""
    asked = {}
    for index, line in enumerate(lines):
        product_id = line["product_id"]
        row = find(db, PRODUCTS.name, product_id)
        place = f"lines[{index}]"
        if row is None or row["deleted"]:
            raise ApiError(
                Code.UNKNOWN_REFERENCE, "no such product", f"{place}.product_id"
            )
        asked[product_id] = asked.get(product_id, 0) + Decimal(line["quantity"])
        available = _available(db, product_id)
        if available is not None and asked[product_id] > available:
            raise ApiError(
                Code.INSUFFICIENT_STOCK,
                f"{available} available, {asked[product_id]} asked",
                f"{place}.quantity",
            )


def _available(db, product_id):
    """Stock less what is held, or None when it is without limit."""
    row = db.execute(
        "SELECT quantity FROM stock WHERE product_id = ?", (product_id,)
    ).fetchone()
    if row is None:
        return None
    held = db.execute(
        "SELECT lines FROM reservation WHERE state = 'held' AND expires_at > ?",
        (now(),),
    )
    taken = (
        Decimal(line["quantity"])
        for reservation in held
        for line in json.loads(reservation["lines"])
        if line["product_id"] == product_id
    )
    return Decimal(row["quantity"]) - sum(taken)


def _row(db, reservation_id):
    row = db.execute(
        "SELECT * FROM reservation WHERE id = ?", (reservation_id,)
    ).fetchone()
    if row is None:
        raise ApiError(Code.NOT_FOUND, "no such reservation", field="id")
    return row


def _state(row):
    expired = row["state"] == "held" and row["expires_at"] <= now()
    return "expired" if expired else row["state"]


def _public(row):
    return {
        "id": row["id"],
        "purchase_order_id": row["purchase_order_id"],
        "external_ref": row["external_ref"],
        "state": _state(row),
        "expires_at": to_text(row["expires_at"]),
        "lines": json.loads(row["lines"]),
    }


# From state and step to the new state, and what moves into the stock: -1 takes the
# reservation's quantities out of it, 1 puts them back.
_STEPS = {
    ("held", "confirm"): ("confirmed", -1),
    ("confirmed", "confirm"): ("confirmed", 0),
    ("held", "release"): ("released", 0),
    ("expired", "release"): ("released", 0),
    ("confirmed", "release"): ("released", 1),
    ("released", "release"): ("released", 0),
}


def _step(request, caller, reservation_id, step):
    store = request.app.state.store
    with store.write() as db:
        answer, replayed = once(
            db,
            caller.idempotency_key,
            {"reservation": reservation_id, "step": step},
            lambda: _stepped(db, reservation_id, step),
        )
    return json_response(answer, headers=replay_header(replayed))


def _stepped(db, reservation_id, step):
    row = _row(db, reservation_id)
    state = _state(row)
    if (state, step) not in _STEPS:
        code = Code.GONE if state == "expired" else Code.BUSINESS_RULE
        message = f"a reservation that is {state} cannot be taken to {step}"
        raise ApiError(code, message, "state", current=_public(row))
    new_state, direction = _STEPS[state, step]
    if direction:
        for line in json.loads(row["lines"]):
            _move_stock(db, line["product_id"], direction * Decimal(line["quantity"]))
    db.execute(
        "UPDATE reservation SET state = ? WHERE id = ?", (new_state, reservation_id)
    )
    return _public(_row(db, reservation_id))


def _move_stock(db, product_id, quantity):
    row = db.execute(
        "SELECT quantity FROM stock WHERE product_id = ?", (product_id,)
    ).fetchone()
    if row is not None:
        db.execute(
            "UPDATE stock SET quantity = ? WHERE product_id = ?",
            (str(Decimal(row["quantity"]) + quantity), product_id),
        )
