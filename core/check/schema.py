"""Values from outside, declared once: a shape checks a value, and says itself as JSON
Schema for the OpenAPI document.

A library would check as well, but its messages are not ours, it knows neither what
PostgreSQL cannot store nor what Odoo cannot hold, and whoever installs the addon would
have to install it: see ``docs/developer/index.rst``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..exceptions import InvalidDataError
from .text_checks import (
    LARGEST_ID,
    LONGEST_ID,
    check_id,
    check_list,
    check_value,
    check_visible,
    check_whole,
)

# What an identifier looks like: no control characters, no blanks at its ends.
_CONTROLS = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
ID_PATTERN = rf"^[^\s{_CONTROLS}]([^{_CONTROLS}]*[^\s{_CONTROLS}])?$"
VISIBLE_PATTERN = "^[!-~]{1,200}$"
STORABLE_PATTERN = r"^[^\u0000]*$"
ONE_LINE_PATTERN = f"^[^{_CONTROLS}]*$"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Any JSON value that can be stored; the base of the others.

    :param what: what it means, for the reader of the documentation
    :param nullable: whether null may stand for it
    """

    what: str = ""
    nullable: bool = False

    def check(self, value: Any, name: str) -> None:
        """Refuse a value that is not of this shape.

        :param name: path of the value
        :raises InvalidDataError: ``field`` names the first place at fault
        """
        if value is not None or not self.nullable:
            self._check(value, name)

    def as_answer(self, value: Any) -> Any:
        """A value of an answer: what Odoo has nothing of is null, not false."""
        return None if value is False and self.nullable else value

    def schema(self) -> dict[str, Any]:
        """The shape as JSON Schema."""
        found = self._schema()
        if self.nullable and "type" in found:
            found["type"] = [found["type"], "null"]
        if self.nullable and "enum" in found:
            found["enum"] = [*found["enum"], None]
        return {**found, "description": self.what} if self.what else found

    def _check(self, value: Any, name: str) -> None:
        check_value(value, name)

    def _schema(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, kw_only=True)
class Text(Shape):
    longest: int
    shortest: int = 0

    def _check(self, value: Any, name: str) -> None:
        if not isinstance(value, str) or not (
            self.shortest <= len(value) <= self.longest
        ):
            raise InvalidDataError(
                f"{name} must be a string of {self.shortest} to {self.longest} "
                "characters",
                field=name,
            )
        check_value(value, name)

    def _schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "minLength": self.shortest,
            "maxLength": self.longest,
            "pattern": STORABLE_PATTERN,
        }


@dataclass(frozen=True, kw_only=True)
class Identifier(Shape):
    """An id of the pharmacy's: of a record, a line, a request."""

    def _check(self, value: Any, name: str) -> None:
        check_id(value, name)

    def _schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_ID,
            "pattern": ID_PATTERN,
        }


@dataclass(frozen=True, kw_only=True)
class Visible(Shape):
    """What travels in a header."""

    def _check(self, value: Any, name: str) -> None:
        check_visible(value, name)

    def _schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": VISIBLE_PATTERN}


@dataclass(frozen=True, kw_only=True)
class Whole(Shape):
    least: int = 0
    most: int = LARGEST_ID

    def _check(self, value: Any, name: str) -> None:
        check_whole(value, name, self.least, self.most)

    def _schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, kw_only=True)
class Number(Shape):
    """A number of an answer."""

    def _schema(self) -> dict[str, Any]:
        return {"type": "number"}


@dataclass(frozen=True, kw_only=True)
class Flag(Shape):
    def _check(self, value: Any, name: str) -> None:
        if not isinstance(value, bool):
            raise InvalidDataError(f"{name} must be true or false", field=name)

    def _schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, kw_only=True)
class OneOf(Shape):
    values: tuple[str, ...]

    def _check(self, value: Any, name: str) -> None:
        if not isinstance(value, str) or value not in self.values:
            known = ", ".join(self.values)
            raise InvalidDataError(f"{name} must be one of {known}", field=name)

    def _schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.values)}


