"""Addresses of pharmacy apps: what may be one, and whose it is.

A key belongs to an origin: scheme, host and port. What the address parsers of Python
and of the HTTP library could read in two ways is not an address here.
"""

import re

PORTS = {"http": 80, "https": 443}

_SCHEME = re.compile(r"https?://", re.ASCII | re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[\w.-]+|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[^\s?#@\\]*)?",
    re.IGNORECASE,
)


def fault(address: str) -> str | None:
    """What keeps a text from being the address of an app.

    :return: ``scheme``, ``user`` (a name or password in it), ``query`` (``?`` or
        ``#``), ``port``, ``host``, or None if it is an address
    """
    if not _SCHEME.match(address):
        return "scheme"
    rest = address.partition("://")[2]
    if "@" in rest:
        return "user"
    if "?" in rest or "#" in rest:
        return "query"
    match = _ADDRESS.fullmatch(address)
    if not match:
        return "port" if _ADDRESS.match(address) and _is_port_wrong(rest) else "host"
    port = match["port"]
    return "port" if port and not 0 < int(port) < 65536 else None


def origin(address: str) -> tuple[str, str, int] | None:
    """``(scheme, host, port)`` of an address without fault; None of another text."""
    match = _ADDRESS.fullmatch(address)
    if not match or fault(address):
        return None
    scheme = match["scheme"].lower()
    host = match["host"].lower().rstrip(".")
    return scheme, host, int(match["port"] or PORTS[scheme])


def _is_port_wrong(rest: str) -> bool:
    authority = rest.partition("/")[0]
    return ":" in authority.rpartition("]")[2]
