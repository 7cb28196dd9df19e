"""The application, put together."""

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from . import admin, api, auth, pages, reservations, webhook_routes
from .abilities import Hiding
from .auth import Callers, Method
from .delivery import Deliverer
from .errors import CODE_OF_STATUS, ApiError, Code, first_invalid
from .faults import Faults
from .gate import PREFIX, Gate
from .records import ENTITIES
from .request_log import RequestLog
from .store import Store
from .webhooks import follow_command_line

_DESCRIPTION = """
Purchase orders, suppliers and products of a pharmacy.

Amounts are decimal texts, times are UTC to seconds. A record has a version, sent as
`ETag` and wanted back as `If-Match`. `X-Correlation-ID` is echoed and logged.
A repeated `Idempotency-Key` gets the first answer again, for seven days.
"""
_BEARER = HTTPBearer(auto_error=False, description="The API key.")


@dataclass(frozen=True)
class Options:
    """What the application is started with.

    :param database: path of the SQLite file
    :param webhook_url: where notices of changes go, besides stored subscriptions
    :param hidden: abilities that it seems not to have
    :param auth: how requests say who asks
    :param deliver: whether notices are sent at all; they are stored in any case
    """

    database: str
    api_key: str
    webhook_url: str | None = None
    webhook_secret: str | None = None
    webhook_database: str | None = None
    hidden: tuple = ()
    auth: Method = Method.BEARER
    deliver: bool = True


def create_app(options):
    """The ASGI application; it needs :class:`~pharmacy_app.transport.ExposedProtocol`.

    Its store is opened here and closed when the application shuts down.
    """
    app = FastAPI(
        title="Pharmacy",
        version="1.0.0",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.options = options
    app.state.api_key = options.api_key
    app.state.callers = Callers(options.api_key, options.auth)
    app.state.store = Store(options.database, options.hidden)
    app.state.faults = Faults()
    app.state.log = RequestLog()
    app.include_router(api.health, prefix="/api/v1")
    routers = [
        *map(api.collection, ENTITIES.values()),
        api.feed,
        api.capabilities,
        reservations.router,
        webhook_routes.router,
    ]
    for router in routers:
        app.include_router(router, prefix="/api/v1", dependencies=[Depends(_BEARER)])
    app.include_router(admin.router)
    app.include_router(auth.router)
    app.mount("/static", StaticFiles(directory=pages.FOLDER / "static"))
    app.include_router(pages.router)
    app.add_exception_handler(ApiError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_middleware(Hiding, store=app.state.store, prefix=f"{PREFIX}v1/")
    app.add_middleware(
        Gate,
        callers=app.state.callers,
        faults=app.state.faults,
        log=app.state.log,
    )
    return app


@asynccontextmanager
async def _lifespan(app):
    options, store = app.state.options, app.state.store
    with store.write() as db:
        follow_command_line(
            db, options.webhook_url, options.webhook_secret, options.webhook_database
        )
    deliverer = Deliverer(store, app.state.faults)
    if options.deliver:
        deliverer.start()
    yield
    if options.deliver:
        deliverer.stop()
    store.close()


async def _answer_error(request: Request, error: ApiError):
    person = "text/html" in request.headers.get("accept", "")
    if person and not request.url.path.startswith(("/api/", "/admin/")):
        return pages.show_error(request, error)
    return api.json_response(error.body(), error.status)


async def _answer_invalid(request: Request, invalid: RequestValidationError):
    errors = invalid.errors()
    if (errors[0]["type"], *errors[0]["loc"]) == ("missing", "header", "If-Match"):
        error = ApiError(
            Code.PRECONDITION_REQUIRED, "say which version you saw", "If-Match"
        )
    elif errors[0]["type"] == "json_invalid":
        error = ApiError(Code.VALIDATION_FAILED, "the body is not JSON")
    else:
        error = first_invalid(errors, skip=1)
    return await _answer_error(request, error)


async def _answer_http(request: Request, error: HTTPException):
    code = CODE_OF_STATUS.get(error.status_code, Code.VALIDATION_FAILED)
    response = await _answer_error(request, ApiError(code, str(error.detail)))
    response.headers.update(error.headers or {})
    if code == Code.METHOD_NOT_ALLOWED and request.url.path.startswith("/api/"):
        response.headers["Allow"] = ", ".join(_allowed(request))
    return response


def _allowed(request):
    """All documented methods of the request's path, not only of its first route."""
    path, documented = request.url.path, request.app.openapi()["paths"]
    if path not in documented:
        path = next(
            template
            for template in documented
            if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path)
        )
    return sorted(method.upper() for method in documented[path])
