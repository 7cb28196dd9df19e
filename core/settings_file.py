"""A file of settings, compared with what is set now.

Settings are sections within sections, ``{"streams": {"product": {"batch_size": 50}}}``;
a path is the tuple of names that leads to one.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str, ...]


def unknown(now: Mapping[str, Any], given: Any, path: Path = ()) -> Iterator[Path]:
    """What the file names that is not there, or is a section, or a list, on one side
    only."""
    if not isinstance(given, dict):
        yield path
        return
    for name, value in given.items():
        here = (*path, name)
        if name not in now:
            yield here
        elif isinstance(now[name], Mapping):
            yield from unknown(now[name], value, here)
        elif isinstance(value, dict) or isinstance(value, list) != isinstance(
            now[name], list
        ):
            yield here


def differing(
    now: Mapping[str, Any], given: Mapping[str, Any], path: Path = ()
) -> Iterator[tuple[Path, Any, Any]]:
    """The settings that the file changes; what it does not name stays.

    :return: path, value now, value of the file
    """
    for name, value in given.items():
        here = (*path, name)
        if isinstance(now[name], Mapping):
            yield from differing(now[name], value, here)
        elif value != now[name] or isinstance(value, bool) != isinstance(
            now[name], bool
        ):
            yield here, now[name], value
