"""HTTP sessions: pooled connections whose every read obeys the call's deadline.

A process has one session for each backend, with ten connections at most. A call that
finds all of them in use waits for one; unused ones are closed after five minutes, and
one that died meanwhile is replaced when it is taken up.

``requests`` bounds the wait for each single byte, not for the whole answer, so an
app that drips one byte a second holds a worker for ever. Here each read of the
socket, of headers and body alike, may take no longer than what is left of the
deadline.
"""

import http.client
import io
import socket
import threading
import time
import weakref
from contextvars import ContextVar
from functools import lru_cache

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    EmptyPoolError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.util import Timeout

from ..core.backend.address import is_internal
from ..core.call.deadline import Deadline
from ..core.exceptions import InternalAddressError, ResourcePoolFullError, SyncError
from .body import ACCEPTED, read_body

POOL_SIZE = 10
# Seconds that a call waits for a free connection, and that an unused one is kept.
WAIT = 30.0
IDLE = 300.0
# Seconds after which work that found no free connection asks again.
ASK_AGAIN = 2.0
# Milliseconds that are left for the app's answer, at the moment of the request.
DEADLINE_HEADER = "X-Request-Deadline-Ms"
# Bytes of an answer, packed or not, that are read at most.
LARGEST = 32 * 1024**2
# What a request can fail with while it is put together: it has no time left, or holds
# what cannot be written down.
_BEFORE_SENDING = (
    SyncError,
    requests.RequestException,
    ArithmeticError,
    RecursionError,
    TypeError,
    ValueError,
)
_opening = threading.Lock()
# {(database, owner): (number, session)} of the session last asked for.
_latest = {}
_deadline = ContextVar("pharmacy_sync_deadline", default=None)
_internal = ContextVar("pharmacy_sync_internal", default=False)


class _DeadlineReader(io.RawIOBase):
    """A socket's reading end that gives up when the deadline has passed."""

    def __init__(self, stream, sock, deadline):
        self._stream = stream
        self._sock = sock
        self._deadline = deadline
        self._read_timeout = sock.gettimeout()

    def readable(self):
        return True

    def readinto(self, buffer):
        remaining = self._deadline.remaining()
        if remaining <= 0:
            raise TimeoutError("the deadline passed while the answer was read")
        limits = [remaining, self._read_timeout]
        self._sock.settimeout(min(limit for limit in limits if limit is not None))
        return self._stream.readinto(buffer)

    def close(self):
        self._stream.close()
        return super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock, *args, **kwargs):
        super().__init__(sock, *args, **kwargs)
        deadline = _deadline.get()
        if deadline is not None:
            # Unbuffered below: one buffer is enough, and it must be the outer one.
            raw = self.fp.detach()
            self.fp = io.BufferedReader(_DeadlineReader(raw, sock, deadline))


def addresses(host, port, internal=False):
    """The IP addresses that a host has now, each once.

    :param internal: whether internal ones are allowed
    :raises InternalAddressError: one of them is internal
    :raises OSError: as ``socket.getaddrinfo``; :class:`UnicodeError`: no name of a host
    """
    found = socket.getaddrinfo(host.strip("[]"), port, 0, socket.SOCK_STREAM)
    known = list(dict.fromkeys(place[0] for *__, place in found))
    if not internal and any(map(is_internal, known)):
        raise InternalAddressError(
            f"The address of {host} is an internal one, which is not allowed.",
            field="url",
        )
    return known


def reach(host, port, internal, timeout):
    """See whether something listens there.

    :raises OSError: nothing does; else as :func:`addresses`
    """
    found = addresses(host, port, internal)
    for address in found:
        try:
            return socket.create_connection((address, port), timeout).close()
        except OSError:
            if address == found[-1]:
                raise


class _Asking:
    response_class = _DeadlineResponse

    def _new_conn(self):
        name = self._dns_host
        try:
            found = addresses(name, self.port, _internal.get())
        except socket.gaierror as exc:
            raise NameResolutionError(self.host, self, exc) from exc
        except UnicodeError:
            raise LocationParseError(f"'{name}', label empty or too long") from None
        try:
            for tried, address in enumerate(found, 1):
                # What the name leads to is not asked a second time.
                self._dns_host = address
                try:
                    return super()._new_conn()
                except (ConnectTimeoutError, NewConnectionError):
                    if tried == len(found):
                        raise
        finally:
            self._dns_host = name

    def putheader(self, header, *values):
        # Called once there is a connection: waiting for one has cost time.
        if header == DEADLINE_HEADER and (deadline := _deadline.get()):
            values = (str(deadline.milliseconds()),)
        return super().putheader(header, *values)


class _Connection(_Asking, HTTPConnection):
    pass


class _SecureConnection(_Asking, HTTPSConnection):
    pass


