"""What a step of the recovery found and did, and what is said of a run."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..taxonomy import TextEnum


class Outcome(TextEnum):
    """How a step ended, the worse the later."""

    CLEAN = "clean"  # there was nothing to do
    MENDED = "mended"  # all that it found
    LEFT = "left"  # some of what it found is as it was
    FAILED = "failed"  # the step itself did


@dataclass(frozen=True)
class Found:
    """What a step of the recovery found, and how much of it is in order since.

    :param backend_id: of which backend it speaks; None: of all, or of none
    :param note: what a number does not say, for people
    """

    found: int = 0
    mended: int = 0
    note: str = ""
    backend_id: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.mended <= self.found:
            raise ValueError(f"{self.mended} of {self.found} cannot be mended")

    @property
    def outcome(self) -> Outcome:
        if not self.found:
            return Outcome.CLEAN
        return Outcome.MENDED if self.mended == self.found else Outcome.LEFT


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """How a run ended whose steps ended like this."""
    ranks = list(Outcome)
    return max((Outcome(o) for o in outcomes), key=ranks.index, default=Outcome.CLEAN)
