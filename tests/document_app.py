"""A server that behaves as the OpenAPI document of somebody else's product says.

Its paths and methods, its parameters and what they look for, what it requires and
refuses of a body, its envelopes and the shape of its errors come from the document, and
each answer is checked against it. Written here is only what no document says: that what
was made is there afterwards, with an id and times.
"""

import json
import operator
import re
import threading
from datetime import datetime, timedelta, timezone
from functools import cache
from urllib.parse import parse_qs, urlsplit

import jsonschema_rs
import yaml

from .json_server import served

JSON = "application/json"
ID = re.compile(r"\{(\w+)\}")
FILTERED = {"_min": operator.ge, "_max": operator.le}


@cache
def load(path):
    """The document at a path."""
    with open(path, encoding="utf-8") as opened:
        return yaml.load(opened, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


class DocumentApp:
    """A product's records: ``there``, ``{collection: {id: record}}``.

    :ivar asked: what it was asked, ``(method, path, body)``
    :ivar broken: what it answered otherwise than its document says
    :ivar drop: how many answers to writes get lost from now on
    :ivar key: the bearer key that it takes
    """

    def __init__(self, document, key):
        self.document, self.key, self.url = document, key, None
        self._validators = {}
        self._lock = threading.RLock()
        self._routes = [
            (re.compile(ID.sub(r"(?P<\1>[^/]+)", path)), path)
            for path in sorted(document["paths"], key=lambda path: "{" in path)
        ]
        base = urlsplit(document["servers"][0]["url"]).path
        self.base = base.rstrip("/")
        self.forget()

    def forget(self):
        """Be as on the first day."""
        self.there, self.asked, self.broken, self.drop = {}, [], [], 0
        self._now = datetime.now(timezone.utc) - timedelta(hours=1)
        self._last = 100

    def people(self, method, path, body=None):
        """What a person does at the app, by its API; the answer."""
        status, answer = self._answer(method, path, {}, body)
        assert status < 300, answer
        return answer

    def records(self, collection):
        """Its records that are not deleted, as the app would list them."""
        with self._lock:
            found = self.there.get(collection, {}).values()
            return [self._whole(collection, r) for r in found if not r["deleted_at"]]

    def answer(self, method, url, body, headers):
        """Status and what is answered."""
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        if not parts.path.startswith(f"{self.base}/"):
            return 404, {"message": "Not found"}
        if not self._knows(headers):
            return self._refuse(401, "UnauthorizedError", "Unauthorized")
        path = parts.path.removeprefix(self.base)
        self.asked.append((method, path, body))
        with self._lock:
            return self._answer(method, path, query, body)

    def _knows(self, headers):
        return headers.get("Authorization") == f"Bearer {self.key}"

    def _answer(self, method, path, query, body):
        found = [(r.fullmatch(path), known) for r, known in self._routes]
        match, known = next(((m, k) for m, k in found if m), (None, None))
        operation = known and self.document["paths"][known].get(method.lower())
        if not operation:
            return self._refuse(404, "NotFoundError", f"No {method} of {path}")
        ids = [int(i) if i.isdigit() else -1 for i in match.groupdict().values()]
        collection = ID.sub("", known).strip("/")
        try:
            asked = self._parameters(operation, query)
            self._check_body(operation, body)
            do = getattr(self, f"_{method.lower()}")
            status, answer = do(operation, collection, *ids, asked=asked, body=body)
        except LookupError:
            return self._refuse(404, "NotFoundError", "Not found")
        except (ValueError, jsonschema_rs.ValidationError) as exc:
            return self._refuse(422, "UnprocessableEntityError", str(exc)[:500])
        self._check_answer(operation, status, answer)
        return status, answer

    def _refuse(self, status, name, message):
        return status, {"statusCode": status, "name": name, "message": message}

    # -- What the document says -------------------------------------------------------

    def _resolved(self, node):
        while "$ref" in node:
            found = self.document
            for key in node["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            node = found
        return node

    def _properties(self, schema):
        """Those of a schema, of all that it is made of."""
        schema = self._resolved(schema)
        found = dict(schema.get("properties", {}))
        for part in (*schema.get("allOf", ()), *schema.get("oneOf", ())):
            found.update(self._properties(part))
        return found

    def _validator(self, schema):
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            whole = {**schema, "components": self.document["components"]}
            made = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
            self._validators[key] = made
        return self._validators[key]

    def _check(self, schema, value):
        self._validator(schema).validate(value)

    def _check_body(self, operation, body):
        said = operation.get("requestBody")
        if said:
            self._check(said["content"][JSON]["schema"], body)

    def _check_answer(self, operation, status, answer):
        said = operation["responses"].get(str(status))
        if said is None:
            self.broken.append((operation["operationId"], status))
        content = self._resolved(said or {}).get("content")
        if content:
            try:
                self._check(content[JSON]["schema"], answer)
            except jsonschema_rs.ValidationError as exc:
                self.broken.append((operation["operationId"], exc.message[:200]))

    def _parameters(self, operation, query):
        """What is asked, in the kinds that the document names.

        :raises ValueError: it has no such parameter, or not of this kind
        """
        known = [self._resolved(p) for p in operation.get("parameters", ())]
        known = {p["name"]: p["schema"] for p in known if p["in"] == "query"}
        if unknown := query.keys() - known.keys():
            raise ValueError(f"No parameter {', '.join(sorted(unknown))}")
        asked = {n: s["default"] for n, s in known.items() if "default" in s}
        for name, values in query.items():
            schema = known[name]
            several = schema.get("type") == "array"
            kind = schema["items"] if several else schema
            read = [_read(value, kind) for value in values]
            asked[name] = read if several else read[0]
            self._check(schema, asked[name])
        return asked

    def _envelope(self, operation):
        """Name of the field that has the records of a list, and their schema."""
        schema = operation["responses"]["200"]["content"][JSON]["schema"]
        return next(
            (name, self._resolved(said)["items"])
            for name, said in self._properties(schema).items()
            if self._resolved(said).get("type") == "array"
        )

    # -- What was made is there -------------------------------------------------------

    def _get(self, operation, collection, record_id=None, *, asked, body):
        extend = asked.pop("extend", ())
        if record_id is not None:
            return 200, self._whole(
                collection, self._living(collection, record_id), extend
            )
        page, size = asked.pop("page", 1), asked.pop("limit", 50)
        deleted = asked.pop("include_deleted", False)
        found = [
            self._whole(collection, record, extend)
            for record in self.there.get(collection, {}).values()
            if (deleted or not record["deleted_at"])
            and all(_fits(record, name, value) for name, value in asked.items())
        ]
        name, __ = self._envelope(operation)
        return 200, {name: found[(page - 1) * size : page * size]}

    def _post(self, operation, collection, *, asked, body):
        return 200, self._whole(collection, self._make(collection, body))

    def _patch(self, operation, collection, record_id, *, asked, body):
        record = self._living(collection, record_id)
        record.update(body)
        self._touch(record)
        return 200, self._whole(collection, record)

    def _delete(self, operation, collection, record_id, *, asked, body):
        record = self._living(collection, record_id)
        record["deleted_at"] = self._touch(record)
        return 204, None

    def _make(self, collection, body):
        self._last += 1
        own = {n: v for n, v in body.items() if not self._is_collection(n)}
        record = {"id": self._last, "deleted_at": None, **own}
        record["created_at"] = self._touch(record)
        self.there.setdefault(collection, {})[self._last] = record
        for name in body.keys() - own.keys():
            for part in body[name]:
                self._make(name, {**part, _owner(collection): record["id"]})
        return record

    def _touch(self, record):
        """It changes now, and so does what it is a part of; the time."""
        self._now += timedelta(seconds=1)
        record["updated_at"] = f"{self._now:%Y-%m-%dT%H:%M:%S}.000Z"
        for collection, others in self.there.items():
            owner = others.get(record.get(_owner(collection)))
            if owner:
                owner["updated_at"] = record["updated_at"]
        return record["updated_at"]

    def _living(self, collection, record_id):
        record = self.there[collection][record_id]
        if record["deleted_at"]:
            raise LookupError(record_id)
        return record

    def _is_collection(self, name):
        return f"/{name}" in self.document["paths"]

    def _whole(self, collection, record, extend=()):
        """A record with its parts, and with what it is a part of if that is asked."""
        whole = dict(record)
        made = self.document["paths"][f"/{collection}"]["post"]["responses"]["200"]
        for name, said in self._properties(made["content"][JSON]["schema"]).items():
            if len(only := self._resolved(said).get("enum", ())) == 1:
                whole.setdefault(name, only[0])
            if self._is_collection(name):
                parts = self.there.get(name, {}).values()
                whole[name] = [
                    part
                    for part in parts
                    if part.get(_owner(collection)) == record["id"]
                    and not part["deleted_at"]
                ]
        for name in extend:
            for part in name.split("_or_"):
                of_part = self.there.get(f"{part}s", {})
                if other := of_part.get(record.get(f"{part}_id")):
                    whole[name] = self._whole(f"{part}s", other)
        return whole


def _owner(collection):
    return f"{collection.removesuffix('s')}_id"


def _read(text, schema):
    """A parameter's value as its schema has it."""
    if schema.get("type") == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if schema.get("type") in ("integer", "number"):
        return int(text) if text.isdigit() else text
    return text


def _fits(record, name, asked):
    for suffix, compare in FILTERED.items():
        if name.endswith(suffix):
            has = record[name.removesuffix(suffix)]
            return compare(_time(has), _time(asked))
    if name == "ids":
        return record["id"] in asked
    return record.get(name) == asked


def _time(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def serving(path, key):
    """A :class:`DocumentApp` that serves at an address of its own."""
    return served(DocumentApp(load(path), key))
