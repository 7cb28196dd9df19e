"""The app under test: asks it, keeps what was asked, and removes what was created."""

import json
import secrets
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from ...core.call.deadline import Deadline
from ...core.exceptions import SyncError
from ..auth import as_auth
from ..exchange import segment
from ..session import DEADLINE_HEADER, pooled_session, send
from .report import Asked

API = "/api/v1"
# Statuses by which an app says that a route is not there.
NO_ROUTE = (404, 405, 501)
GONE = (404, 410)
CONNECT = 5.0
# Pages of all records, or of all changes, that are read at most.
PAGES, PAGE = 200, 500


class BrokenError(Exception):
    """The app does what the contract does not allow."""


class AbsentError(Exception):
    """The app does not have the ability."""


@dataclass(frozen=True)
class Answer:
    """``body`` is the JSON that came, or None."""

    status: int
    headers: object
    body: object

    @property
    def good(self):
        return 200 <= self.status < 300

    def get(self, name):
        return self.body.get(name) if isinstance(self.body, dict) else None

    def items(self, name="items"):
        found = self.get(name)
        return [each for each in found if isinstance(each, dict)] if found else []


class Sandbox:
    """One app, for one run.

    :param url: base address
    :param auth: who asks, see :mod:`..auth`; a text is a bearer key
    :param internal: whether it may be at an internal address
    :param patience: seconds that one answer may take
    """

    def __init__(self, url, auth, internal, patience):
        self.url = url.rstrip("/")
        self.name = f"conform-{secrets.token_hex(4)}"
        self._auth = as_auth(auth)
        self._patience = patience
        self._session = pooled_session("conform", 0, self.url, internal)
        self._asked = []
        self._made = []
        self._unknown = set()
        self._count = 0

    def named(self, what):
        """A name of this run that was not used yet."""
        self._count += 1
        return f"{self.name} {what} {self._count}"

    def begin(self):
        """Forget the exchanges of the check before."""
        self._asked = []

    @property
    def asked(self):
        return tuple(self._asked)

    def ask(self, method, path, body=None, *, params=None, headers=None, known=True):
        """Ask the app.

        :param known: whether as one that it knows
        :raises BrokenError: no answer came, or no token could be had
        """
        headers = headers or {}
        deadline = Deadline.after(self._patience)
        request = requests.Request(
            method,
            self.url + API + path,
            params=params,
            json=body,
            headers={
                **(self._known(deadline) if known else self._auth.stranger()),
                "X-Correlation-ID": self.name,
                DEADLINE_HEADER: "0",
                "X-Actor": "conform",
                **headers,
            },
        )
        shown = _shown(request, self.url)
        try:
            response = send(
                self._session,
                request,
                connect_timeout=CONNECT,
                read_timeout=self._patience,
                deadline=deadline,
            )
        except (requests.RequestException, SyncError) as exc:
            self._asked.append(Asked(method, shown, headers, body, None, str(exc)))
            raise BrokenError("No answer came.") from exc
        answer = Answer(response.status_code, response.headers, _json(response))
        said = response.text if answer.body is None else answer.body
        self._asked.append(Asked(method, shown, headers, body, answer.status, said))
        return answer

    def _known(self, deadline):
        try:
            return self._auth.headers(deadline, self.name)
        except SyncError as exc:
            raise BrokenError(exc.message) from exc

    # pylint: disable-next=method-required-super
    def create(self, collection, body, headers=None):
        """Create a record, or be refused with 4xx; it is removed at the end.

        :raises BrokenError: neither came back
        """
        with self.creating(collection):
            answer = self.ask("POST", f"/{collection}", body, headers=headers)
            if 400 <= answer.status < 500:
                return answer
            self.keep(collection, answer.get("id"))
            want(answer.good, f"A {collection} record cannot be created.")
            want(is_record(answer.body), "The answer has no id (text) or version.")
        return answer

    @contextmanager
    def creating(self, collection):
        """Unless the block ends well, what it created is looked for at the end."""
        new = collection not in self._unknown
        self._unknown.add(collection)
        yield
        if new:
            self._unknown.discard(collection)

    def made(self, collection, headers=None, **fields):
        """The body of a record that is created because a check needs one.

        :raises BrokenError: it is not what the contract promises
        """
        answer = self.create(collection, fields, headers)
        want(answer.good, f"A {collection} record cannot be created.")
        return answer.body

    def supplier(self, **fields):
        return self.made("suppliers", name=self.named("supplier"), **fields)

    def keep(self, collection, record_id):
        """Remember what was created, to remove it."""
        if isinstance(record_id, str) and record_id:
            self._made.append((collection, record_id))

    def forget(self, collection, record_id):
        self._made = [each for each in self._made if each != (collection, record_id)]

    # pylint: disable-next=method-required-super
    def read(self, collection, record_id):
        return self.ask("GET", f"/{collection}/{segment(record_id)}")

    def change(self, collection, record_id, version, body):
        match = version if version == "*" else f'"{version}"'
        return self.ask(
            "PATCH",
            f"/{collection}/{segment(record_id)}",
            body,
            headers={"If-Match": match},
        )

    def delete(self, collection, record_id):
        path = f"/{collection}/{segment(record_id)}"
        return self.ask("DELETE", path, headers={"If-Match": "*"})

    def listed(self, collection, limit=PAGE):
        """All living records, page by page.

        :raises BrokenError: the list does not end
        """
        after = None
        for __ in range(PAGES):
            params = {"limit": limit, **({"after": after} if after else {})}
            page = self.ask("GET", f"/{collection}", params=params)
            want(page.good, f"The list of {collection} cannot be read.")
            want(isinstance(page.get("items"), list), "The page has no items.")
            yield from page.items()
            after = page.get("next_after")
            if after is None:
                return
        raise BrokenError(f"The list did not end within {PAGES} pages of {limit}.")

    def clean(self):
        """Remove what was created; paths of what is still there."""
        left = []
        for collection in sorted(self._unknown):
            left += self._find_unknown(collection)
        for collection, record_id in sorted(self._made, key=_last_first):
            try:
                answer = self.delete(collection, record_id)
                gone = answer.good or answer.status in GONE
            except BrokenError:
                gone = False
            if not gone:
                left.append(f"/{collection}/{record_id}")
        self._made = []
        return tuple(left)

    def _find_unknown(self, collection):
        """An answer was lost: what it created bears the name of this run."""
        known = {record_id for __, record_id in self._made}
        try:
            for record in self.listed(collection):
                if self.name in json.dumps(record) and record.get("id") not in known:
                    self.keep(collection, record.get("id"))
        except BrokenError as exc:
            return [f"/{collection} ({self.name}; {exc})"]
        return []


def want(condition, why, failure=BrokenError):
    """Go on if the condition is true.

    :raises BrokenError: it is not (or ``failure``)
    """
    if not condition:
        raise failure(why)


def is_record(value):
    return (
        isinstance(value, dict)
        and isinstance(value.get("id"), str)
        and isinstance(value.get("version"), int)
    )


def _last_first(made):
    # What refers to others goes before them.
    order = ("webhooks", "purchase-orders", "products", "suppliers")
    return order.index(made[0]) if made[0] in order else -1


def _shown(request, url):
    """The path with its parameters, as it is sent."""
    return request.prepare().url.removeprefix(url)


def _json(response):
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None
