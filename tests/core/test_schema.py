"""A shape and its JSON Schema let the same values in."""

import json

import jsonschema_rs
import pytest
from hypothesis import given, settings, strategies as st

from odoo.addons.pharmacy_sync.core.api import methods as api_methods
from odoo.addons.pharmacy_sync.core.api.answer_status import status_of
from odoo.addons.pharmacy_sync.core.api.openapi import document
from odoo.addons.pharmacy_sync.core.check.schema import (
    Flag,
    Identifier,
    ListOf,
    Method,
    Number,
    Object,
    OneOf,
    Shape,
    Text,
    Visible,
    Whole,
)
from odoo.addons.pharmacy_sync.core.exceptions import InvalidDataError
from odoo.addons.pharmacy_sync.core.storable import MARK
from odoo.addons.pharmacy_sync.core.taxonomy import ErrorType

METHODS = [m for m in vars(api_methods).values() if isinstance(m, Method)]
SHAPES = [
    Text(longest=3),
    Text(longest=3, shortest=1),
    Identifier(),
    Visible(),
    Whole(),
    Whole(least=1, most=500),
    Flag(),
    OneOf(values=("odoo", "pharmacy")),
    ListOf(item=Whole(least=1), most=2),
    ListOf(item=Identifier(), most=2),
    Object(values=Text(longest=3)),
    Object(values=Whole()),
]
SHAPES += [type(shape)(**{**vars(shape), "nullable": True}) for shape in SHAPES]
TEXTS = (
    st.text(st.characters(exclude_categories=("Cs",)), max_size=5)
    | st.sampled_from(
        ["odoo", "pharmacy", "a b", " a", "a ", "\0", "\x1f", "\x85", "x"]
    )
    | st.integers(199, 257).map(lambda length: "x" * length)
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, 1, 500, 501, 2**31 - 1, 2**31])
    | st.floats(allow_nan=False, allow_infinity=False).filter(
        # JSON Schema takes 1.0 for a whole number.
        lambda number: not number.is_integer()
    )
    | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2)
    ),
    max_leaves=4,
)


def is_let_in(shape, value):
    try:
        shape.check(value, "it")
    except InvalidDataError as exc:
        assert exc.field.startswith("it")
        return False
    return True


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_a_shape_lets_in_what_its_schema_does(shape):
    validator = jsonschema_rs.validator_for(shape.schema())

    @settings(max_examples=200)
    @given(VALUES.filter(lambda value: MARK not in json.dumps(value)))
    def compare(value):
        described = validator.is_valid(value)
        # That names of an object can be stored is checked besides.
        if not isinstance(shape, Object) or r"\u0000" not in json.dumps(value):
            assert is_let_in(shape, value) == described

    compare()


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_arguments_have_names_defaults_and_bounds(method):
    assert method.arguments[-1] is api_methods.CORRELATION
    with pytest.raises(InvalidDataError, match="no argument") as caught:
        method.check({"colour": "red"})
    assert caught.value.field == "colour"
    required = [a.name for a in method.arguments if a.required]
    if required:
        with pytest.raises(InvalidDataError) as caught:
            method.check({})
        assert caught.value.field == required[0]
    schema = method.request_schema()
    assert schema["required"] == required
    for argument in method.arguments:
        given = dict.fromkeys(required, "x") | {argument.name: object()}
        with pytest.raises(InvalidDataError) as caught:
            method.check(given)
        assert caught.value.field.partition("[")[0] in (*required, argument.name)
    for argument in method.arguments:
        if argument.default not in (None, ""):
            assert schema["properties"][argument.name]["default"] == argument.default


def test_the_document_is_json_and_its_schemas_are_schemas():
    said = json.loads(
        json.dumps(document(METHODS, {"Supplier": {}}, "/v1", ("supplier", "product")))
    )
    assert set(said["paths"]) == {f"/v1/{method.name}" for method in METHODS}
    for path in said["paths"].values():
        operation = path["post"]
        bodies = [operation["requestBody"], *operation["responses"].values()]
        for body in bodies:
            schema = body["content"]["application/json"]["schema"]
            jsonschema_rs.meta.validate(schema)


