"""Names, paths and values of an app that calls things otherwise than the contract.

A record of such an app is read into the contract's names before anything else looks at
it, and what is sent is written in the app's names last of all: nothing between knows of
them. A path is the tuple of keys that leads to a value in nested JSON objects.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from ..check.payload import canonical_datetime
from ..conflict.merge import KEYED, MISSING
from ..exceptions import InvalidDataError, SchemaMismatchError
from ..taxonomy import TextEnum

Path = tuple[str, ...]
# What is around a record's own values, and around a line's.
ENVELOPE = frozenset({"id", "version", "external_ref", "updated_at", "deleted"})
NOT_SENT = frozenset({"id", "version", "updated_at", "deleted"})
KEY = "key"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?")
_SEPARATOR = "="


class Kind(TextEnum):
    """How a value of the app's becomes one of the contract's. SAME: as it is. NUMBER:
    the app has a number where the contract has a text, such as an id or an amount.
    MOMENT: the app has the time of the latest change where the contract has a version.
    NONE: the app has nothing of the kind."""

    SAME = "same"
    NUMBER = "number"
    MOMENT = "moment"
    NONE = "none"


@dataclass(frozen=True)
class Name:
    """Where an app has one field, and how.

    :ivar path: empty: the app has nothing of the kind, it is neither read nor sent
    :ivar values: pairs of the app's value and the contract's; what is in none of them
        stays as it is
    :ivar fallback: what is read where the app says nothing; None: nothing
    """

    path: Path = ()
    kind: Kind = Kind.SAME
    values: tuple[tuple[Any, Any], ...] = ()
    fallback: Any = None

    def from_app(self, value: Any) -> Any:
        """A value of the app's as one of the contract's; one that is not of the kind
        stays as it is, for the record to be refused by it."""
        for theirs, ours in self.values:
            if _equal(theirs, value):
                return ours
        if self.kind is Kind.NUMBER and type(value) in (int, float):
            return _plain(value)
        if self.kind is Kind.MOMENT:
            return _seconds(value)
        return value

    def to_app(self, value: Any) -> Any:
        """A value of the contract's as one of the app's."""
        for theirs, ours in self.values:
            if _equal(ours, value):
                return theirs
        if self.kind is Kind.NUMBER and isinstance(value, str):
            found = _NUMBER.fullmatch(value)
            if found:
                return float(value) if found[1] else int(value)
        return value


@dataclass(frozen=True)
class Names:
    """How an app calls what belongs to one entity; by default as the contract does.

    :ivar place: path of the entity's address below that of the API
    :ivar fields: names by generic path, such as ``reference`` or ``lines.quantity``
    :ivar known: generic paths of the contract's fields; of an app with names of its own
        nothing else is read
    :ivar record: where an answer about one record has it
    :ivar items: where a list has its records
    :ivar following: where a list says how it goes on; empty: its pages have numbers
    :ivar after: the parameter that asks for a later page
    :ivar limit: the parameter that says how many are asked for
    :ivar since: the parameter that asks for what has changed since a time
    :ivar query: what else is asked with each list, as in an address
    :ivar change: the HTTP method of a change that names some fields only
    """

    place: str
    fields: Mapping[str, Name] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    record: Path = ()
    items: Path = ("items",)
    following: Path = ("next_after",)
    after: str = "after"
    limit: str = "limit"
    since: str = "updated_since"
    query: str = ""
    change: str = "PATCH"

    @property
    def own(self) -> bool:
        """Whether the app's names are its own: then it is not of this contract, and
        has none of the calls that only the contract has."""
        return self != Names(self.place, known=self.known)

    @property
    def counts(self) -> bool:
        """Whether versions are counted; else they are times."""
        return self._name("version").kind is not Kind.MOMENT

    def from_app(self, record: Any) -> Any:
        """A record of the app's in the contract's names; what is no object stays."""
        if not isinstance(record, dict) or not self.own:
            return record
        found = self._read(record, "", ENVELOPE)
        for name in found.keys() & set(KEYED):
            lines = found[name]
            if isinstance(lines, list):
                found[name] = [
                    self._read(line, f"{name}.", {KEY})
                    if isinstance(line, dict)
                    else line
                    for line in lines
                ]
        return found

    def read_one(self, answer: Any) -> Any:
        """The record that an answer about one is about."""
        found = _at(answer, self.record)
        return self.from_app(None if found is MISSING else found)

    def to_app(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Values of a record, or of some of its fields, in the app's names."""
        if not self.fields:
            return dict(data)
        lined = {
            name: [self._write(line, f"{name}.") for line in data[name]]
            for name in data.keys() & set(KEYED)
            if data[name]
        }
        return self._write({**data, **lined})

    def write_item(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """An item of a batch with its values in the app's names."""
        return {**item, "data": self.to_app(item["data"])} if item.get("data") else item

    def read_said(self, said: Any) -> Any:
        """A change of the feed, or a result of a batch, with the app's record read."""
        if not self.own or not isinstance(said, dict):
            return said
        return {
            name: self.from_app(value) if name in ("data", "current") else value
            for name, value in said.items()
        }

    def asking(
        self, limit: int | None = None, after: str | None = None
    ) -> dict[str, Any]:
        """Parameters that ask for a page of a list.

        :param after: ``next_after`` of the page before
        """
        params: dict[str, Any] = dict(parse_qsl(self.query))
        if limit:
            params[self.limit] = limit
        if after:
            params[self.after] = after if self.following else after.partition(" ")[0]
        return params

    def asking_for(self, external_ref: str) -> dict[str, str]:
        """Parameters that ask for the record that carries Odoo's key.

        :raises SchemaMismatchError: the app keeps no such key
        """
        path = self._name("external_ref").path
        if not path:
            raise SchemaMismatchError(
                "The app keeps no key of Odoo's: it cannot be asked for one.",
                field="external_ref",
            )
        return {path[-1]: external_ref}

    def page(self, answer: Any, limit: int, after: str | None) -> dict[str, Any]:
        """A page of a list in the contract's names.

        :param after: as for :meth:`asking`
        :return: ``{"items": [...], "next_after": str or None}``
        :raises SchemaMismatchError: it is no page, or the page before once more
        """
        items = _at(answer, self.items)
        if not isinstance(items, list):
            where = ".".join(self.items)
            raise SchemaMismatchError(
                f"The answer has no {where} that is a list."
                if where
                else "The answer is no list.",
                field=where or None,
            )
        records = [self.from_app(item) for item in items]
        if self.following:
            following = self._following(answer)
        else:
            records, following = _numbered(records, limit, after)
        return {"items": records, "next_after": following}

    def _name(self, path: str) -> Name:
        return self.fields.get(path) or Name((path.rpartition(".")[2],))

    def _read(
        self, record: Mapping[str, Any], within: str, around: Collection[str]
    ) -> dict[str, Any]:
        known = {p.removeprefix(within) for p in self.known if p.startswith(within)}
        found = {}
        for called in sorted(n for n in {*known, *around} if "." not in n):
            name = self._name(within + called)
            value = _at(record, name.path) if name.path else MISSING
            if value is not MISSING:
                found[called] = name.from_app(value)
            elif name.fallback is not None:
                found[called] = name.fallback
        return found

    def _write(self, data: Mapping[str, Any], within: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for called, value in data.items():
            name = self._name(within + called)
            if not name.path:
                continue
            place = found
            for key in name.path[:-1]:
                place = place.setdefault(key, {})
            place[name.path[-1]] = name.to_app(value)
        return found

    def _following(self, answer: Any) -> str | None:
        """How the list goes on; out of an address, if the app says it by one."""
        said = _at(answer, self.following)
        if type(said) is int:
            return str(said)
        if said is MISSING or not said:
            return None
        if not isinstance(said, str):
            where = ".".join(self.following)
            raise SchemaMismatchError(
                f"The answer has no {where} that is a str.", field=where
            )
        parts = urlsplit(said)
        if not parts.query:
            return said
        return next(iter(parse_qs(parts.query).get(self.after, ())), None)


def parse_path(text: str) -> Path:
    """``"supplier.id"`` as a path.

    :raises InvalidDataError: one of its keys is empty
    """
    keys = tuple(key.strip() for key in text.strip().split("."))
    if keys == ("",):
        return ()
    if not all(keys):
        raise InvalidDataError(f"{text} is no path: a key is missing.")
    return keys


def parse_values(text: str) -> tuple[tuple[Any, Any], ...]:
    """Pairs of the app's value and the contract's, one a line: ``20 = approved``.

    A number, ``true``, ``false`` and ``null`` are meant as such; in quotes they are
    texts.

    :raises InvalidDataError: a line has no ``=``
    """
    pairs = []
    for line in filter(str.strip, text.splitlines()):
        theirs, sign, ours = line.partition(_SEPARATOR)
        if not sign:
            raise InvalidDataError(
                f"{line.strip()}: write the app's value, = and that of the contract."
            )
        pairs.append((parse_value(theirs), parse_value(ours)))
    return tuple(pairs)


def parse_value(text: str) -> Any:
    """A single value as a person writes it."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    found = _NUMBER.fullmatch(text)
    if found:
        return float(text) if found[1] else int(text)
    return text


_CONSTANTS = {"true": True, "false": False, "null": None}


def collisions(
    names: Mapping[str, Name], known: Iterable[str]
) -> list[tuple[str, ...]]:
    """Fields of one record that have the same place at the app, or one of which is part
    of the other's: what is sent of one would overwrite the other.

    :param known: generic paths of all fields that are sent
    :return: pairs of generic paths
    """
    places: dict[str, list[tuple[Path, str]]] = {}
    for path in sorted(known):
        within, __, called = path.rpartition(".")
        place = names[path].path if path in names else (called,)
        if place:
            places.setdefault(within, []).append((place, path))
    return sorted(
        (first, second)
        for found in places.values()
        for number, (one, first) in enumerate(found)
        for other, second in found[number + 1 :]
        if one == other[: len(one)] or other == one[: len(other)]
    )


def _at(value: Any, path: Path) -> Any:
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return MISSING
        value = value[key]
    return value


def _equal(one: Any, other: Any) -> bool:
    """1 is not true, and no text is a number."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def _plain(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{Decimal(repr(number)):f}"


def _seconds(value: Any) -> Any:
    """Seconds since 1970 of a time; what is none stays."""
    try:
        moment = datetime.fromisoformat(canonical_datetime(value).removesuffix("Z"))
    except InvalidDataError:
        return value
    return int((moment.replace(tzinfo=timezone.utc) - EPOCH).total_seconds())


def _numbered(
    records: list[Any], limit: int, after: str | None
) -> tuple[list[Any], str | None]:
    """The records of a page with a number, and how to ask for the next one.

    An app may give fewer at once than it is asked for, so that only a page without
    records is the last. One that knows no pages gives all of them again.
    """
    number, __, began = (after or "1").partition(" ")
    first = (
        str(records[0].get("id")) if records and isinstance(records[0], dict) else ""
    )
    if after and first and first == began:
        if len(records) == limit:
            raise SchemaMismatchError("The list does not go on.", field="page")
        return [], None
    goes_on = records and len(records) <= limit
    return records, f"{int(number) + 1} {first}" if goes_on else None
