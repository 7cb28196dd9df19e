"""What an attacker, or a broken client, tries at the API's routes: ``ATTACKS``, each
with the statuses that are right. ``BAD`` are values of a record that must be refused,
each with the field that the answer must name.
"""

import gzip
import json
from typing import NamedTuple

API = "/pharmacy_sync/api/v1"
MAX_BODY = 8 * 1024**2
GOOD = {"id": "sup_attack", "version": 1, "name": "Attacker"}


class Attack(NamedTuple):
    """A request.

    :ivar statuses: those that are right
    :ivar body: bytes; a list of them is sent in pieces, without a length
    :ivar key: ``True``: the right one; a text: that; ``None``: none
    """

    statuses: tuple
    path: str = f"{API}/push"
    body: object = b"{}"
    key: object = True
    headers: dict = {}
    verb: str = "POST"


def push(*records, **more):
    """The body of a push of suppliers."""
    return json.dumps({"entity": "supplier", "records": records, **more}).encode()


def ask(status, method, **arguments):
    body = json.dumps(arguments).encode()
    return Attack((status,), f"{API}/{method}", body)


def _long(size):
    start = b'{"entity": "supplier", "records": ["'
    return start + b"x" * (size - len(start))


def _pieces(body):
    return [body[at : at + 65_536] for at in range(0, len(body), 65_536)]


HEALTH = f"{API}/health"
INJECTED = "x'); DROP TABLE sync_mapping; --"

ATTACKS = {
    # --- who calls ---
    "no key": Attack((401,), HEALTH, key=None),
    "wrong key": Attack((401,), HEALTH, key="x" * 40),
    "empty key": Attack((401,), HEALTH, key=""),
    "key that no header should have": Attack((401,), HEALTH, key="\xff\xfe" * 30),
    "very long key": Attack((401, 431), HEALTH, key="k" * 30_000),
    "key as password": Attack(
        (401,), HEALTH, key=None, headers={"Authorization": "Basic YTpi"}
    ),
    "key in the query": Attack((401,), f"{HEALTH}?api_key=secret", key=None),
    "session of nobody": Attack(
        (401,), HEALTH, key=None, headers={"Cookie": "session_id=" + "a" * 84}
    ),
    # --- what is called ---
    "read by GET": Attack((405,), HEALTH, verb="GET"),
    "DELETE": Attack((405,), HEALTH, verb="DELETE"),
    "unknown verb": Attack((405, 501), HEALTH, verb="BREW"),
    "method of Odoo": Attack((404,), f"{API}/unlink"),
    "private method": Attack((404,), f"{API}/_push"),
    "dunder": Attack((404,), f"{API}/__class__"),
    "method in capitals": Attack((404,), f"{API}/PUSH"),
    "path upwards": Attack((404,), f"{API}/health/../../../web/database/manager"),
    "NUL in the path": Attack((404,), f"{API}/push%00"),
    "line break in the path": Attack((404,), f"{API}/push%0d%0aX-Evil:%201"),
    "very long path": Attack((404, 414), f"{API}/" + "a" * 20_000),
    "document by POST": Attack((404, 405), f"{API}/openapi.json"),
    # --- bodies ---
    "no JSON": Attack((400,), body=b"{"),
    "no text": Attack((400,), body=b"\xff\xfe\x00\x01"),
    "list": Attack((400,), body=b"[]"),
    "number that is none": Attack((400,), body=b'{"entity": NaN}'),
    "number of 5,000 digits": Attack((422,), body=b'{"entity": %s}' % (b"9" * 5_000)),
    "two values of a name": Attack((400,), body=b'{"entity": "supplier", "entity": 1}'),
    "100,000 brackets": Attack((400,), body=b"[" * 100_000),
    "form": Attack(
        (400,),
        body=b"entity=supplier&records=[]",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    ),
    "file": Attack(
        (400,),
        body=b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    ),
    "packed bomb": Attack(
        (415,),
        body=gzip.compress(b"\0" * 50_000_000),
        headers={"Content-Encoding": "gzip"},
    ),
    "body too long": Attack((413,), body=_long(MAX_BODY + 1)),
    "body too long in pieces": Attack((413,), body=_pieces(_long(40_000_000))),
    # --- arguments ---
    "argument that there is not": ask(422, "health", colour="red"),
    "context of Odoo": ask(422, "health", context={"default_company_id": 1}),
    "records that are none": ask(422, "push", entity="supplier", records="all"),
    "501 records": ask(422, "push", entity="supplier", records=[GOOD] * 501),
    "entity as SQL": ask(422, "status", entity=INJECTED, external_ids=["1"]),
    "model of Odoo": ask(422, "push", entity="res.users", records=[{"id": "1"}]),
    "NUL in the entity": ask(422, "changes", entity="a\0b"),
    "half of a pair": ask(422, "changes", entity="\ud800"),
    "NUL in the key": ask(
        422, "push", entity="supplier", records=[], idempotency_key="a\0"
    ),
    "header in the correlation id": ask(422, "health", correlation_id="a\r\nX-Evil: 1"),
    "correlation id of an emoji": ask(422, "health", correlation_id="\U0001f600"),
    "cursor as SQL": ask(422, "changes", entity="supplier", cursor=INJECTED),
    "page of millions": ask(422, "changes", entity="supplier", limit=10**9),
    "page below zero": ask(422, "changes", entity="supplier", limit=-1),
    "true as a number": ask(422, "saga", saga=True),
    "number beyond the database": ask(422, "saga", saga=2**31),
    "saga of another": ask(422, "saga", saga=2**31 - 1),
    "conflict of another": ask(404, "resolve", conflict_id=2**31 - 1, side="odoo"),
    "id with a path": ask(
        200, "lookup", entity="supplier", external_ids=["../products/1"]
    ),
    "id with a query": ask(200, "lookup", entity="supplier", external_ids=["sup_1?x"]),
    "look-up of too many": ask(
        422, "lookup", entity="supplier", external_ids=["1"] * 51
    ),
    "order that is a list": ask(422, "order", record=[], idempotency_key="k"),
    # --- headers ---
    "header as long as a body": Attack(
        (200, 400, 431), HEALTH, headers={"X-Long": "x" * 30_000}
    ),
    "correlation id in the header": Attack(
        (422,), HEALTH, headers={"X-Correlation-ID": "a b"}
    ),
    "foreign host": Attack(
        (200, 400, 404), HEALTH, headers={"Host": "evil.example", "X-Real-IP": "1"}
    ),
}

# Values of one record beside a good one: {what: (values, field that is named)}.
BAD = {
    "no name": ({"name": None}, "name"),
    "3,000 characters": ({"name": "n" * 3_000}, "name"),
    "NUL": ({"name": "a\0b"}, "name"),
    "half of a pair": ({"name": "\ud800"}, "name"),
    "text for a flag": ({"deleted": "false"}, "deleted"),
    "number for a flag": ({"deleted": 1}, "deleted"),
    "true for a version": ({"version": True}, "version"),
    "version below zero": ({"version": -1}, "version"),
    "version beyond the database": ({"version": 2**31}, "version"),
    "list for a text": ({"name": ["a"]}, "name"),
    "object for a text": ({"name": {}}, "name"),
    "id of blanks": ({"id": " "}, "id"),
    "id with a line break": ({"id": "a\nb"}, "id"),
    "id that is long": ({"id": "i" * 3_000}, "id"),
    "id that is none": ({"id": None}, "id"),
    "deep": ({"name": json.loads("[" * 60 + "]" * 60)}, "name"),
}
