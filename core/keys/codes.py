"""Codes by which both sides know a record, such as the name of a unit.

A name is no key. It means a record only if no other could be meant: neither one that is
archived, nor one that somebody called so in another language, nor one whose name
differs in blanks and capitals only. Whoever says *Box* means one of two boxes, and
which one makes a difference of 30 or 300 pieces.
"""

from collections.abc import Collection, Mapping


class Codes:
    """Which code stands for which of the records of one kind.

    :param codes: by id the code that travels
    :param names: by id what else people call the record: its names in other languages
    """

    def __init__(
        self,
        codes: Mapping[int, str],
        names: Mapping[int, Collection[str]] | None = None,
    ):
        self._codes = codes
        self._is_plain: dict[int, bool] = {}
        self._exact: dict[str, set[int]] = {}
        self._alike: dict[str, set[int]] = {}
        self._found: dict[str, list[int]] = {}
        for record, code in codes.items():
            self._exact.setdefault(code, set()).add(record)
            for name in (code, *(names or {}).get(record, ())):
                self._alike.setdefault(_plain(name), set()).add(record)

    def find(self, code: str) -> list[int]:
        """The records that ``code`` may stand for; none if no record has just this
        code, and one if it is plain which is meant."""
        if code not in self._exact:
            return []
        if code not in self._found:  # nearly all lines have one of a few units
            self._found[code] = self.similar(code)
        return self._found[code]

    def similar(self, code: str) -> list[int]:
        """The records that go by such a name, whatever its blanks and capitals."""
        return sorted(self._alike.get(_plain(code), ()))

    def code(self, record: int) -> str | None:
        """The record's code; None if it is not among these."""
        return self._codes.get(record)

    def is_plain(self, record: int) -> bool:
        """Whether the record's code stands for no other."""
        if record not in self._is_plain:
            code = self._codes.get(record, "")
            self._is_plain[record] = self.find(code) == [record]
        return self._is_plain[record]


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
