"""The pharmacy's own screens: lists that refresh themselves, edit forms, what it offers
to programs, and the faults that are on."""

import logging
import pathlib
import uuid
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.templating import Jinja2Templates

from .errors import ApiError, Code
from .faults import Plan
from .records import ORDERS, PRODUCTS, SUPPLIERS, Write, apply_one, living, new_id
from .schemas import OrderData
from .sheets import SHEETS
from .store import find, list_after, list_page, to_record
from .webhooks import subscriptions

FOLDER = pathlib.Path(__file__).parent
PAGE_SIZE = 50
_ACTOR = "web page"
_logger = logging.getLogger(__name__)
_STATES = OrderData.model_fields["state"].annotation.__args__

router = APIRouter(include_in_schema=False)
_templates = Jinja2Templates(FOLDER / "templates")
_templates.env.trim_blocks = True
_templates.env.lstrip_blocks = True


@dataclass(frozen=True)
class Page:
    """A screen of no collection."""

    path: str
    title: str


_DOCS, _FAULTS = Page("docs", "API"), Page("faults", "Faults")
_ERROR = Page("", "No such page")


# What a person may switch on: its name in the form, (what it does, the rules, the code
# with which every record is refused).
_SWITCHES = {
    "down": ("Answer nothing but 503", [{"kind": "error", "status": 503}], ""),
    "slow": ("Answer after 5 seconds", [{"kind": "latency", "seconds": 5}], ""),
    "lost": ("Do the work, and lose the answer", [{"kind": "lost_answer"}], ""),
    "key": ("Refuse the key", [{"kind": "refuse_auth"}], ""),
    "records": ("Refuse every record", [], "business_rule"),
}
_ALL_OFF = ("", [], "")


def _moment(text):
    """What a datetime-local input sends, which may lack the seconds."""
    if not text:
        return None
    return f"{text}:00Z" if len(text) == len("2026-11-22T08:00") else f"{text}Z"


_READERS = {
    "text": lambda form, name: form[name],
    "area": lambda form, name: form[name].replace("\r\n", "\n"),
    "state": lambda form, name: form[name],
    "moment": lambda form, name: _moment(form[name]),
    "check": lambda form, name: name in form,
}


@router.get("/")
def show_orders(request: Request, q: str = "", page: int = 1, state: str = ""):
    return _list(request, SHEETS["orders"], q, page, state)


@router.get("/docs")
def show_docs(request: Request):
    """What the app offers to programs, for people."""
    return _render(request, "docs.html", _DOCS, {"api": request.app.openapi()})


@router.get("/faults")
def show_faults(request: Request):
    context = {
        "rules": request.app.state.faults.show()["rules"],
        "refused": request.app.state.store.refuse_records,
        "switches": _SWITCHES,
    }
    return _render(request, "faults.html", _FAULTS, context)


@router.post("/faults")
async def switch_faults(request: Request):
    """Switch one of the faults on that a person may choose, instead of all that are
    on; without a name, all off."""
    _check_origin(request)
    form = parse_qs((await request.body()).decode())
    __, rules, refused = _SWITCHES.get(form.get("switch", [""])[0], _ALL_OFF)
    request.app.state.faults.replace(Plan(rules=rules))
    request.app.state.store.refuse_records = refused
    return RedirectResponse("/faults", status_code=303)


@router.get("/{path}")
def show_list(request: Request, path: str, q: str = "", page: int = 1, state: str = ""):
    return _list(request, _sheet(path), q, page, state)


@router.get("/{path}/{record_id}")
def show_form(request: Request, path: str, record_id: str):
    sheet = _sheet(path)
    with request.app.state.store.read() as db:
        record = to_record(living(db, sheet.entity, record_id))
        return _form(request, db, sheet, record, record)


@router.post("/{path}/{record_id}")
async def save_form(request: Request, path: str, record_id: str):
    """Save or delete; a form older than the record is shown beside the new values."""
    _check_origin(request)
    body = (await request.body()).decode()
    lists = parse_qs(body, keep_blank_values=True)
    return await run_in_threadpool(_save, request, _sheet(path), record_id, lists)


def _sheet(path):
    if path not in SHEETS:
        raise ApiError(Code.NOT_FOUND, "no such page")
    return SHEETS[path]


def _check_origin(request):
    """Another site's page must not send our forms."""
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise ApiError(Code.FORBIDDEN, "the form is of another site")


def show_error(request, error):
    """What a person reads who asked for a page and cannot have it."""
    return _render(request, "error.html", _ERROR, {"error": error}, error.status)