@dataclass(frozen=True, kw_only=True)
class ListOf(Shape):
    """A list.

    :param item: shape of its items; None: each is looked at by itself later, so that a
        bad one fails alone
    :param described: schema of the items then
    """

    item: Shape | None
    most: int
    described: Mapping[str, Any] = field(default_factory=dict)

    def _check(self, value: Any, name: str) -> None:
        for index, item in enumerate(check_list(value, name, self.most)):
            if self.item is not None:
                self.item.check(item, f"{name}[{index}]")

    def as_answer(self, value: Any) -> Any:
        if self.item is None or not isinstance(value, list):
            return super().as_answer(value)
        return [self.item.as_answer(item) for item in value]

    def _schema(self) -> dict[str, Any]:
        items = self.item.schema() if self.item is not None else dict(self.described)
        return {"type": "array", "maxItems": self.most, "items": items}


@dataclass(frozen=True, kw_only=True)
class Object(Shape):
    """A JSON object.

    :param fields: shapes of its values by name; none: any names
    :param values: shape of the values then
    :param optional: names that may be left out
    :param described: schema that stands for it in the document
    """

    fields: Mapping[str, Shape] = field(default_factory=dict)
    values: Shape = Shape()
    optional: frozenset[str] = frozenset()
    described: Mapping[str, Any] = field(default_factory=dict)

    def _check(self, value: Any, name: str) -> None:
        if not isinstance(value, dict):
            raise InvalidDataError(f"{name} must be an object", field=name)
        check_value(value, name)
        for key, item in value.items():
            self.fields.get(key, self.values).check(item, f"{name}.{key}")

    def as_answer(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return super().as_answer(value)
        return {
            k: self.fields.get(k, self.values).as_answer(v) for k, v in value.items()
        }

    def _schema(self) -> dict[str, Any]:
        if self.described:
            return dict(self.described)
        if not self.fields:
            return {"type": "object", "additionalProperties": self.values.schema()}
        return {
            "type": "object",
            "properties": {k: shape.schema() for k, shape in self.fields.items()},
            "required": [name for name in self.fields if name not in self.optional],
        }


@dataclass(frozen=True)
class Argument:
    """An argument of a method; one with a default may be left out, and null is the
    same."""

    name: str
    shape: Shape
    default: Any = None
    required: bool = False


@dataclass(frozen=True, eq=False)
class Method:
    """A method of the API.

    :param arguments: in the order of the method's own
    :param answer: what it returns besides what every answer has
    :param writes: whether it changes anything: refused while the backend is paused
    :param calls_out: whether it calls the pharmacy app: no transaction is open then
    """

    name: str
    summary: str
    arguments: tuple[Argument, ...]
    answer: Mapping[str, Shape]
    writes: bool = False
    calls_out: bool = False

    def named(self, *values: Any) -> dict[str, Any]:
        """Arguments by name."""
        names = (argument.name for argument in self.arguments)
        return dict(zip(names, values, strict=True))

    def check(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as they are meant: all of them, with their defaults.

        :raises InvalidDataError: ``field`` names the first place at fault
        """
        names = {argument.name for argument in self.arguments}
        for name in given:
            if name not in names:
                message = f"{self.name} has no argument of the name in field"
                raise InvalidDataError(message, field=name)
        return {
            argument.name: self._checked(argument, given.get(argument.name))
            for argument in self.arguments
        }

    def _checked(self, argument: Argument, value: Any) -> Any:
        if value is None:
            if argument.required:
                name = argument.name
                raise InvalidDataError(f"{name} is required", field=name)
            return argument.default
        argument.shape.check(value, argument.name)
        return value

    def as_answer(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """An answer in which nothing is null."""
        return {k: self.answer.get(k, Shape()).as_answer(v) for k, v in answer.items()}

    def request_schema(self) -> dict[str, Any]:
        """The request's body as JSON Schema."""
        return {
            "type": "object",
            "properties": {a.name: _argument_schema(a) for a in self.arguments},
            "required": [a.name for a in self.arguments if a.required],
            "additionalProperties": False,
        }


def _argument_schema(argument: Argument) -> dict[str, Any]:
    found = argument.shape.schema()
    if not argument.required and "type" in found:
        found["type"] = [found["type"], "null"]
        if "enum" in found:
            found["enum"] = [*found["enum"], None]
    if argument.default is not None:
        found["default"] = argument.default
    return found
