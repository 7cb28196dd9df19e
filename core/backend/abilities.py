"""What an app can do beyond reading and writing records one by one, and what is done
in its place where it cannot.

Names are those of ``GET /capabilities``.
"""

from collections.abc import Mapping
from typing import Any

from ..taxonomy import TextEnum


class Ability(TextEnum):
    """BATCH: it takes many records in one call. IF_MATCH: it refuses a change of a
    version that the record has no more. CHANGE_FEED: it lists what has changed since a
    cursor. UPDATED_SINCE: it lists what has changed since a time. LIST: it lists all;
    ``GET /capabilities`` does not name it, as the contract has every app do so."""

    BATCH = "batch"
    IF_MATCH = "if_match"
    CHANGE_FEED = "change_feed"
    UPDATED_SINCE = "updated_since"
    LIST = "list"


def has(found: Mapping[str, bool] | None, ability: Ability) -> bool:
    """Whether an app has an ability; what was never found out it is believed to have,
    for that is the contract.

    :param found: what was found out, by the ability's name
    """
    return bool((found or {}).get(ability, True))


def declared(names: list[Any]) -> dict[str, bool]:
    """The abilities an app declares, as they are kept.

    :param names: what ``GET /capabilities`` answers
    """
    return {str(a): a in names for a in Ability if a is not Ability.LIST}


def reads_whole(found: Mapping[str, bool] | None) -> bool:
    """Whether the only way to learn of an app's changes is to read its whole list."""
    feeds = (Ability.CHANGE_FEED, Ability.UPDATED_SINCE)
    return has(found, Ability.LIST) and not any(has(found, feed) for feed in feeds)


def leaps(request: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    """Whether a change made more than one version of the one that it was based on:
    then another change came between, and was not seen, or the app counts by more.

    :param request: with ``if_match``, the version that it was based on, if any
    :param answer: with ``status`` and ``version``
    """
    based_on, version = request.get("if_match"), answer.get("version")
    if answer.get("status", 0) >= 300 or type(based_on) is not int:
        return False
    return type(version) is int and version > based_on + 1