def test_the_document_names_the_kinds_of_records():
    paths = document(METHODS, {}, "/v1", ("supplier", "product"))["paths"]

    def entity(name):
        body = paths[f"/v1/{name}"]["post"]["requestBody"]["content"]
        return body["application/json"]["schema"]["properties"]["entity"]["enum"]

    assert entity("push") == ["supplier", "product"]
    assert entity("conflicts") == ["supplier", "product", None]


def test_of_answers_only_what_may_be_null_is():
    answer = api_methods.STATUS.as_answer(
        {
            "success": False,
            "error": False,
            "results": [{"external_id": "a", "known": False, "odoo_id": False}],
        }
    )
    assert answer["success"] is False
    assert answer["results"] == [{"external_id": "a", "known": False, "odoo_id": None}]
    assert Number(nullable=True).as_answer(False) is None
    assert Shape().as_answer(False) is False


@pytest.mark.parametrize("text", ["a\0", "\ud83d"])
def test_a_text_that_cannot_be_kept_is_refused_by_its_name(text):
    with pytest.raises(InvalidDataError) as raised:
        Text(longest=9).check(text, "note")
    assert raised.value.field == "note"


@pytest.mark.parametrize("value", ["a\0b", ["\ud83d"], {"a": f"{MARK}x"}])
def test_any_value_is_one_that_can_be_stored(value):
    with pytest.raises(InvalidDataError):
        Shape().check(value, "extra")


def test_the_document_names_each_status_that_a_call_may_have():
    calls = document(METHODS, {}, "/api", ["order"])["paths"].values()
    failed = {str(status_of(error_type)) for error_type in ErrorType}
    # Refused before a method is reached: no JSON, no POST, too long, packed.
    early = {"400", "405", "413", "415"}
    for call in calls:
        assert call["post"]["responses"].keys() == {"200", *early, *failed}


@pytest.mark.parametrize(
    "shape, within, beyond",
    [
        (Text(longest=3, shortest=1), ("x", "xyz"), ("", "wxyz", 1)),
        (Text(longest=3), ("", "xyz"), ("wxyz", "a\0")),
        (Whole(least=1, most=3), (1, 3), (0, 4, "1", True)),
        (Flag(), (True, False), (0, "true")),
        (OneOf(values=("a", "b")), ("a", "b"), ("c", "", 1)),
        (ListOf(item=Whole(), most=2), ([], [1, 2]), ([1, 2, 3], ["1"], "1")),
        (Object(values=Text(longest=3)), ({}, {"a": "b"}), ({"a": 1}, {"\0": "b"}, [])),
        (Object(fields={"a": Flag()}), ({"a": True},), ({"a": 1}, {1: True})),
    ],
)
def test_what_a_shape_lets_in_at_its_bounds(shape, within, beyond):
    assert [value for value in within if not is_let_in(shape, value)] == []
    assert [value for value in beyond if is_let_in(shape, value)] == []


def test_what_is_required_is_told():
    shape = Object(fields={"a": Flag(), "b": Flag()}, optional=frozenset({"b"}))
    assert shape.schema()["required"] == ["a"]
    assert shape.schema()["properties"].keys() == {"a", "b"}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_what_may_be_left_out_may_be_null(method):
    schema = method.request_schema()
    for argument in method.arguments:
        said = schema["properties"][argument.name]
        may_be_left_out = argument.name not in schema["required"]
        if "type" in said:
            takes_null = "null" in said["type"]
            assert takes_null == (may_be_left_out or argument.shape.nullable)


def test_a_list_that_may_be_null_is_in_answers():
    items = ListOf(item=Number(nullable=True), most=9, nullable=True)
    assert items.as_answer([False, 1]) == [None, 1]
    assert items.as_answer(False) is None
    anything = ListOf(item=None, most=9)
    assert anything.as_answer([False, {"a": 1}]) == [False, {"a": 1}]
