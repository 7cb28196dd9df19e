"""The OpenAPI document of the API, made of what checks its arguments."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..check.schema import Method, Object
from .methods import COMMON

VERSION = "1"
_FAILED = {
    400: "The body is no JSON object, or a name is twice in one.",
    401: "No API key, or one that is not valid.",
    403: "The user of the key is no backend's API user.",
    404: "There is no such method or record.",
    405: "Methods are called by POST.",
    409: "Something else came first: another version, a decision, a sale.",
    413: "The body is too long.",
    415: "The body is packed.",
    422: "An argument is wrong; field names it.",
    429: "Too many requests; Retry-After says when to come back.",
    500: "It failed for a reason that sending it again does not mend.",
    503: "It cannot be done now; Retry-After says when to come back.",
}


def document(
    methods: Iterable[Method],
    records: Mapping[str, Any],
    path: str,
    entities: Iterable[str],
) -> dict[str, Any]:
    """The document of methods.

    :param records: JSON Schema of each kind of record by its name
    :param path: address of the methods
    :param entities: kinds of records, as a call names them
    """
    known = [*entities]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Pharmacy Sync",
            "version": VERSION,
            "description": "What the pharmacy app calls in Odoo. A record, or one of "
            "its fields, that is left out is left alone.",
        },
        "security": [{"key": []}],
        "paths": {f"{path}/{m.name}": {"post": _operation(m, known)} for m in methods},
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Error": Object(fields=COMMON).schema(),
                "Record": {"anyOf": [_reference(name) for name in records]},
                **records,
            },
        },
    }


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _operation(method: Method, entities: list[str]) -> dict[str, Any]:
    answer = Object(
        fields={**COMMON, **method.answer}, optional=frozenset(method.answer)
    )
    failed = _content(_reference("Error"))
    asked = method.request_schema()
    if "entity" in asked["properties"]:
        entity = asked["properties"]["entity"]
        optional = [] if "entity" in asked["required"] else [None]
        entity["enum"] = [*entities, *optional]
    return {
        "operationId": method.name,
        "summary": method.summary,
        "requestBody": {"required": True, **_content(asked)},
        "responses": {
            "200": {"description": "The answer.", **_content(answer.schema())},
            **{
                str(status): {"description": why, **failed}
                for status, why in _FAILED.items()
            },
        },
    }


def _content(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": dict(schema)}}}
