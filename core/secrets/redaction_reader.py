"""Values in texts: where a word, a quoted text, a header, a bracket ends."""

import re

from . import redaction_shapes as shapes

MASK = "***"
# How many before a quote are looked at.
_BACKSLASHES = 16

Span = tuple[int, int]
_Match = re.Match[str]


class Reader:
    """A text, and where in it a value ends that begins at a place."""

    def __init__(self, text: str):
        self.text = text

    def word(self, start: int) -> Span:
        return self.until(shapes.WORD_END, start)

    def argument(self, start: int) -> Span:
        """A word of a command line: quoted, or up to the next blank."""
        opening = shapes.OPENING.match(self.text, start)
        return self.string(opening)[:2] if opening else self.word(start)

    def line(self, start: int) -> Span:
        # What is masked already is one word.
        masked = self.text.startswith(MASK, start)
        return self.until(shapes.WORD_END if masked else shapes.LINE_END, start)

    def until(self, pattern: re.Pattern[str], start: int) -> Span:
        mark = pattern.search(self.text, start)
        end = mark.start() if mark else len(self.text)
        # The full stop behind it is the sentence's.
        while end > start + 1 and self.text[end - 1] in shapes.TRAILING:
            end -= 1
        return start, end

    def header(self, start: int) -> Span:
        """The scheme, what follows it, and parameters: ``a=b; c="d"``."""
        text = self.text
        end = self.parameter(start)
        scheme = text[start:end].lower()
        space = shapes.SPACES.match(text, end)
        sentence = not scheme.isalpha() or (
            space and shapes.PROSE.match(text, space.end())
        )
        if space and (scheme in shapes.SCHEMES or not sentence):
            end = self.parameter(space.end())
        while more := shapes.MORE.match(text, end):
            end = self.parameter(more.end())
        return start, end

    def parameter(self, start: int) -> int:
        name = shapes.PARAMETER.match(self.text, start)
        opening = name and shapes.OPENING.match(self.text, name.end())
        return self.string(opening)[2] if opening else self.word(start)[1]

    def string(self, opening: _Match) -> tuple[int, int, int]:
        """Begin and end of what is quoted, and where it goes on behind the quote."""
        text, start = self.text, opening.end()
        slashes, sign = opening[1], opening[2]
        quote = slashes + shapes.CLOSING.get(sign, sign)
        if text.startswith(2 * quote, start):  # Python's three
            start += 2 * len(quote)
            if (end := self._three(quote, start)) is not None:
                return start, end, end + 3 * len(quote)
        position = start
        while (end := text.find(quote[-1], position)) >= 0:
            first = end
            while first > start and text[first - 1] == "\\":
                first -= 1
            position = end + 1
            if not _closes(end - first, len(slashes)):
                continue
            if first == start or not text.startswith(quote, position):
                return start, first if slashes else end, position
            position += len(quote)  # SQL's two
        return start, len(text), len(text)

    def _three(self, quote: str, start: int) -> int | None:
        """Where three quotes end what three began; None if SQL's two did."""
        while (end := self.text.find(3 * quote, start)) >= 0:
            first = end
            while self.text[first - 1] == "\\":
                first -= 1
            if _closes(end - first + len(quote) - 1, len(quote) - 1):
                return end
            start = end + 1
        return None

    def bracket(self, start: int) -> int:
        """Where the bracket that opens here is closed."""
        depth, position = 0, start
        while mark := shapes.BRACKETS.search(self.text, position):
            position = mark.end()
            if mark.group() in "\"'":
                position = self._behind_string(mark.start())
                continue
            depth += 1 if mark.group() in "[{(" else -1
            if depth == 0:
                return position
        return len(self.text)

    def _behind_string(self, quote: int) -> int:
        """Where it goes on behind what is quoted there; its backslashes count."""
        first = quote
        while self.text[first - 1] == "\\" and quote - first < _BACKSLASHES:
            first -= 1
        opening = shapes.OPENING.match(self.text, first)
        assert opening is not None
        return self.string(opening)[2]


def _closes(slashes: int, level: int) -> bool:
    """Whether a quote behind that many backslashes ends a text whose first quote had
    ``level`` of them: 0, or 1, 3, 7 for a text within a text."""
    while level:
        if slashes % 2 == 0:
            return True
        slashes, level = slashes // 2, level // 2
    return slashes % 2 == 0
