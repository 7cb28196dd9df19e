"""Pages of a list that lead back to where they have been.

Brent's way to find a circle: one place is kept, and compared with each that follows;
after 1, 2, 4, 8, ... places it is replaced by the present one. A circle is found after
at most three times the places that it has and that lead to it, whoever reads on.
"""

import hashlib
import re
from dataclasses import dataclass

from ..exceptions import SchemaMismatchError

_TEXT = re.compile(r"(\d{1,9})\.(\d{1,9})\.([0-9a-f]{16})")


class CircleError(SchemaMismatchError):
    """The pages of a list lead to one that was read."""


@dataclass(frozen=True)
class Course:
    """How a reader came to where it stands.

    :ivar mark: of the place that later ones are compared with; empty: there was none
    :ivar steps: how many places ago that was
    :ivar most: after how many it is replaced
    """

    mark: str = ""
    steps: int = 0
    most: int = 1

    def __str__(self) -> str:
        return f"{self.most}.{self.steps}.{self.mark}" if self.mark else ""

    @classmethod
    def parse(cls, text: str) -> "Course | None":
        """The course that a text says; None: it says none."""
        if not text:
            return cls()
        found = _TEXT.fullmatch(text)
        return found and cls(found[3], int(found[2]), int(found[1]))

    def kept(self, place: str) -> str:
        """The course to a place, as a text that is worth nothing at any other."""
        return f"{_mark_of(place)}/{self}"

    @classmethod
    def of_kept(cls, text: str, place: str) -> "Course":
        """The course that was kept at a place; of another one, or of none: it begins
        there."""
        mark, _, said = text.partition("/")
        found = cls.parse(said) if place and mark == _mark_of(place) else None
        return found or (BEGINNING.moved(place) if place else BEGINNING)

    def moved(self, place: str, field: str = "next_after") -> "Course":
        """The course once its reader goes to a place.

        :param field: of the page, which leads there
        :raises CircleError: it was there before
        """
        mark = _mark_of(place)
        if mark == self.mark:
            message = "The pages of the list lead in a circle."
            raise CircleError(message, field=field)
        if not self.mark:
            return Course(mark)
        if self.steps + 1 == self.most:
            return Course(mark, 0, 2 * self.most)
        return Course(self.mark, self.steps + 1, self.most)


def _mark_of(place: str) -> str:
    return hashlib.sha256(place.encode()).hexdigest()[:16]


BEGINNING = Course()
