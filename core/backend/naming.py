"""Names, paths and values of an app that calls things otherwise than the contract.

A record of such an app is read into the contract's names before anything else looks at
it, and what is sent is written in the app's names last of all: nothing between knows of
them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from ..check.payload import canonical_datetime
from ..conflict.merge import KEYED, MISSING, OWN
from ..exceptions import InvalidDataError, SchemaMismatchError
from ..taxonomy import TextEnum
from .naming_text import NUMBER, Path, filled
from .paging import asked_number, numbered

# What is around a record's own values, and around a line's.
ENVELOPE = frozenset({"id", "version", "external_ref", "updated_at", "deleted"})
NOT_SENT = frozenset({"id", "version", "updated_at", "deleted"})
KEY = "key"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Kind(TextEnum):
    """How a value of the app's becomes one of the contract's. SAME: as it is. NUMBER:
    the app has a number where the contract has a text, such as an id or an amount.
    MOMENT: the app has the time of the latest change where the contract has a version.
    SAID: whether the app says anything there, such as when it was deleted. NONE: the
    app has nothing of the kind."""

    SAME = "same"
    NUMBER = "number"
    MOMENT = "moment"
    SAID = "said"
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
        if self.kind is Kind.SAID:
            return value not in (None, False, "")
        return value

    def to_app(self, value: Any) -> Any:
        """A value of the contract's as one of the app's."""
        for theirs, ours in self.values:
            if _equal(ours, value):
                return theirs
        if self.kind is Kind.NUMBER and isinstance(value, str):
            found = NUMBER.fullmatch(value)
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
    :ivar first: number of the first page, where pages have numbers
    :ivar by_key: how a list is asked for the record that carries Odoo's key, as in an
        address, with ``{}`` in place of the key; empty: by the name of its field
    :ivar query: what else is asked with each list, as in an address
    :ivar change: the HTTP method of a change that names some fields only
    :ivar one: the parameter by which a list has a single record; empty: each record
        has an address of its own
    :ivar one_query: what else is asked with a single record, as in an address
    :ivar constants: what else a new record is sent with
    :ivar line_constants: what else a new line is sent with
    :ivar leaves_out_empty: whether a new record leaves out what is empty
    :ivar gives_keys: whether the app gives each line its key
    :ivar lines_place: path of the address of its lines, where a change of a line is a
        call of its own; empty: they are changed with their record
    :ivar lines_owner: where such a line, when it is new, names its record
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
    first: int = 1
    by_key: str = ""
    query: str = ""
    change: str = "PATCH"
    one: str = ""
    one_query: str = ""
    constants: tuple[tuple[Path, Any], ...] = ()
    line_constants: tuple[tuple[Path, Any], ...] = ()
    leaves_out_empty: bool = False
    gives_keys: bool = False
    lines_place: str = ""
    lines_owner: Path = ()

    @property
    def own(self) -> bool:
        """Whether the app's names are its own: then it is not of this contract, and
        has none of the calls that only the contract has."""
        return self != Names(self.place, known=self.known)

    @property
    def counts(self) -> bool:
        """Whether versions are counted; else they are times."""
        return self._name("version").kind is not Kind.MOMENT

    @property
    def timed(self) -> bool:
        """Whether the app says of a record when it was changed."""
        return bool(self._name("updated_at").path)

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

    def read_listed(self, answer: Any) -> Any:
        """The single record that a list was asked for; None: it has none."""
        items = self._items(answer)
        return self.from_app(items[0]) if items else None

    def to_app(self, data: Mapping[str, Any], new: bool = False) -> dict[str, Any]:
        """Values of a record, or of some of its fields, in the app's names.

        :param new: whether it is the first that the app hears of it
        """
        if not self.fields:
            return dict(data)
        lined = {
            name: [self.line_to_app(line, name, new) for line in data[name]]
            for name in data.keys() & set(KEYED)
            if data[name]
        }
        return _with(self._write({**data, **lined}, new=new), self.constants, new)

    def line_to_app(
        self, line: Mapping[str, Any], name: str = KEYED[0], new: bool = False
    ) -> dict[str, Any]:
        """A line, or some of its fields, in the app's names. Where the app gives the
        keys, none is sent that it has not given: that line is new."""
        if self.gives_keys and str(line.get(KEY, OWN)).startswith(OWN):
            new = new or KEY in line
            line = {field: value for field, value in line.items() if field != KEY}
        return _with(self._write(line, f"{name}.", new), self.line_constants, new)

    def with_owner(self, line: dict[str, Any], external_id: str) -> dict[str, Any]:
        """A new line, in the app's names, that names the record that it belongs to."""
        _put(line, self.lines_owner, self._name("id").to_app(external_id))
        return _with(line, self.line_constants, True)

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
            params[self.after] = after if self.following else asked_number(after)
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
        if self.by_key:
            return filled(self.by_key, external_ref)
        return {path[-1]: external_ref}

    def page(self, answer: Any, limit: int, after: str | None) -> dict[str, Any]:
        """A page of a list in the contract's names.

        :param after: as for :meth:`asking`
        :return: ``{"items": [...], "next_after": str or None}``
        :raises SchemaMismatchError: it is no page, or the page before once more
        """
        records = [self.from_app(item) for item in self._items(answer)]
        if self.following:
            following = self._following(answer)
        else:
            records, following = numbered(records, limit, after, self.first)
        return {"items": records, "next_after": following}

    def asking_one(self, external_id: str) -> dict[str, Any]:
        """Parameters that ask for a single record."""
        if self.one:
            return {**dict(parse_qsl(self.query)), self.one: external_id}
        return dict(parse_qsl(self.one_query))

    def _items(self, answer: Any) -> list[Any]:
        items = _at(answer, self.items)
        if not isinstance(items, list):
            where = ".".join(self.items)
            raise SchemaMismatchError(
                f"The answer has no {where} that is a list."
                if where
                else "The answer is no list.",
                field=where or None,
            )
        return items

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

    def _write(
        self, data: Mapping[str, Any], within: str = "", new: bool = False
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for called, value in data.items():
            name = self._name(within + called)
            left_out = new and self.leaves_out_empty and value in (None, "")
            if name.path and not left_out:
                _put(found, name.path, name.to_app(value))
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


def _put(record: dict[str, Any], path: Path, value: Any) -> None:
    for key in path[:-1]:
        record = record.setdefault(key, {})
    record[path[-1]] = value


def _with(
    written: dict[str, Any], constants: Iterable[tuple[Path, Any]], new: bool
) -> dict[str, Any]:
    """What is written, with what a new one has besides."""
    for path, value in constants if new else ():
        _put(written, path, value)
    return written


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
