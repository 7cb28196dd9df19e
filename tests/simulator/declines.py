"""Sides that do not take all that the other one sends: an override that returns a
pop-up, an addon that swallows a value, an app that keeps its own."""

from zlib import crc32

from .odoo_records import DETAIL

FIELDS = ("notes", "date", "state", "quantity", "price")


def everything(side, before, changes):
    """What a side takes that declines nothing."""
    return changes


def some(side, before, changes):
    """What a side takes of changes to a record, the same each time it is asked.

    :param before: the record as it was; empty: it is new
    """
    taken = _fields(side, before, changes)
    if "lines" in changes:
        taken["lines"] = list(_lines(side, before.get("lines", ()), changes["lines"]))
    return taken


def _fields(side, before, changes):
    taken = {}
    for name, value in changes.items():
        declined = name in FIELDS and value != before.get(name)
        if not declined or _takes(side, value):
            taken[name] = value
        elif name in before:
            taken[name] = before[name]
        elif side == "pharmacy" or name == "state":  # nothing comes without one
            taken[name] = value
    return taken


def _lines(side, before, wanted):
    old = {line["key"]: line for line in before}
    new = {line["key"]: line for line in wanted}
    for key, line in new.items():
        if key in old or _takes(side, f"add {key}"):
            yield _fields(side, old.get(key, {}), line)
    for key, line in old.items():
        if key not in new and not _takes(side, f"remove {key}"):
            yield line


def _takes(side, value):
    shown = str(value).partition(DETAIL)[0]
    return crc32(f"{side} {shown}".encode()) % 4 > 0
