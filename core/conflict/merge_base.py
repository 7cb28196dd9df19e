"""The base of a record, once a side has changed: what both agree on from then on.

The words are those of :mod:`.merge`.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .merge import (
    KEYED,
    MISSING,
    Equal,
    FieldConflict,
    Merge,
    Record,
    Side,
    alike,
    lines_by_key,
    parse_path,
    same,
    union,
)

_EMPTY: tuple[Any, ...] = (None, "", [])


def new_base(
    base: Record | None,
    odoo: Record,
    pharmacy: Record,
    merge: Merge,
    *,
    equal: Equal | None = None,
    keyed: Collection[str] = KEYED,
) -> dict[str, Any]:
    """The base once ``merge.to_odoo`` has been written in Odoo: what is equal then on
    both sides is agreed; everything else keeps its base until it is pushed or settled.

    The merge may be one in which a policy has moved conflicts to ``to_odoo``.
    """
    equal = equal or same
    base = dict(base or {})
    odoo = {**odoo, **merge.to_odoo}
    for name, value in pharmacy.items():
        if name not in odoo:
            continue
        if name in keyed:
            if base.get(name) is odoo[name] is value:  # nearly always
                continue
            base[name] = _agreed_lines(
                name,
                lines_by_key(name, base.get(name, MISSING)),
                lines_by_key(name, odoo[name]),
                lines_by_key(name, value),
                equal,
            )
        elif equal(name, odoo[name], value):
            base[name] = value
    return base


def advance(
    base: Record | None,
    sent: Record,
    conflicts: Iterable[str] = (),
    *,
    keyed: Collection[str] = KEYED,
) -> dict[str, Any]:
    """The base after a push: what the pharmacy has accepted is agreed.

    :param base: with the same merge's ``to_odoo`` applied already (``new_base``).
    :param sent: the ``to_pharmacy`` that was accepted.
    :param conflicts: paths of the conflicts that are open. A list of lines is sent
        whole, with the pharmacy's own values where they are in conflict; those are not
        agreed, and without these paths Odoo's values would silently win next time.
    """
    base = dict(base or {})
    conflicts = frozenset(conflicts)
    for name, value in sent.items():
        if name in keyed:
            base[name] = _advance_lines(
                name, lines_by_key(name, base.get(name, MISSING)), value, conflicts
            )
        elif name not in conflicts:
            base[name] = value
    return base


def confirm(
    base: Record | None,
    hoped: Record,
    pharmacy: Record,
    *,
    again: bool = False,
    equal: Equal | None = None,
    keyed: Collection[str] = KEYED,
) -> dict[str, Any]:
    """The base once the pharmacy's record shows what became of a push that was never
    answered: what was sent and stands there now is agreed. Without this a person who
    has undone the change since would see it come back as the pharmacy's.

    :param hoped: the fields that were sent, as :func:`advance` would have them
    :param again: whether the record has changed there more than once since. A line
        that was added by the push and is not there has then been removed, or never
        arrived: of its base only the key is known, which makes it a conflict.
    """
    unmerged = Merge({}, {}, {}, {})
    confirmed = new_base(base, hoped, pharmacy, unmerged, equal=equal, keyed=keyed)
    for name in keyed if again else ():
        lines = lines_by_key(name, confirmed.get(name, MISSING))
        known = lines.keys() | lines_by_key(name, pharmacy.get(name, MISSING)).keys()
        doubtful = lines_by_key(name, hoped.get(name, MISSING)).keys() - known
        if doubtful:
            added = [{"key": key} for key in sorted(doubtful)]
            confirmed[name] = [*lines.values(), *added]
    return confirmed


def settle(
    base: Record | None, path: str, conflict: FieldConflict, winner: Side
) -> dict[str, Any]:
    """The base after a conflict was decided for one side: the value that lost has been
    seen, so the next comparison takes the winner's as the only change.

    :param conflict: for a whole line, None or MISSING on the side that removed it.
    """
    loser = conflict.pharmacy if Side(winner) is Side.ODOO else conflict.odoo
    base = dict(base or {})
    name, key, field = parse_path(path)
    if key is None:
        return _with(base, name, loser)
    lines = lines_by_key(name, base.get(name, MISSING))
    if field is None:
        lines = _with(lines, key, loser or MISSING)
    else:
        lines[key] = _with(lines.get(key, {"key": key}), field, loser)
    base[name] = list(lines.values())
    return base


def _agreed_lines(
    name: str,
    base: Mapping[str, Record],
    odoo: Mapping[str, Record],
    pharmacy: Mapping[str, Record],
    equal: Equal,
) -> list[Record]:
    """The base of the lines once both sides are as given."""
    agreed: list[Record] = []
    for key in union(pharmacy, odoo, base):
        line = dict(base.get(key, {}))
        if key in odoo and key in pharmacy:
            for field, value in pharmacy[key].items():
                odoo_value = odoo[key].get(field, MISSING)
                if alike(f"{name}.{field}", odoo_value, value, equal):
                    line[field] = value
        elif key not in odoo and key not in pharmacy:
            continue
        if line:
            agreed.append(line)
    return agreed


def _advance_lines(
    name: str,
    base: Mapping[str, Record],
    sent: Any,
    conflicts: Collection[str],
) -> list[Record]:
    advanced = []
    lines = lines_by_key(name, sent)
    for key in union(lines, base):
        whole = f"{name}[{key}]"
        if whole in conflicts:
            line = base.get(key)
        elif key in lines:
            line = dict(base.get(key, {}))
            line.update(
                (field, value)
                for field, value in lines[key].items()
                if f"{whole}.{field}" not in conflicts
            )
        else:
            continue
        if line:
            advanced.append(line)
    return advanced


def _with(record: Record, name: str, value: Any) -> dict[str, Any]:
    rest = {field: kept for field, kept in record.items() if field != name}
    return rest if value is MISSING else {**rest, name: value}


def first_base(odoo: Record, pharmacy: Record, winner: str | None = None) -> Record:
    """The base of two records that were made apart: the values that make of each
    difference a change of one side, where there is a reason to.

    :param winner: ``odoo`` or ``pharmacy``, whose values count; None: a value counts
        more than none, and of two values a person decides.
    """
    base = {}
    for name in odoo.keys() & pharmacy.keys():
        ours, theirs = odoo[name], pharmacy[name]
        if ours == theirs or ours in _EMPTY or winner == Side.PHARMACY:
            # Unless it is empty there, the pharmacy's value is the only change.
            base[name] = theirs if theirs in _EMPTY else ours
        elif theirs in _EMPTY or winner == Side.ODOO:
            base[name] = theirs
    return base
