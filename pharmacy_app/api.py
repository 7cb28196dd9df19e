"""Routes of the three collections, the change feed and the health check."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from starlette.convertors import StringConvertor, register_url_convertor

from . import checksums, schemas
from .abilities import Ability
from .clock import now_text
from .errors import ApiError, Code, correlation_id, to_json
from .idempotency import once
from .records import ENTITIES, Write, apply_each, apply_one, living
from .store import behind, changes_after, cursor_of, find_by, list_after, to_record


class _RecordId(StringConvertor):
    """Any segment but those which are routes of their own."""

    regex = "(?!(?:batch|checksums)$)[^/]+"


register_url_convertor("record_id", _RecordId())

ONE = "/{record_id:record_id}"
RecordId = Annotated[str, Path(min_length=1)]
Limit = Annotated[int, Query(ge=1, le=500)]
Place = Annotated[str, Query(pattern="^[0-9]{1,18}$")]
Moment = Annotated[
    str,
    Query(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        description="Only what has this updated_at or a later one.",
    ),
]
IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        pattern=r'^(\*|"[0-9]{1,18}")$',
        description="The version seen, as in ETag; * for any.",
    ),
]


@dataclass(frozen=True)
class Caller:
    """Who asks, under which keys."""

    idempotency_key: str | None
    actor: str
    correlation_id: str


async def _caller(
    idempotency_key: Annotated[
        str | None, Header(alias="Idempotency-Key", pattern="^[!-~]{1,200}$")
    ] = None,
    actor: Annotated[
        str, Header(alias="X-Actor", max_length=200, description="Who changes it.")
    ] = "",
):
    return Caller(idempotency_key, actor, correlation_id.get())


FromCaller = Annotated[Caller, Depends(_caller)]


def errors(*statuses):
    """The refusals of an operation, for the document."""
    return {
        status: {"model": schemas.ErrorBody}
        for status in (401, 403, 413, 422, 429, 500, 503, *statuses)
    }


def json_response(content, status=200, headers=None):
    return Response(to_json(content), status, headers, media_type="application/json")


def replay_header(replayed):
    return {"Idempotent-Replayed": "true"} if replayed else {}


def collection(entity):
    """The router of one collection."""
    router = APIRouter(prefix=f"/{entity.name}", tags=[entity.name])
    _add_reading(router, entity)
    _add_checksums(router, entity)
    _add_writing(router, entity)
    _add_batch(router, entity)
    return router


def _add_reading(router, entity):
    page = schemas.Page[entity.answer]

    @router.get("", responses={200: {"model": page}} | errors())
    def list_records(
        request: Request,
        limit: Limit = 100,
        after: Place = "0",
        external_ref: str | None = None,
        q: str = "",
        updated_since: Moment = "0000-00-00T00:00:00Z",
    ):
        """A page of living records in order of creation. An exact external_ref
        finds a deleted record too: its key stays taken."""
        with request.app.state.store.read() as db:
            if external_ref is not None:
                row = find_by(db, entity.name, "external_ref", external_ref)
                rows = [row] if row else []
            else:
                place = int(after), limit + 1
                rows = list_after(db, entity.name, *place, q, updated_since)
        more = str(rows[limit - 1]["num"]) if len(rows) > limit else None
        items = [to_record(row) for row in rows[:limit]]
        return json_response({"items": items, "next_after": more})

    @router.get(ONE, responses={200: {"model": entity.answer}} | errors(404, 410))
    def read_record(request: Request, record_id: RecordId):
        with request.app.state.store.read() as db:
            row = living(db, entity, record_id)
        return json_response(to_record(row), headers={"ETag": _etag(row["version"])})


def _add_checksums(router, entity):
    answer = schemas.Checksums

    @router.get("/checksums", responses={200: {"model": answer}} | errors(404))
    def compare(
        request: Request,
        buckets: Annotated[int, Query(ge=1, le=4096)] = 256,
        fields: Annotated[
            str,
            Query(
                pattern=r"^[a-z0-9_.]{1,60}(,[a-z0-9_.]{1,60}){0,60}$",
                description="Fields that count, with commas; lines.quantity is one "
                "of each line.",
            ),
        ] = ",".join(schemas.compared(entity.data)),
        bucket: Annotated[
            list[Annotated[int, Query(ge=0, le=4095)]] | None,
            Query(max_length=256, description="List the records of these instead."),
        ] = None,
    ):
        """Count and sum of each bucket of living records; or the id, version and
        digest of each record of some buckets. The README has the formula."""
        store = request.app.state.store
        names = fields.split(",")
        with store.read() as db:
            if bucket is None:
                content = {"buckets": checksums.sums(db, entity.name, names, buckets)}
            else:
                content = {
                    "items": checksums.entries(db, entity.name, names, buckets, bucket)
                }
        return json_response(content)


def _add_writing(router, entity):
    @router.post(
        "", status_code=201, responses={201: {"model": entity.answer}} | errors(409)
    )
    def create_record(request: Request, caller: FromCaller, data: entity.data):
        given = data.model_dump(include=data.model_fields_set)
        return _single(request, caller, "create", entity, data=given)

    @router.patch(
        ONE,
        responses={200: {"model": entity.answer}} | errors(404, 409, 410, 412, 428),
    )
    def update_record(
        request: Request,
        caller: FromCaller,
        record_id: RecordId,
        if_match: IfMatch,
        data: entity.patch,
    ):
        """A JSON merge patch; lines, if given, are replaced as a whole."""
        return _single(
            request,
            caller,
            "update",
            entity,
            id=record_id,
            if_match=_version(if_match),
            data=data.given(),
        )

    @router.delete(ONE, status_code=204, responses=errors(404, 410, 412, 428))
    def delete_record(
        request: Request, caller: FromCaller, record_id: RecordId, if_match: IfMatch
    ):
        """Leaves a tombstone: the feed lists it, and GET answers 410."""
        return _single(
            request,
            caller,
            "delete",
            entity,
            id=record_id,
            if_match=_version(if_match),
        )


def _add_batch(router, entity):
    @router.post("/batch", responses={200: {"model": schemas.BatchAnswer}} | errors())
    def batch(request: Request, caller: FromCaller, body: schemas.Batch):
        """Up to 500 changes in order, each for itself, committed together."""
        store = request.app.state.store
        content = {"batch": entity.name, **body.model_dump()}
        writes = [_write_of(item, caller, entity) for item in body.items]
        with store.write() as db:
            results, replayed = once(
                db,
                caller.idempotency_key,
                content,
                lambda: apply_each(store, db, writes),
            )
        return json_response({"results": results}, headers=replay_header(replayed))


def _write_of(item, caller, entity):
    values = item.model_dump()
    values["correlation_id"] = item.correlation_id or caller.correlation_id
    return Write(entity=entity, actor=caller.actor, **values)


def _version(if_match):
    return if_match if if_match == "*" else int(if_match.strip('"'))


def _etag(version):
    return f'"{version}"'


def _single(request, caller, method, entity, **values):
    """Carry out one write as a transaction of its own, and answer it."""
    store = request.app.state.store
    write = Write(
        method,
        entity,
        idempotency_key=caller.idempotency_key,
        actor=caller.actor,
        correlation_id=caller.correlation_id,
        **values,
    )
    with store.write() as db:
        outcome, replayed = apply_one(store, db, write)
    headers = replay_header(replayed)
    if method == "delete":
        return Response(status_code=204, headers=headers)
    headers["ETag"] = _etag(outcome["version"])
    if method == "create":
        headers["Location"] = f"/api/v1/{entity.name}/{outcome['id']}"
    return json_response(outcome["data"], outcome["status"], headers)


feed = APIRouter(tags=["changes"])


@feed.get("/changes", responses={200: {"model": schemas.Changes}} | errors(410))
def list_changes(
    request: Request,
    entity: Literal[tuple(ENTITIES)] | None = None,
    cursor: Annotated[
        str,
        Query(
            pattern="^[0-9]{1,18}(-[0-9a-f]{8})?$",
            description="next_cursor of the page before; none: all.",
        ),
    ] = "0",
    limit: Limit = 100,
):
    """The newest change of each record behind the cursor, in order of commit.

    A cursor that this database has never given is gone: start from the beginning. So
    it is when the database was set back, however far it has got since.
    """
    with request.app.state.store.read() as db:
        seq = behind(db, cursor)
        if seq is None:
            raise ApiError(
                Code.GONE, "this cursor is of another database", field="cursor"
            )
        rows = changes_after(db, entity, seq, limit + 1)
        page = rows[:limit]
        next_cursor = cursor_of(db, page[-1]["seq"]) if page else cursor
    changes = [
        {
            "seq": row["seq"],
            "entity": row["entity"],
            "id": row["id"],
            "version": row["version"],
            "deleted": bool(row["deleted"]),
            "data": to_record(row),
        }
        for row in page
    ]
    return json_response(
        {
            "changes": changes,
            "next_cursor": next_cursor,
            "has_more": len(rows) > limit,
        }
    )


capabilities = APIRouter(tags=["capabilities"])


@capabilities.get(
    "/capabilities", responses={200: {"model": schemas.Capabilities}} | errors()
)
def list_capabilities(request: Request):
    """What this app can do beyond reading and writing records one by one.

    An app for tests is started with `--hide ABILITY`, or is sent `POST
    /admin/settings {"hidden": ["batch"]}` later: it then answers as one that never
    had the ability. Routes of `batch`, `capabilities`, `change_feed`, `checksums`,
    `reservations` and `webhooks` are not found. `If-Match` (`if_match`),
    `Idempotency-Key` (`idempotency_key`), the field and the parameter `external_ref`,
    and the parameter `updated_since` are ignored without a word.
    """
    there = [a.value for a in Ability if a not in request.app.state.store.hidden]
    return json_response({"abilities": there})


health = APIRouter(tags=["health"])


@health.get("/health", responses={200: {"model": schemas.Health}})
async def check_health():
    """Needs no key."""
    return json_response({"status": "ok", "time": now_text()})
