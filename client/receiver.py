"""HTTP to receivers of notices and events: short deadlines, no redirects, and no
internal address unless it is allowed."""

from functools import partial

import requests

from ..core.alert.notice import Answer, carry
from ..core.backend.address import origin
from ..core.call.deadline import Deadline
from .session import pooled_session, send

CONNECT, SILENCE, WHOLE = 5.0, 10.0, 15.0
# Bytes of an answer that are read: what a receiver says to a notice is short.
LARGEST = 1024**2


def deliver(road, key, internal=False):
    """Go a road of :mod:`..core.alert.channel_requests` to its end.

    :param key: what sets the receiver's connections apart: database name and receiver
    :param internal: whether the receiver may be at an internal address
    :return: :class:`..core.alert.notice.Receipt`
    :raises HttpError: the receiver refused
    :raises SyncError: as :func:`.session.send`, :class:`requests.RequestException` too
    """
    return carry(road, partial(_send, key, internal))


def _send(key, internal, request):
    session = pooled_session(*key, origin_text(request.url), internal)
    response = send(
        session,
        requests.Request(
            request.method,
            request.url,
            headers=dict(request.headers),
            data=request.body,
        ),
        connect_timeout=CONNECT,
        read_timeout=SILENCE,
        deadline=Deadline.after(WHOLE),
        largest=LARGEST,
    )
    text = response.content.decode("utf-8", "replace")
    return Answer(response.status_code, text, dict(response.headers), response.reason)


def origin_text(url):
    """Whose connections a request may use."""
    return str(origin(url.partition("?")[0].partition("#")[0]))
