"""Keys that an app gives to lines: Odoo sends a new line without one, and calls it from
then on as the app does, on both sides and in all that is remembered of it.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..conflict.merge import KEYED, OWN, Record, parse_path
from ..exchange.mapping_state import MappingState
from ..exchange.pair import Base
from .line_keys import pair_lines


def given_keys(
    sent: Sequence[Mapping[str, Hashable]],
    at_app: Sequence[Mapping[str, Hashable]],
    match: Sequence[tuple[str, ...]] = (),
) -> dict[str, str]:
    """Keys that an app gave to lines which were sent to it without one.

    :param sent: lines as Odoo has them
    :param at_app: lines as the app has them
    :param match: see :func:`pair_lines`; before that lines are the same that have all
        in common which the app says of any
    :return: of each line that is found again the app's key, by Odoo's
    """
    known = {str(line["key"]) for line in sent}
    ours = {str(line["key"]): line for line in sent if str(line["key"]).startswith(OWN)}
    theirs = {
        str(line["key"]): line for line in at_app if str(line["key"]) not in known
    }
    said = {name for line in theirs.values() for name in line} - {"key"}
    if not ours or not said:
        return {}
    paired = pair_lines(ours, theirs, (tuple(sorted(said)), *match))
    return {own: key for own, key in paired.items() if key in theirs}


def with_keys(record: Record, keys: Mapping[str, str]) -> dict[str, Any]:
    """A record whose lines go by other keys."""
    return {
        name: [{**line, "key": keys.get(line["key"], line["key"])} for line in value]
        if name in KEYED and value
        else value
        for name, value in record.items()
    }


def state_with_keys(state: MappingState, keys: Mapping[str, str]) -> MappingState:
    """What is known of a record whose lines go by other keys."""
    half = with_keys(state.base.pharmacy, keys)
    apart = state.base.apart
    return replace(
        state,
        base=Base.load(half, with_keys(apart, keys)),
        unanswered=tuple(with_keys(sent, keys) for sent in state.unanswered),
        conflict_paths=tuple(_path(path, keys) for path in state.conflict_paths),
        declined={_path(path, keys): why for path, why in state.declined.items()},
    )


def _path(path: str, keys: Mapping[str, str]) -> str:
    name, key, field = parse_path(path)
    if key is None or key not in keys:
        return path
    return f"{name}[{keys[key]}]" + (f".{field}" if field else "")
