"""Secrets in texts: what stands behind a secret name, and what is known by its look.

The time is linear in the length of the text, whatever it is: the patterns see to it
themselves, and what they find is walked over from left to right, never back.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from string import ascii_uppercase

from . import redaction_shapes as shapes
from .secret_names import LONGEST_NAME, ONE_WORD, beginnings, secret_name

MASK = "***"

_Match = re.Match[str]
_Span = tuple[int, int]
_SMALL = {ord(letter): letter.lower() for letter in ascii_uppercase}


def mask_text(text: str, names: frozenset[str]) -> str:
    """The text with its secrets masked."""
    text = _mask_keys(text)
    # To look for a word is much faster than to look for a pattern.
    if "@" in text or "%40" in text:
        text = shapes.RUN.sub(_mask_users, text)
    lowered = text.lower()
    if any(word in lowered for word in shapes.SECRET_HOST_WORDS):
        text = shapes.SECRET_HOSTS.sub(rf"\1/{MASK}", text)
    if any(word in text for word in shapes.SECRET_PATH_WORDS):
        text = shapes.SECRET_PATHS.sub(rf"\1{MASK}", text)
    if any(word in text for word in shapes.TOKEN_WORDS):
        text = shapes.TOKENS.sub(MASK, text)
    return _Walk(text, names).masked()


def _mask_keys(text: str) -> str:
    pieces: list[str] = []
    position = 0
    while begin := shapes.PEM.search(text, position):
        end = shapes.PEM_END.search(text, begin.end())
        pieces += text[position : begin.start()], MASK
        position = end.end() if end else len(text)
    return "".join((*pieces, text[position:]))


def _mask_users(run: re.Match[str]) -> str:
    """The user of the first address in a run whose host holds an @ or a colon, up to
    the last @: anything may be in a password. A mail address in the path of another
    address is no user."""
    text = run.group()
    at = max(text.rfind("@"), text.rfind("%40"))
    for scheme in shapes.SCHEME_END.finditer(text, 0, max(at, 0)):
        host_end = shapes.HOST_END.search(text, scheme.end())
        host = text[scheme.end() : host_end.start() if host_end else len(text)].upper()
        if any(mark in host for mark in ("@", ":", "%40", "%3A")):
            return f"{text[: scheme.end()]}{MASK}{text[at:]}"
    return text


class _Walk:
    """From name to name through a text; ``pieces`` is what is behind."""

    def __init__(self, text: str, names: frozenset[str]):
        self.text = text
        self.beginnings = beginnings(names)
        self.secret: Callable[[str], str | None] = partial(secret_name, names=names)
        self.closing: dict[str, list[int]] | None = None

    def masked(self) -> str:
        text = self.text
        pieces: list[str] = []
        done = position = 0
        for hit in self.beginnings.finditer(_lower(text)):
            if hit.start() < position:
                continue
            name = self._name_around(hit.start(), position)
            position = name.end()
            if found := self._secret_behind(name):
                start, end = found
                pieces += text[done:start], MASK
                done = position = end
        return "".join((*pieces, text[done:]))

    def _name_around(self, place: int, least: int) -> _Match:
        """The name that goes on at a place, from its first letter."""
        start, least = place, max(least, place - LONGEST_NAME)
        while start > least and shapes.NAME.match(self.text, start - 1, start):
            start -= 1
        name = shapes.NAME.match(self.text, start)
        assert name is not None
        return name

    def _secret_behind(self, name: _Match) -> _Span | None:
        """Where the secret stands that this name announces, or None."""
        escape = shapes.ESCAPE.match(self.text, name.start())
        word = self.text[escape.end() if escape else name.start() : name.end()]
        word = word[-LONGEST_NAME:]
        if word.lower() in ("bearer", "basic") and (
            found := self._credentials(name.end())
        ):
            return found
        if word.lower() in ("value", "val"):
            return self._named_later(name.end())
        known = self.secret(word)
        if known is None and (more := shapes.SECOND_WORD.match(self.text, name.end())):
            # "api key", in two words.
            name, known = more, self.secret(word + more.group())
        if known is None:
            return None
        if link := shapes.LINK.match(self.text, name.end()):
            return self._assigned(link, known)
        for look in (self._paired, self._valued, self._tagged, self._option):
            if (found := look(name, known)) and found[0] < found[1]:
                return found
        return None

    def _assigned(self, link: _Match, known: str) -> _Span | None:
        """``name=value``, ``name: value``, ``"name": "value"``."""
        start = link.end()
        if on_next_line := shapes.NEXT_LINE.match(self.text, start):
            start = on_next_line.end()
        # "token: expected" is a sentence, "token=expected" none.
        sentence = link.group()[-1].isspace() and ":" in link.group()
        found = self._value(start, known, sentence)
        return found if found and found[0] < found[1] else None

    def _paired(self, name: _Match, known: str) -> _Span | None:
        """``("name", "value")``."""
        text = self.text
        link = shapes.PAIR.match(text, name.end())
        before = text[max(0, name.start() - 24) : name.start()]
        opening = link and shapes.OPENING.match(text, link.end())
        if not opening or not shapes.PAIR_BEFORE.search(before):
            return None
        start, end, after = self._string(opening)
        return (start, end) if shapes.PAIR_AFTER.match(text, after) else None

    def _valued(self, name: _Match, known: str) -> _Span | None:
        """``"name": "password", "value": "X"``, in either order of XML and JSON."""
        link = shapes.VALUE_BEHIND.match(self.text, name.end())
        return link and self._value(link.end(), known, False)

    def _named_later(self, position: int) -> _Span | None:
        """``"value": "X", "name": "password"``."""
        link = shapes.LINK.match(self.text, position)
        opening = link and shapes.OPENING.match(self.text, link.end())
        if not opening:
            return None
        start, end, _ = self._string(opening)
        later = shapes.NAME_BEHIND.match(self.text, end)
        return (start, end) if later and self.secret(later["name"]) else None

    def _tagged(self, name: _Match, known: str) -> _Span | None:
        """``<name>value</name>``."""
        text = self.text
        before = shapes.TAG_BEFORE.search(
            text[max(0, name.start() - 48) : name.start()]
        )
        tag = before and shapes.TAG_AFTER.match(text, name.end())
        if not before or not tag:
            return None
        if self.closing is None:
            self.closing = defaultdict(list)
            for closing in shapes.TAG_END.finditer(text):
                self.closing[closing["name"]].append(closing.start())
        ends = self.closing.get(before["prefix"] + name.group(), [])
        index = bisect_left(ends, tag.end())
        if index < len(ends):
            return tag.end(), ends[index]
        end = text.find("<", tag.end())
        return tag.end(), len(text) if end < 0 else end

    def _option(self, name: _Match, known: str) -> _Span | None:
        """``--name value``, ``PASSWORD 'value'``."""
        quoted = shapes.QUOTE_BEHIND.match(self.text, name.end())
        if quoted and known not in ONE_WORD:
            return self._value(quoted.end(), known, False)
        if not name.group().startswith("--"):
            return None
        space = shapes.OPTION.match(self.text, name.end())
        return space and self._value(space.end(), "token", False)

    def _credentials(self, position: int) -> _Span | None:
        """``Bearer value``; "basic information" is a sentence."""
        space = shapes.SPACES.match(self.text, position)
        if not space:
            return None
        start, end = self._word(space.end())
        return (start, end) if shapes.OPAQUE.search(self.text, start, end) else None

    def _value(self, start: int, known: str, sentence: bool) -> _Span | None:
        """From where to where the value goes that begins here; None if it is empty or
        a word of a sentence."""
        text = self.text
        if text.startswith(("{", "[", "("), start):
            end = self._bracket(start)
            # "()x" is no pair of brackets, but a password of a user.
            further = self._word(end)[1]
            return start, further if _is_said(text[end:further]) else end
        if skipped := shapes.SKIPPED.match(text, start):
            start = skipped.end()
        if opening := shapes.OPENING.match(text, start):
            begin, end, _ = self._string(opening)
            return (begin, end) if _is_said(text[begin:end]) else None
        if shapes.EMPTY.match(text, start):
            return None
        if known in ONE_WORD:
            if sentence and self._is_prose(start):
                return None
            if known == "cookie" and sentence:
                return self._until(shapes.COOKIES_END, start)
        elif sentence:
            return self._line(start)
        header = known == "authorization" or self._is_scheme(start)
        return self._header(start) if header else self._word(start)

    def _is_prose(self, start: int) -> bool:
        if shapes.SAID_OF_IT.match(self.text, start):
            return True
        word = shapes.PROSE.match(self.text, start)
        return word is not None and word.group() not in shapes.SCHEMES

    def _is_scheme(self, start: int) -> bool:
        """Whether a scheme begins there, and the secret behind it."""
        word = shapes.BEFORE_ANOTHER.match(self.text, start)
        return word is not None and word.group().lower() in shapes.SCHEMES

    def _word(self, start: int) -> _Span:
        return self._until(shapes.WORD_END, start)

    def _line(self, start: int) -> _Span:
        # What is masked already is one word.
        masked = self.text.startswith(MASK, start)
        return self._until(shapes.WORD_END if masked else shapes.LINE_END, start)

    def _until(self, pattern: re.Pattern[str], start: int) -> _Span:
        mark = pattern.search(self.text, start)
        end = mark.start() if mark else len(self.text)
        # The full stop behind it is the sentence's.
        while end > start + 1 and self.text[end - 1] in shapes.TRAILING:
            end -= 1
        return start, end

    def _header(self, start: int) -> _Span:
        """The scheme, what follows it, and parameters: ``a=b; c="d"``."""
        text = self.text
        end = self._parameter(start)
        scheme = text[start:end].lower()
        space = shapes.SPACES.match(text, end)
        sentence = not scheme.isalpha() or (
            space and shapes.PROSE.match(text, space.end())
        )
        if space and (scheme in shapes.SCHEMES or not sentence):
            end = self._parameter(space.end())
        while more := shapes.MORE.match(text, end):
            end = self._parameter(more.end())
        return start, end

    def _parameter(self, start: int) -> int:
        name = shapes.PARAMETER.match(self.text, start)
        opening = name and shapes.OPENING.match(self.text, name.end())
        return self._string(opening)[2] if opening else self._word(start)[1]

    def _string(self, opening: _Match) -> tuple[int, int, int]:
        """Begin and end of what is quoted, and where it goes on behind the quote."""
        text, start = self.text, opening.end()
        slashes, sign = opening[1], opening[2]
        quote = slashes + shapes.CLOSING.get(sign, sign)
        if text.startswith(2 * quote, start):  # Python's three
            start += 2 * len(quote)
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

    def _bracket(self, start: int) -> int:
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
        while self.text[first - 1] == "\\" and quote - first < 16:
            first -= 1
        opening = shapes.OPENING.match(self.text, first)
        return self._string(opening)[2] if opening else quote + 1


def _lower(text: str) -> str:
    """The text in small letters, each in its place."""
    lowered = text.lower()
    # Some letters become two.
    return lowered if len(lowered) == len(text) else text.translate(_SMALL)


def _is_said(text: str) -> bool:
    """Whether there is anything in it but signs."""
    return any(map(str.isalnum, text))


def _closes(slashes: int, level: int) -> bool:
    """Whether a quote behind that many backslashes ends a text whose first quote had
    ``level`` of them: 0, or 1, 3, 7 for a text within a text."""
    while level:
        if slashes % 2 == 0:
            return True
        slashes, level = slashes // 2, level // 2
    return slashes % 2 == 0