def _list(request, sheet, text, page, state=""):
    page = max(1, page)
    with request.app.state.store.read() as db:
        found, count = list_page(
            db, sheet.entity.name, (page - 1) * PAGE_SIZE, PAGE_SIZE, text, state
        )
        records = [to_record(row) for row in found]
        rows = [(record["id"], sheet.row(db, record)) for record in records]
    pages = max(1, -(-count // PAGE_SIZE))
    context = {"rows": rows, "count": count, "text": text, "page": page}
    context |= {"pages": pages, "state": state, "has_state": sheet.entity is ORDERS}
    return _render(request, "list.html", sheet, context)


def _render(request, template, sheet, context, status=200):
    sheets = [*SHEETS.values(), _FAULTS, _DOCS]
    context |= {"sheet": sheet, "sheets": sheets, "states": _STATES}
    return _templates.TemplateResponse(request, template, context, status_code=status)


def _form(request, db, sheet, record, shown, error=None):
    """The edit form of a record.

    :param shown: the values in the form, which may differ from the record's
    :param error: the :class:`ApiError` that kept the form from being saved
    """
    context = {"record": record, "shown": shown, "error": error}
    context["history"] = db.execute(
        "SELECT * FROM history WHERE record_id = ? ORDER BY version DESC LIMIT 50",
        (record["id"],),
    ).fetchall()
    if sheet.entity is ORDERS:
        context["products"] = {
            row["id"]: to_record(row) for row in list_after(db, PRODUCTS.name, 0, -1)
        }
        context["supplier"] = to_record(find(db, SUPPLIERS.name, record["supplier_id"]))
    context["odoo"] = _odoo(db)
    status = error.status if error else 200
    return _render(request, "form.html", sheet, context, status)


def _odoo(db):
    """Where Odoo is, as far as it has asked for notices: the origin of its address."""
    for subscription in subscriptions(db):
        address = urlsplit(subscription["url"])
        return f"{address.scheme}://{address.netloc}"
    return None


def _save(request, sheet, record_id, lists):
    store = request.app.state.store
    form = {name: values[-1] for name, values in lists.items()}
    delete = form.get("action") == "delete"
    given = {}
    try:
        with store.write() as db:
            record = to_record(living(db, sheet.entity, record_id))
            if not delete:
                given = _given(db, sheet, lists, form, record)
            write = Write(
                "delete" if delete else "update",
                sheet.entity,
                id=record_id,
                if_match=int(form["version"]),
                data=_changed(given, record),
                actor=_ACTOR,
                correlation_id=uuid.uuid4().hex,
            )
            outcome, _ = apply_one(store, db, write)
    except ApiError as error:
        if error.code == Code.GONE:
            raise
        with store.read() as db:
            record = to_record(living(db, sheet.entity, record_id))
            return _form(request, db, sheet, record, record | given, error)
    _logger.info(
        "%s %s %s version=%d actor=%r correlation=%s",
        write.method,
        sheet.path,
        record_id,
        outcome["version"],
        _ACTOR,
        write.correlation_id,
    )
    place = f"/{sheet.path}" if delete else f"/{sheet.path}/{record_id}?saved"
    return RedirectResponse(place, status_code=303)


def _given(db, sheet, lists, form, record):
    """The form's values as fields of the record."""
    given = {
        field.name: _READERS[field.kind](form, field.name) for field in sheet.inputs
    }
    if sheet.entity is ORDERS:
        given["lines"] = _given_lines(db, lists, record)
    return given


def _given_lines(db, lists, record):
    """The form's lines that have a product and are not to be removed."""
    known = {line["key"]: line for line in record["lines"]}
    removed = lists.get("remove", [])
    columns = zip(
        *(lists.get(f"line_{name}", []) for name in _LINE_INPUTS), strict=True
    )
    lines = []
    for key, product_id, quantity, unit_price in columns:
        if key in removed or not product_id:
            continue
        line = known.get(key) or _new_line(db, key, product_id)
        lines.append(line | {"quantity": quantity, "unit_price": unit_price})
    return lines


_LINE_INPUTS = ("key", "product_id", "quantity", "unit_price")


def _new_line(db, key, product_id):
    product = to_record(living(db, PRODUCTS, product_id))
    return {
        "key": key or new_id("ln"),
        "product_id": product_id,
        "description": product["name"],
        "uom": product["uom"],
    }


def _changed(given, record):
    """The fields that the form changes; a browser sends line ends of its own."""

    def plain(value):
        return value.replace("\r\n", "\n") if isinstance(value, str) else value

    return {
        name: value
        for name, value in given.items()
        if plain(value or None) != plain(record[name] or None)
    }
