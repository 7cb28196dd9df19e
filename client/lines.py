"""Lines that an app has at an address of their own: a change of one is a call of its
own."""

from contextlib import contextmanager

from ..core.conflict.merge import KEYED
from ..core.exceptions import HttpError
from ..core.keys.line_keys import line_moves
from .exchange import segment

(LINES,) = KEYED
NOT_THERE = (404, 410)
STALE, REFUSED = 412, 422


def lines_apart(names, item):
    """The lines that a change brings in calls of their own; None: it has none such.

    :param item: as for :meth:`.pharmacy.PharmacyClient.batch`
    """
    if item["method"] != "update" or not names.lines_place:
        return None
    return item["data"].get(LINES)


def change_lines(client, collection, external_id, lines, correlation_id):
    """Bring the lines of a record at the app to what they should be. A line that the
    app has not given its key yet is new there.

    :param lines: all of them, in the contract's names
    :return: None: what became of the record has to be read
    :raises HttpError: a line is refused; with status 412 if the app has it no more.
        Those before it are changed, and are read like a change of the pharmacy's.
    """
    names = client.names(collection)
    record = client.get(collection, external_id, correlation_id)
    had, wanted = _by_key(names, record.get(LINES) or ()), _by_key(names, lines)
    moves = line_moves(had, wanted)
    place = f"/{names.lines_place}"

    def call(method, path, **content):
        return client._call(method, path, correlation_id=correlation_id, **content)

    for key, values in moves.changed.items():
        with _blaming(STALE, "The app has a line no more."):
            call(names.change, f"{place}/{segment(key)}", json=values)
    for line in moves.added:
        with _blaming(REFUSED, "The app takes no more lines of the record."):
            call("POST", place, json=names.with_owner(dict(line), external_id))
    for key in moves.removed:
        try:
            call("DELETE", f"{place}/{segment(key)}")
        except HttpError as exc:
            if exc.status not in NOT_THERE:
                raise


@contextmanager
def _blaming(status, message):
    """What is not there is a line, and not the record, which was just read."""
    try:
        yield
    except HttpError as exc:
        if exc.status not in NOT_THERE:
            raise
        raise HttpError(status, None, message) from exc


def _by_key(names, lines):
    """Lines in the app's names, without their keys."""
    return {
        line["key"]: names.line_to_app({n: v for n, v in line.items() if n != "key"})
        for line in lines
    }
