"""Switches for tests and demonstrations; behind the same key, outside of the API."""

import hmac
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, StrictBool

from .abilities import Ability
from .auth import Method
from .demo_data import seed
from .errors import ApiError, Code, to_json
from .faults import Plan
from .schemas import Closed
from .values import PositiveAmount


async def _with_key(request: Request):
    expected = f"Bearer {request.app.state.api_key}".encode()
    given = request.headers.get("authorization", "").encode()
    if not hmac.compare_digest(given, expected):
        raise ApiError(Code.UNAUTHORIZED, "wrong or missing API key")


router = APIRouter(
    prefix="/admin", include_in_schema=False, dependencies=[Depends(_with_key)]
)


class SeedData(Closed):
    orders: Annotated[int, Field(ge=0, le=100_000)] = 100
    seed: int = 42


class SettingsData(Closed):
    """What is absent stays as it is; a stock of None is without limit."""

    hidden: list[Ability] | None = None
    ignore_idempotency_keys: StrictBool | None = None
    keeps: list[str] | None = None
    without_checksums: StrictBool | None = None
    # A code with which every record is refused, each for itself; empty: none is.
    refuse_records: Code | Literal[""] | None = None
    auth: Method | None = None
    # Seconds that new tokens are good for, and what the answer says (-1: nothing).
    token_seconds: float | None = None
    stated_seconds: float | None = None
    forget_tokens: StrictBool = False
    stock: dict[str, PositiveAmount | None] = Field(default_factory=dict)


@router.get("/faults")
async def show_faults(request: Request):
    return _shown(request.app.state.faults)


def _shown(faults):
    # A rule may put in what is no text, such as half of a surrogate pair.
    return Response(to_json(faults.show()), media_type="application/json")


@router.post("/faults")
async def replace_faults(request: Request, plan: Plan):
    request.app.state.faults.replace(plan)
    return _shown(request.app.state.faults)


@router.delete("/faults", status_code=204)
async def clear_faults(request: Request):
    request.app.state.faults.replace(Plan())


@router.get("/requests")
async def show_requests(request: Request, since: int = 0):
    return {"requests": request.app.state.log.since(since)}


@router.get("/requests/summary")
async def summarize_requests(request: Request):
    return {"summary": request.app.state.log.summary()}


@router.delete("/requests", status_code=204)
async def clear_requests(request: Request):
    request.app.state.log.clear()


@router.post("/reset", status_code=204)
def reset(request: Request):
    request.app.state.store.reset()


@router.post("/seed")
def load_demo_data(request: Request, data: SeedData):
    return seed(request.app.state.store, data.orders, data.seed)


@router.post("/settings")
def change_settings(request: Request, data: SettingsData):
    store = request.app.state.store
    _hide(store, data)
    _ask_who(request.app.state.callers, data)
    if data.keeps is not None:
        store.keeps = tuple(data.keeps)
    if data.refuse_records is not None:
        store.refuse_records = data.refuse_records
    with store.write() as db:
        for product_id, quantity in data.stock.items():
            db.execute("DELETE FROM stock WHERE product_id = ?", (product_id,))
            if quantity is not None:
                db.execute("INSERT INTO stock VALUES (?, ?)", (product_id, quantity))
        stock = db.execute("SELECT product_id, quantity FROM stock").fetchall()
    return {
        "auth": request.app.state.callers.method,
        "hidden": sorted(store.hidden),
        "ignore_idempotency_keys": Ability.IDEMPOTENCY_KEY in store.hidden,
        "keeps": store.keeps,
        "refuse_records": store.refuse_records,
        "without_checksums": Ability.CHECKSUMS in store.hidden,
        "stock": {row["product_id"]: str(Decimal(row["quantity"])) for row in stock},
    }


def _ask_who(callers, data):
    if data.auth is not None:
        callers.method = data.auth
    if data.token_seconds is not None:
        callers.token_seconds = callers.stated_seconds = data.token_seconds
    if data.stated_seconds is not None:
        callers.stated_seconds = (
            None if data.stated_seconds < 0 else data.stated_seconds
        )
    if data.forget_tokens:
        callers.forget_tokens()


def _hide(store, data):
    """Hide what is said; two abilities have a switch of their own as well."""
    hidden = set(store.hidden if data.hidden is None else data.hidden)
    for ability, is_hidden in (
        (Ability.IDEMPOTENCY_KEY, data.ignore_idempotency_keys),
        (Ability.CHECKSUMS, data.without_checksums),
    ):
        if is_hidden is not None:
            (hidden.add if is_hidden else hidden.discard)(ability)
    store.hidden = frozenset(hidden)


@router.get("/history/{record_id}")
def show_history(request: Request, record_id: str):
    """Who made each version of a record, by which request."""
    with request.app.state.store.read() as db:
        rows = db.execute(
            "SELECT * FROM history WHERE record_id = ? ORDER BY version", (record_id,)
        )
        return {"history": [dict(row) for row in rows]}
