"""Routes of the webhook subscriptions."""

from fastapi import APIRouter, Request, Response

from . import schemas
from .api import FromCaller, errors, json_response, replay_header
from .idempotency import once
from .webhooks import subscribe, subscriptions, unsubscribe

router = APIRouter(prefix="/webhooks", tags=["webhooks"])


@router.get("", responses={200: {"model": schemas.Page[schemas.Webhook]}} | errors())
def list_webhooks(request: Request):
    """Subscriptions without their secrets."""
    with request.app.state.store.read() as db:
        return json_response({"items": subscriptions(db), "next_after": None})


@router.post(
    "", status_code=201, responses={201: {"model": schemas.Webhook}} | errors()
)
def create_webhook(request: Request, caller: FromCaller, data: schemas.WebhookData):
    """Notices of all changes from now on, signed by Standard Webhooks."""
    store = request.app.state.store
    values = data.model_dump()
    with store.write() as db:
        answer, replayed = once(
            db,
            caller.idempotency_key,
            {"subscribe": values},
            lambda: subscribe(db, **values),
        )
    return json_response(answer, 201, replay_header(replayed))


@router.delete("/{webhook_id}", status_code=204, responses=errors(404))
def delete_webhook(request: Request, webhook_id: str):
    with request.app.state.store.write() as db:
        unsubscribe(db, webhook_id)
    return Response(status_code=204)