class _Keeper:
    """Closes the unused connections of all pools, in one thread of the process."""

    def __init__(self):
        # urllib3 closes a pool's connections once nothing refers to the pool.
        self._pools = weakref.WeakSet()
        self._lock = threading.Lock()
        self._timer = None
        self._due = 0.0

    def watch(self, pool):
        with self._lock:
            self._pools.add(pool)
            self._look_in(IDLE)

    def _look_in(self, seconds):
        due = time.monotonic() + seconds
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = threading.Timer(seconds, self._close_unused)
        self._timer.daemon = True
        self._timer.start()

    def _close_unused(self):
        with self._lock:
            waits = [w for pool in self._pools for w in pool.close_unused()]
            self._timer = None
            if waits:
                self._look_in(min(waits))


_keeper = _Keeper()


class _Keeping:
    """Bounds the wait for a connection, and has those closed that are not used."""

    def _get_conn(self, timeout=None):
        deadline = _deadline.get() or Deadline.after(WAIT)
        return super()._get_conn(timeout=min(WAIT, deadline.remaining()))

    def _put_conn(self, conn):
        if conn is not None:
            conn.unused_since = time.monotonic()
        result = super()._put_conn(conn)
        _keeper.watch(self)
        return result

    def close_unused(self):
        """Close what was not used for ``IDLE`` seconds; in how many seconds each of
        the others will have been unused for so long."""
        free, now, waits = self.pool, time.monotonic(), []
        if free is not None:
            # A call takes this lock before it takes up a connection.
            with free.mutex:
                for conn in filter(None, free.queue):
                    if now - conn.unused_since >= IDLE:
                        conn.close()
                    elif conn.sock is not None:
                        waits.append(IDLE - (now - conn.unused_since))
        return waits


class _Pool(_Keeping, HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(_Keeping, HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _DeadlineAdapter(HTTPAdapter):
    """Takes timeouts and deadline from the prepared request, see :func:`send`."""

    def init_poolmanager(self, *args, **kwargs):
        result = super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return result

    def send(self, request, timeout=None, **kwargs):
        return super().send(request, timeout=request.sync_timeout, **kwargs)


def pooled_session(database, owner, url, internal=False, number=0):
    """The process's session for one backend: at most ``POOL_SIZE`` connections.

    :param owner: the backend's id, or what else the connections are for
    :param internal: whether it may connect to internal addresses
    :param number: with another one the connections of the one before are closed
    """
    # Two threads at once would make two.
    with _opening:
        session = _session(database, owner, url, internal, number)
        before = _latest.get((database, owner))
        if before is None or before[0] != number:
            _latest[database, owner] = number, session
            if before is not None:
                # Those in use are closed when their call ends.
                before[1].close()
        return session


@lru_cache(maxsize=64)
def _session(database, owner, url, internal, number):
    session = requests.Session()
    session.trust_env = False
    session.headers["Accept-Encoding"] = ACCEPTED
    session.sync_internal = internal
    adapter = _DeadlineAdapter(
        pool_connections=1, pool_maxsize=POOL_SIZE, pool_block=True, max_retries=0
    )
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def send(session, request, *, connect_timeout, read_timeout, deadline, largest=LARGEST):
    """Send ``request`` and read the whole answer before the deadline.

    What fails before anything can have left has an attribute ``sent`` that is False.

    :param requests.Request request: what to send
    :param connect_timeout: seconds for the connection to be made
    :param read_timeout: seconds of silence that are borne
    :param Deadline deadline: of the exchange as a whole
    :param largest: bytes that the answer may have, packed or not
    :return: the ``requests.Response``, its body read
    :raises DeadlineExceededError: no time is left
    :raises AnswerTooLargeError: the answer has more than ``largest`` bytes
    :raises InternalAddressError: the host is not where the session may connect to
    :raises ResourcePoolFullError: all connections stayed in use
    :raises requests.RequestException: as ``requests`` does
    """
    try:
        seconds = deadline.bounded()
        prepared = session.prepare_request(request)
    except _BEFORE_SENDING as exc:
        exc.sent = False
        raise
    prepared.sync_timeout = Timeout(
        connect=min(connect_timeout, seconds), read=min(read_timeout, seconds)
    )
    token = _deadline.set(deadline)
    allowed = _internal.set(session.sync_internal)
    try:
        response = session.send(prepared, allow_redirects=False, stream=True)
        return read_body(response, largest)
    except InternalAddressError as exc:
        exc.sent = False
        raise
    except EmptyPoolError as exc:
        raise ResourcePoolFullError(
            f"All {POOL_SIZE} connections to the pharmacy app are in use.",
            retry_after=ASK_AGAIN,
        ) from exc
    except requests.RequestException as exc:
        # One that came while the answer was read does not know it.
        exc.request = exc.request or prepared
        raise
    finally:
        _internal.reset(allowed)
        _deadline.reset(token)
