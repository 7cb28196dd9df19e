"""Codes, such as barcodes, that records of one batch hand on to each other.

Odoo, or an index, lets no two records have the same, and looks at each write by itself:
of two that exchange theirs neither could be written first.
"""

from collections.abc import Collection, Hashable, Mapping
from typing import Any, TypeVar

_Key = TypeVar("_Key", bound=Hashable)


def to_vacate(
    changes: Mapping[_Key, Mapping[str, Any]],
    has: Mapping[_Key, Mapping[str, Any]],
    codes: Collection[str],
) -> dict[_Key, list[str]]:
    """Names of the codes that a record has to give up first, since another one of the
    batch gets it. Only those that the record does not keep anyway.

    :param changes: what is about to be written of each record
    :param has: what each has
    """
    wanted: dict[tuple[str, Any], set[_Key]] = {}
    for key, change in changes.items():
        for code in codes:
            if change.get(code):
                wanted.setdefault((code, change[code]), set()).add(key)
    found = {
        key: [
            code
            for code in codes
            if code in change
            and wanted.get((code, has[key].get(code)), set()) - {key}
            and change[code] != has[key].get(code)
        ]
        for key, change in changes.items()
    }
    return {key: names for key, names in found.items() if names}
