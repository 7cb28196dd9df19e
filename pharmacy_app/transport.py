"""Reaching the TCP connection under an ASGI request, to break it on purpose."""

import socket
import struct

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_KEY = "pharmacy_app.transport"


class ExposedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with its transport put in the scope of each request."""

    def on_message_begin(self):
        super().on_message_begin()
        self.scope["extensions"] = {_KEY: self.transport}


def is_closing(scope):
    return scope["extensions"][_KEY].is_closing()


async def cut(scope, receive, reset=False):
    """Drop the request's connection; the caller must have read the whole body.

    :param reset: with a TCP RST instead of a FIN
    """
    transport = scope["extensions"][_KEY]
    if reset:
        linger = struct.pack("ii", 1, 0)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        continue
