"""The ERP *Dolibarr* as a server: its resources, parameters and bodies are those of its
Swagger document, as a package for its API carries it.

That document does not say what a record looks like when it is read: it has the fields
that it may be written with, its id as a number, and the time of its latest change in
seconds. A creation answers with the id alone. Of filters only the one that finds a key
is understood here; a parameter that the document does not name is ignored, as Dolibarr
does.
"""

import json
import re
import time
from functools import cache

from .document_app import JSON, DocumentApp, served

BASE = "/api/index.php"
SUPPLIERS = 4  # the mode in which third parties are listed that are suppliers
FILTER = re.compile(r"\(t\.(\w+):=:'([^']*)'\)")
# The document says in its own words, which are Chinese, what must be there.
REQUIRED = "\uff08\u5fc5\u586b"
# What a person does with an order, and the state that it has after that.
STEPS = {"validate": 1, "approve": 2, "makeorder": 3}


@cache
def load(path):
    """Its document as one of OpenAPI."""
    with open(path, encoding="utf-8") as opened:
        swagger = json.load(opened)
    models = {n: _schema(m) for n, m in swagger["models"].items()}
    paths = {}
    for said in swagger["endpoints"]:
        operation = {
            "operationId": f"{said['method']} {said['path']}",
            "parameters": [
                {**p, "schema": {"type": p["type"]}} for p in said["parameters"]
            ],
            "responses": {"200": {"content": {JSON: {"schema": _answer(said)}}}},
        }
        if said["request_body"]:
            schema = {"$ref": f"#/components/schemas/{said['request_body']}"}
            operation["requestBody"] = {"content": {JSON: {"schema": schema}}}
        paths.setdefault(said["path"], {})[said["method"].lower()] = operation
    return {
        "servers": [{"url": BASE}],
        "paths": paths,
        "components": {"schemas": models},
    }


def _schema(model):
    """A schema in which what must be there is required."""
    found = dict(model)
    properties = found.get("properties", {})
    if properties:
        found["properties"] = {n: _schema(p) for n, p in properties.items()}
        found["required"] = [
            name
            for name, said in properties.items()
            if REQUIRED in said.get("description", "")
        ]
    if "items" in found:
        found["items"] = _schema(found["items"])
    return found


def _answer(said):
    kind = said["response_schema"]
    # An object is called by other names, and sometimes a text.
    plain = kind == "integer" or (kind == "array" and said["method"] == "GET")
    return {"type": kind} if plain else {"type": ["object", "array"]}


class DolibarrApp(DocumentApp):
    """See :class:`.document_app.DocumentApp`; its records are there or gone."""

    def forget(self):
        result = super().forget()
        self._now = int(time.time()) - 3600
        return result

    def records(self, collection):
        with self._lock:
            return list(self.there.get(collection, {}).values())

    def _knows(self, headers):
        return headers.get("DOLAPIKEY") == self.key

    def _refuse(self, status, name, message):
        return status, {"error": {"code": status, "message": f"{name}: {message}"}}

    def _parameters(self, operation, query):
        known = {p["name"] for p in operation["parameters"]}
        return super()._parameters(
            operation, {name: query[name] for name in query.keys() & known}
        )

    def _get(self, operation, collection, record_id=None, *, asked, body):
        if record_id is not None:
            return 200, self.there[collection][record_id]
        found = self.records(collection)
        if asked.get("mode") == SUPPLIERS:
            found = [record for record in found if record.get("fournisseur") == 1]
        if "sqlfilters" in asked:
            name, value = FILTER.fullmatch(asked["sqlfilters"]).groups()
            found = [record for record in found if record.get(name) == value]
        page, size = asked.get("page", 0), asked.get("limit", 100)
        return 200, found[page * size : (page + 1) * size]

    def _post(self, operation, collection, record_id=None, *, asked, body):
        collection, __, step = collection.partition("//")
        if step:
            record = self.there[collection][record_id]
            record["statut"] = STEPS[step]
            self._touch(record)
            return 200, record
        self._last += 1
        record = {"id": self._last, **body}
        if collection == "supplierorders":
            record.update(statut=0, lines=[])
            for line in body.get("lines", ()):
                self._last += 1
                record["lines"].append({"id": self._last, **line})
        self.there.setdefault(collection, {})[record["id"]] = record
        self._touch(record)
        return 200, record["id"]

    def _put(self, operation, collection, record_id, *, asked, body):
        record = self.there[collection][record_id]
        said = operation["requestBody"]["content"][JSON]["schema"]
        known = self._resolved(said)["properties"]
        record.update({n: v for n, v in body.items() if n in known})
        self._touch(record)
        return 200, record

    def _delete(self, operation, collection, record_id, *, asked, body):
        del self.there[collection][record_id]
        return 200, {"success": {"code": 200, "message": "deleted"}}

    def _touch(self, record):
        self._now += 1
        record["date_modification"] = self._now


def serving(path, key):
    """A :class:`DolibarrApp` that serves at an address of its own."""
    return served(DolibarrApp(load(path), key))
