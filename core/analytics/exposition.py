"""Prometheus' text format, version 0.0.4."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..taxonomy import TextEnum

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "pharmacy_sync_"


class Kind(TextEnum):
    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True)
class Family:
    """Figures of one name.

    :param name: without the prefix; a counter's ends in ``_total``
    :param samples: pairs of labels and value; None as a value: there is no figure
    """

    name: str
    kind: Kind
    meaning: str
    samples: Iterable[tuple[Mapping[str, str | int], float | int | None]]


def render(families: Iterable[Family]) -> str:
    """All families as text."""
    return "".join(f"{line}\n" for family in families for line in _lines(family))


def _lines(family: Family) -> Iterable[str]:
    name = PREFIX + family.name
    yield f"# HELP {name} {_escape(family.meaning)}"
    yield f"# TYPE {name} {family.kind}"
    for labels, value in family.samples:
        if value is not None:
            yield f"{name}{_labels(labels)} {_number(value)}"


def _labels(labels: Mapping[str, str | int]) -> str:
    pairs = ",".join(
        f'{key}="{_quoted(str(value))}"' for key, value in sorted(labels.items())
    )
    return f"{{{pairs}}}" if pairs else ""


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escape(text).replace('"', '\\"')


def _number(value: float | int) -> str:
    if isinstance(value, bool) or float(value).is_integer():
        return str(int(value))
    if math.isnan(value):
        return "NaN"
    return repr(float(value))
