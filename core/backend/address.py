"""Addresses of pharmacy apps: what may be one, and whose it is.

A key belongs to an origin: scheme, host and port. What the address parsers of Python
and of the HTTP library could read in two ways is not an address here.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

PORTS = {"http": 80, "https": 443}

# Where the last four bytes are an IPv4 address that a gateway leads on to (RFC 6052).
_TRANSLATED = ip_network("64:ff9b::/96")
# It belongs to protocols, not to hosts (RFC 6890); versions of Python disagree.
_PROTOCOLS = ip_network("192.0.0.0/24")
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


def host(address: str) -> str | None:
    """The host in an address without fault, in lower case; None of another text."""
    found = origin(address)
    return found and found[1]


def is_internal(ip: str) -> bool:
    """Whether an IP address leads to this machine, its network or nowhere public.

    Private, loopback, link-local, shared (CGNAT), multicast and reserved ones are,
    and an IPv6 address that stands for such an IPv4 address. What is no IP address
    counts as one.
    """
    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        return True
    embedded = _embedded(address)
    if embedded:
        return _is_not_public(embedded)
    return _is_not_public(address)


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in _TRANSLATED:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or (address.teredo or [None])[-1]


def _is_not_public(address: IPv4Address | IPv6Address) -> bool:
    return (
        not address.is_global
        or address.is_multicast
        or address.is_reserved
        or address in _PROTOCOLS
    )


def _is_port_wrong(rest: str) -> bool:
    authority = rest.partition("/")[0]
    return ":" in authority.rpartition("]")[2]
