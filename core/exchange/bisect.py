"""Sending a batch so that one poisoned record does not hold up its neighbours.

A batch that is refused as a whole is split in two, and so on: of n records, one that
is poisoned costs at most 2 * ceil(log2 n) + 1 calls. Parts are sent breadth first:
between two failures that one record causes there is a success, so that a single bad
record never looks like an outage. An app that refuses part after part for want of time
is left alone.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from ..error.classification import classify
from ..exceptions import NOT_MADE, SchemaMismatchError, SyncError
from ..refusal import MAY_BE_BUSY, is_about_key
from ..taxonomy import Category, Delivery, ErrorType, Key, TextEnum


class Fate(TextEnum):
    """What became of one item."""

    ANSWERED = "answered"  # it has a result
    FAILED = "failed"  # refused, and applied nowhere
    UNKNOWN = "unknown"  # the answer was lost: look it up before sending it again
    NOT_SENT = "not_sent"  # it never left, or an earlier failure stopped the batch


_FATES = {
    Delivery.ANSWERED: Fate.FAILED,
    Delivery.UNKNOWN: Fate.UNKNOWN,
    Delivery.NOT_SENT: Fate.NOT_SENT,
}
# Refusals in a row, for want of time, after which it is not the records: one of them
# brings three at the most.
BUSY_IN_A_ROW = 4


class HeldUpError(SyncError):
    """The call was not made because of what became of the one before it."""

    error_type = ErrorType.SERVICE_UNAVAILABLE
    overrides: ClassVar = {
        "delivery": Delivery.NOT_SENT,
        "counts_for_breaker": False,
    }


@dataclass(frozen=True)
class ItemResult:
    """``result`` is what ``send`` returned for the item; ``error`` what it raised."""

    item: Any
    fate: Fate
    result: Any = None
    error: Exception | None = None


def run_bisecting(
    items: Sequence[Any],
    send: Callable[[list[Any]], Sequence[Any]],
    *,
    splits: Callable[[Exception], bool] | None = None,
    largest: int | None = None,
) -> list[ItemResult]:
    """Send the items, and return one result for each, in their order.

    :param send: sends a list and returns one result per item, in order; or raises. If
        the app answered the list with an error, it applied none of it.
    :param splits: whether the app's refusal may be the doing of one record; by default
        :func:`may_be_one_record`. Only what the app refused is sent again: after any
        other error of ``send`` it is unknown how far it got, and the error has an
        attribute ``sent`` that is true.
    :param largest: how many items are sent at once at the most; None: all.
    """
    steps = bisecting(items, splits=splits, largest=largest)
    try:
        part = next(steps)
        while True:
            try:
                answers = send(part)
            except Exception as error:  # noqa: BLE001 - the class says what became of it
                part = steps.throw(error)
            else:
                part = steps.send(answers)
    except StopIteration as end:
        results: list[ItemResult] = end.value
        return results


def bisecting(
    items: Sequence[Any],
    *,
    splits: Callable[[Exception], bool] | None = None,
    largest: int | None = None,
) -> Generator[list[Any], Iterable[Any], list[ItemResult]]:
    """What :func:`run_bisecting` does, without the sending: it yields one list after
    the other to be sent, and is sent its results, or thrown what was raised."""
    splits = splits or may_be_one_record
    results: dict[int, ItemResult] = {}
    every, size = range(len(items)), largest or max(1, len(items))
    parts = deque(every[start : start + size] for start in every[::size])
    busy = 0
    while parts:
        part = parts.popleft()
        chunk = [items[index] for index in part]
        try:
            answers = _one_each(chunk, (yield chunk))
        except Exception as error:  # noqa: BLE001 - the class says what became of it
            failure = classify(error, sent=True)
            delivery = failure.delivery
            if delivery is Delivery.UNKNOWN:
                # Not every error knows it: that of a database does not.
                error.sent = True  # type: ignore[attr-defined]
            busy = busy + 1 if failure.type in MAY_BE_BUSY else 0
            splitting = delivery is Delivery.ANSWERED and splits(error)
            splitting = splitting and busy < BUSY_IN_A_ROW
            if splitting and len(part) > 1:
                middle = len(part) // 2
                parts += (part[:middle], part[middle:])
                continue
            _fill(results, items, part, _FATES[delivery], error)
            if not splitting:
                # It is not the records: the next part would only fare the same.
                for rest in parts:
                    _fill(results, items, rest, Fate.NOT_SENT, _held_up(error))
                break
        else:
            busy = 0
            for index, answer in zip(part, answers, strict=True):
                results[index] = ItemResult(items[index], Fate.ANSWERED, answer)
    return [results[index] for index in range(len(items))]


def may_be_one_record(error: Exception) -> bool:
    """Whether one record of the batch may have caused the failure of all: the app
    refused the content, though it accepts the key, or fell over it.
    """
    of_key = getattr(error, "of_key", None)
    if of_key is not None:
        return of_key is Key.GOOD
    failure = classify(error, sent=True)
    return (
        getattr(error, "of_one", False)
        or failure.category in (Category.BUSINESS, Category.DATA_CORRUPTION)
        or failure.type is ErrorType.TEMPORARY_SERVER_ERROR
    )


@contextmanager
def own_failure(failures: dict[Any, Exception], key: Any) -> Iterator[None]:
    """What is asked of the app for one record among others: a failure that may be of
    that record alone is kept in ``failures`` under ``key``; any other is raised."""
    try:
        yield
    except Exception as error:
        # Any refusal that may be of this record alone; others of the batch go on.
        if not may_be_one_record(error):
            raise
        failures[key] = error


def _held_up(error: Exception) -> Exception:
    """Why what came after a failure was not sent: that is no failure of its own."""
    if isinstance(error, NOT_MADE) or is_about_key(error):
        return error
    after = classify(error, sent=True).retry_after
    held_up = HeldUpError("An earlier call failed.", retry_after=after)
    held_up.__cause__ = error
    return held_up


def _one_each(chunk: Sequence[Any], answers: Iterable[Any]) -> list[Any]:
    answers = list(answers)
    if len(answers) != len(chunk):
        raise _MiscountError(
            f"{len(chunk)} items were sent and {len(answers)} results came back."
        )
    return answers


class _MiscountError(SchemaMismatchError):
    """The items were applied, but it is unknown which result belongs to which."""

    overrides: ClassVar = {"delivery": Delivery.UNKNOWN}


def _fill(
    results: dict[int, ItemResult],
    items: Sequence[Any],
    part: Iterable[int],
    fate: Fate,
    error: Exception,
) -> None:
    for index in part:
        results[index] = ItemResult(items[index], fate, error=error)
