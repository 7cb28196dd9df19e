"""Secrets in texts: what stands behind a secret name, and what is known by its look.

The time is linear in the length of the text, whatever it is: the patterns see to it
themselves, and what they find is walked over from left to right, never back.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from string import ascii_uppercase

from . import redaction_shapes as shapes
from .command_lines import FURTHEST, mask_arguments
from .redaction_reader import MASK, Reader, Span
from .secret_addresses import mask_addresses
from .secret_names import LONGEST_NAME, ONE_WORD, beginnings, secret_name

_Match = re.Match[str]
_SMALL = {ord(letter): letter.lower() for letter in ascii_uppercase}
# How many characters in front of a name are looked at: what opens a pair, the indent of
# its line, a tag's prefix, the command of an option, a claim such as "X is no valid".
_OPENS = 24
_INDENT = 200
_PREFIX = 48
_COMMAND = 160
_CLAIM = 200
_CLAIM_WORD = 12


def mask_text(text: str, names: frozenset[str]) -> str:
    """The text with its secrets masked."""
    text = mask_addresses(_mask_keys(text))
    # To look for a word is much faster than to look for a pattern.
    if any(word in text for word in shapes.TOKEN_WORDS):
        text = shapes.TOKENS.sub(MASK, text)
    long_run = shapes.LONG_RUN.search(text)
    if long_run and any(word in text for word in shapes.LONG_TOKEN_WORDS):
        text = shapes.LONG_TOKENS.sub(MASK, text)
    if any(word in text for word in shapes.HASH_WORDS):
        text = shapes.HASHES.sub(MASK, text)
    return _Walk(mask_arguments(text), names).masked()


def _mask_keys(text: str) -> str:
    pieces: list[str] = []
    position = 0
    while begin := shapes.PEM.search(text, position):
        end = shapes.PEM_END.search(text, begin.end())
        pieces += text[position : begin.start()], MASK
        position = end.end() if end else len(text)
    return "".join((*pieces, text[position:]))


class _Walk(Reader):
    """From name to name through a text; ``pieces`` is what is behind."""

    def __init__(self, text: str, names: frozenset[str]):
        super().__init__(text)
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
            for start, end in self._secrets_of(name, done):
                pieces += text[done:start], MASK
                done, position = end, max(end, position)
        return "".join((*pieces, text[done:]))

    def _name_around(self, place: int, least: int) -> _Match:
        """The name that goes on at a place, from its first letter."""
        start, least = place, max(least, place - LONGEST_NAME)
        while start > least and shapes.NAME.match(self.text, start - 1, start):
            start -= 1
        name = shapes.NAME.match(self.text, start)
        assert name is not None
        return name

    def _secrets_of(self, name: _Match, done: int) -> Iterator[Span]:
        """Where the secrets stand that are said in front of this name, and that it
        announces; what is in front of ``done`` was looked at."""
        escape = shapes.ESCAPE.match(self.text, name.start())
        word = self.text[escape.end() if escape else name.start() : name.end()]
        word = word[-LONGEST_NAME:]
        if word.lower() in ("bearer", "basic") and (
            found := self._credentials(name.end())
        ):
            yield found
            return
        if word.lower() in ("value", "val"):
            found = self._named_later(name.end()) or self._of_header(name)
            yield from filter(None, [found])
            return
        last, known = name, self.secret(word)
        if known is None and (more := shapes.SECOND_WORD.match(self.text, name.end())):
            # "api key", in two words.
            last, known = more, self.secret(word + more.group())
        if known is None:
            return
        if before := self._said_before(name, done):
            yield before
        if behind := self._behind(name, last, known):
            yield behind

    def _behind(self, first: _Match, name: _Match, known: str) -> Span | None:
        """Where the secret stands behind a name.

        :param first: the first word of the name, which is all of it but for a name of
            two
        """
        if link := shapes.LINK.match(self.text, name.end()):
            return self._assigned(first, link, known)
        looks = (
            *(self._paired, self._valued, self._tagged, self._named_tag),
            *(self._form_part, self._option, self._said),
        )
        for look in looks:
            if (found := look(name, known)) and found[0] < found[1]:
                return found
        return None

    def _assigned(self, name: _Match, link: _Match, known: str) -> Span | None:
        """``name=value``, ``name: value``, ``"name": "value"``."""
        start = link.end()
        if on_next_line := shapes.NEXT_LINE.match(self.text, start):
            start = on_next_line.end()
        elif below := shapes.BELOW.match(self.text, start):
            return self._below(name, link, below, known)
        # "token: expected" is a sentence, "token=expected" none.
        _, colon, behind = link.group().rpartition(":")
        sentence = bool(colon) and any(map(str.isspace, behind))
        # "Server=h;Pwd=two words;Database=d"
        field = not colon and self.text[name.start() - 1 : name.start()] == ";"
        if field and (several := shapes.FIELD.match(self.text, start)):
            return several.span()
        found = self._value(start, known, sentence)
        if not found or found[0] == found[1]:
            return None
        # A sign behind a colon is the sentence's.
        sign = known in ONE_WORD and not _is_said(self.text[found[0] : found[1]])
        return None if sign else found

    def _paired(self, name: _Match, known: str) -> Span | None:
        """``("name", "value")``."""
        text = self.text
        link = shapes.PAIR.match(text, name.end())
        before = text[max(0, name.start() - _OPENS) : name.start()]
        opening = link and shapes.OPENING.match(text, link.end())
        if not opening or not shapes.PAIR_BEFORE.search(before):
            return None
        start, end, after = self.string(opening)
        return (start, end) if shapes.PAIR_AFTER.match(text, after) else None

    def _below(
        self, name: _Match, link: _Match, below: _Match, known: str
    ) -> Span | None:
        """``name:`` and the value on the next line, or on all that stand further in."""
        text, start = self.text, below.end()
        before = text[max(0, name.start() - _INDENT) : name.start()]
        begin = shapes.LINE_BEGIN.search(before)
        indent = len(begin["indent"]) if begin else 0
        listed = text.startswith("- ", start) and len(below["indent"]) == indent
        if len(below["indent"]) > indent or listed:
            said = not below["several"] and known in ONE_WORD and self._is_prose(start)
            end = self._block(start, indent, listed, below["breaks"][0] == "\\")
            return (start, end) if not said and _is_said(text[start:end]) else None
        alone = shapes.ALONE.match(text, start)
        if not alone or "=" in link.group() or not _is_said(alone.group()):
            return None
        one_break = shapes.BREAK.fullmatch(below["breaks"])
        secret = known not in ONE_WORD or shapes.OPAQUE.search(alone.group())
        return alone.span() if one_break and secret else None

    def _block(self, start: int, indent: int, listed: bool, escaped: bool) -> int:
        """Where the lines end that stand further in than ``indent``.

        :param listed: or that are items of a list
        :param escaped: the lines are within a quoted text
        """
        text, end = self.text, start
        if escaped:
            return self.until(shapes.COOKIES_END, start)[1]
        while mark := shapes.BREAK.search(text, end):
            following = shapes.INDENT.match(text, mark.end())
            assert following is not None
            further = len(following.group()) > indent
            item = listed and text.startswith("-", following.end())
            if not further and not item and _is_line(text, following.end()):
                return mark.start()
            end = following.end()
        return len(text)

    def _valued(self, name: _Match, known: str) -> Span | None:
        """``"name": "password", "value": "X"``, in either order of XML and JSON; YAML's
        lines."""
        if below := shapes.VALUE_BELOW.match(self.text, name.end()):
            opening = shapes.OPENING.match(self.text, below.end())
            if opening:
                return self.string(opening)[:2]
            return self.until(shapes.COOKIES_END, below.end())
        before = self.text[max(0, name.start() - _OPENS) : name.start()]
        if shapes.NAMED_BEFORE.search(before):
            link = shapes.VALUE_NEXT.match(self.text, name.end())
        else:
            link = shapes.VALUE_BEHIND.match(self.text, name.end())
        return link and self._value(link.end(), known, False)

    def _named_later(self, position: int) -> Span | None:
        """``"value": "X", "name": "password"``; YAML's lines."""
        link = shapes.LINK.match(self.text, position)
        if not link:
            return None
        if opening := shapes.OPENING.match(self.text, link.end()):
            start, end, behind = self.string(opening)
        else:
            start = link.end()
            mark = shapes.BREAK.search(self.text, start, start + FURTHEST)
            end = behind = mark.start() if mark else start
        later = (
            opening and shapes.NAME_BEHIND.match(self.text, end)
        ) or shapes.NAME_BELOW.match(self.text, behind)
        return (start, end) if later and self.secret(later["name"]) else None

    def _of_header(self, name: _Match) -> Span | None:
        """``Invalid header value b'X'``: nothing says of which header."""
        before = self.text[max(0, name.start() - _OPENS) : name.start()]
        said = shapes.OF_HEADER.search(before)
        about = said and shapes.SAID_OF_HEADER.match(self.text, name.end())
        opening = about and shapes.OPENING.match(self.text, about.end())
        return self.string(opening)[:2] if opening else None

    def _form_part(self, name: _Match, known: str) -> Span | None:
        """What follows the headers of a part of a form."""
        before = self.text[max(0, name.start() - _OPENS) : name.start()]
        named = shapes.FORM_PART_BEFORE.search(before)
        part = named and shapes.FORM_PART.match(self.text, name.end())
        return self.until(shapes.BREAK, part.end()) if part else None

    def _named_tag(self, name: _Match, known: str) -> Span | None:
        """``<param name="password">X</param>``, ``<name>password</name><value>X``."""
        before = self.text[max(0, name.start() - _COMMAND) : name.start()]
        tag = None
        if shapes.NAMED_TAG.search(before):
            tag = shapes.NAMED_TAG_AFTER.match(self.text, name.end())
        elif before[-1:] == ">":
            tag = shapes.VALUE_TAG.match(self.text, name.end())
        content = tag and shapes.TAG_CONTENT.match(self.text, tag.end())
        return content.span() if content else None

    def _tagged(self, name: _Match, known: str) -> Span | None:
        """``<name>value</name>``."""
        text = self.text
        before = shapes.TAG_BEFORE.search(
            text[max(0, name.start() - _PREFIX) : name.start()]
        )
        escaped = before and before.group()[0] == "&"
        after = shapes.ESCAPED_TAG_AFTER if escaped else shapes.TAG_AFTER
        tag = before and after.match(text, name.end())
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
        end = text.find("&lt;" if escaped else "<", tag.end())
        return tag.end(), len(text) if end < 0 else end

    def _option(self, name: _Match, known: str) -> Span | None:
        """``--name value``, ``PASSWORD 'value'``, ``login user password value``."""
        text = self.text
        quoted = shapes.QUOTE_BEHIND.match(text, name.end())
        if quoted and known not in ONE_WORD:
            return self._value(quoted.end(), known, False)
        before = text[max(0, name.start() - _COMMAND) : name.start()]
        option = name.group().startswith("-") and not before[-1:].strip("\"' \t\n\r")
        behind = option and shapes.OPTION.match(text, name.end())
        if behind and not shapes.OF_OPTION.match(text, behind.end()):
            return self._value(behind.end(), "token", False)
        space = shapes.SPACES.match(text, name.end())
        if space and shapes.NETRC.search(before):
            return self.word(space.end())
        return None

    def _said(self, name: _Match, known: str) -> Span | None:
        """``token X is invalid``."""
        text = self.text
        about = shapes.ABOUT.match(text, name.end())
        if not about or not about.group() or not _is_key(text, about.end()):
            return None
        opening = about["opening"]
        quote = opening and shapes.OPENING.match(text, about.end() - len(opening))
        return self.string(quote)[:2] if quote else self.word(about.end())

    def _said_before(self, name: _Match, done: int) -> Span | None:
        """``X is not a valid token``."""
        least = max(done, name.start() - _CLAIM)
        before = self.text[least : name.start()]
        words = before[-_CLAIM_WORD:].split()
        if not words or words[-1] not in shapes.CLAIMS:
            return None
        said = shapes.SAID_BEFORE.search(before)
        if not said or not _is_key(said["secret"], 0):
            return None
        return least + said.start("secret"), least + said.end("secret")

    def _credentials(self, position: int) -> Span | None:
        """``Bearer value``; "basic information" is a sentence."""
        space = shapes.ANY_SPACES.match(self.text, position)
        if not space:
            return None
        start, end = self.word(space.end())
        return (start, end) if shapes.OPAQUE.search(self.text, start, end) else None

    def _value(self, start: int, known: str, sentence: bool) -> Span | None:
        """From where to where the value goes that begins here; None if it is empty or
        a word of a sentence."""
        text = self.text
        if text.startswith(("{", "[", "("), start):
            end = self.bracket(start)
            # "()x" is no pair of brackets, but a password of a user.
            further = self.word(end)[1]
            return start, further if _is_said(text[end:further]) else end
        if skipped := shapes.SKIPPED.match(text, start):
            start = skipped.end()
        if opening := shapes.OPENING.match(text, start):
            begin, end, _ = self.string(opening)
            return (begin, end) if _is_said(text[begin:end]) else None
        empty = shapes.EMPTY.match(text, start)
        if empty and (known in ONE_WORD or shapes.NO_MORE.match(text, empty.end())):
            return None
        if known in ONE_WORD:
            if sentence and self._is_prose(start):
                return None
            if known == "cookie" and sentence:
                return self.until(shapes.COOKIES_END, start)
        elif sentence:
            return self.line(start)
        header = known == "authorization" or self._is_scheme(start)
        return self.header(start) if header else self.word(start)

    def _is_prose(self, start: int) -> bool:
        if shapes.SAID_OF_IT.match(self.text, start):
            return True
        word = shapes.PROSE.match(self.text, start)
        return word is not None and word.group() not in shapes.SCHEMES

    def _is_scheme(self, start: int) -> bool:
        """Whether a scheme begins there, and the secret behind it."""
        word = shapes.BEFORE_ANOTHER.match(self.text, start)
        return word is not None and word.group().lower() in shapes.SCHEMES


def _lower(text: str) -> str:
    """The text in small letters, each in its place."""
    lowered = text.lower()
    # Some letters become two.
    return lowered if len(lowered) == len(text) else text.translate(_SMALL)


def _is_line(text: str, place: int) -> bool:
    """Whether more than the end of a line, or of the text, stands there."""
    return bool(text[place : place + 1].strip())


def _is_said(text: str) -> bool:
    """Whether there is anything in it but signs."""
    return any(map(str.isalnum, text))


def _is_key(text: str, place: int) -> bool:
    """Whether what stands there in a sentence is none of its words."""
    return bool(
        shapes.KEY_LIKE.match(text, place) and not shapes.NO_KEY.match(text, place)
    )
