"""Secrets in texts: what stands behind a secret name, and what is known by its look.

The time is linear in the length of the text, whoever wrote it: a pattern has bounds on
all its repetitions but one at its very end, so that no attempt is long and in vain;
everything else is a walk from left to right that never turns back.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from functools import partial

from .secret_names import LONGEST_NAME, ONE_WORD, last_words, secret_name

MASK = "***"

# --- known by their look -----------------------------------------------------

_PEM = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY")
_PEM_END = re.compile(r"-----END [A-Z ]{0,64}-{0,5}")
_TOKENS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|rk)[-_](?:live|test|proj|ant|or)[-_]|sk-(?=[A-Za-z0-9]{20})|gh[opsur]_"
    r"|github_pat_|glpat-|xox[a-z]-|xapp-|whsec_|shp(?:at|ss|ca|pa)_|dop_v1_|ya29\."
    r"|lin_(?:api|oauth|wh)_|(?:npm_|hf_|pypi-|SG\.|AIza)(?=[\w-]{16})"
    r"|(?:AKIA|ASIA|ABIA|ACCA)(?=[A-Z0-9]{12})|eyJ(?=[\w-]{4})"
    r")[\w.=+/-]+"
)
# Addresses that are a secret by themselves, also where host and path stand apart.
_SECRET_PATHS = re.compile(
    r"(/services/(?=T\w{0,20}/B)|/workflows/(?=T\w{0,20}/)|/triggers/(?=[TE]\w{0,20}/)"
    r"|/webhooks/(?=[0-9]{1,20}/)|/bot(?=[0-9]{1,20}:)|/webhookb2/|/hooks/catch/)"
    r"[^\s\"'<>,)]+"
)
_SECRET_HOSTS = re.compile(
    r"(hooks\.slack\.com|discord(?:app)?\.com/api/webhooks|hooks\.zapier\.com"
    r"|api\.telegram\.org|webhook\.office\.com)/[^\s\"'<>,)]+",
    re.IGNORECASE,
)

_RUN = re.compile(r"[^\s\"<>]+")
_SCHEME_END = re.compile(r":\\{0,8}/\\{0,8}/|%3A%2F%2F", re.IGNORECASE)
_HOST_END = re.compile(r"[/?#\\]|%2F|%3F|%23", re.IGNORECASE)

# --- behind a name -----------------------------------------------------------

_NAME = re.compile(r"[\w-]+")
_QUOTED = r"(?:\\{0,16}[\"']|&quot;|&#3[49];|%22)?"
_LINK = re.compile(
    rf"{_QUOTED}\]?\s{{0,16}}(?:=>|:=|==?|:(?!//)|%3[AaDd])[ \t]{{0,16}}"
)
_NEXT_LINE = re.compile(r"\s{1,64}(?=[bBrRuU]{0,2}\\{0,16}[\"'{\[(])")
_SKIPPED = re.compile(r"&(?:quot|#3[49]);|%22")
# What is glued to a word in front of it: "\nname", "\u0022name", "%3Fname".
_ESCAPE = re.compile(r"(?<=\\)(?:u[0-9A-Fa-f]{4}|[nrtbf])|(?<=%)[0-9A-Fa-f]{2}")
_OPENING = re.compile(r"[bBrRuU]{0,2}(\\{0,16})([\"'\u201c«\u2018`])")
_CLOSING = {"\u201c": "\u201d", "«": "»", "\u2018": "\u2019"}
_BRACKETS = re.compile(r"[\[{(\])}\"]|(?<![A-Za-z0-9]{2})'")  # no apostrophes

# What ends a value: a quote, a tag, the next name.
_NEXT_NAME = r"(?=[\s\"'({\[\\]{0,6}[^\W\d][\w.$-]{0,64}[\"'\\\]]{0,4}[ \t]{0,4}[=:])"
_ENDS = (
    r"(?:\\{0,16}[\"']|%22)(?=[\s,;:.)}\]>%\\]|$)|&(?:quot|amp|lt|#3[49]);"
    r"|<(?=/|\w{1,40}[\s/>])|>(?=[\s<]|$)"
)
_WORD_END = re.compile(rf"\s|{_ENDS}|%26|[&;,]{_NEXT_NAME}")
_LINE_END = re.compile(
    rf"[\r\n]|{_ENDS}|[;,](?=\s){_NEXT_NAME}|&(?=[A-Za-z_.-]{{1,64}}=)"
)
_COOKIES_END = re.compile(rf"[\r\n]|{_ENDS}")
_PARAMETER = re.compile(r"[\w.$-]{1,64}=")
_MORE = re.compile(r"[,;][ \t]{0,8}(?=[\w.$-]{1,64}=)")
_TRAILING = ",;:.!?)]}'\"\\"
_EMPTY = re.compile(r"(?:null|none|true|false|undefined|nil)(?![\w-])", re.IGNORECASE)

_SCHEMES = frozenset(
    {
        "api-key",
        "apikey",
        "aws4-hmac-sha256",
        "basic",
        "bearer",
        "digest",
        "hawk",
        "hmac",
        "key",
        "negotiate",
        "ntlm",
        "oauth",
        "signature",
        "token",
    }
)
_PROSE = re.compile(r"[a-z]{1,14}(?=[ \t]{1,8}\S)")
_SAID_OF_IT = re.compile(
    r"(?:expected|expired|invalid|malformed|missing|needed|revoked|required|unknown)"
    r"(?![\w-])"
)
_OPAQUE = re.compile(r"[0-9_=+~]|[a-z][A-Z]|[A-Z]{3}|[A-Za-z]{24}")

_PAIR = re.compile(r"\\{0,16}[\"']\s{0,8},\s{0,8}(?=[bBrRuU]{0,2}\\{0,16}[\"'])")
_PAIR_BEFORE = re.compile(r"[(\[]\s{0,4}[bBrRuU]{0,2}\\{0,16}[\"']$")
_PAIR_AFTER = re.compile(r"\s{0,8},?\s{0,8}[)\]]")
_VALUE_BEHIND = re.compile(
    r"(?:\\{0,16}[\"'])[^{}<>\[\]]{0,200}?[\s,\"'](?:value|val|content)\\{0,16}[\"']?"
    r"\s{0,4}[:=]\s{0,4}",
    re.IGNORECASE,
)
_NAME_BEHIND = re.compile(
    r"\\{0,16}[\"']?[\s,]{1,8}\\{0,16}[\"']?(?:name|key|field|header)\\{0,16}[\"']?"
    r"\s{0,4}[:=]\s{0,4}\\{0,16}[\"'](?P<name>[\w .-]{1,64})\\{0,16}[\"']",
    re.IGNORECASE,
)
_TAG_BEFORE = re.compile(r"<(?P<prefix>(?:[\w.-]{1,40}:)?)$")
_TAG_AFTER = re.compile(r"(?![^<>]{0,400}/>)[^<>]{0,400}>")
_TAG_END = re.compile(r"</(?P<name>[\w.:-]{1,128})")
_OPTION = re.compile(r"[ \t]{1,8}(?=-?[^\s-])")
_QUOTE_BEHIND = re.compile(r"[ \t]{1,8}(?=\\{0,16}[\"'])")
_SPACES = re.compile(r"[ \t]{1,8}(?=\S)")

# Every pattern of this file that meets a text, for the test of their shape.
PATTERNS = tuple(value for value in list(vars().values()) if type(value) is re.Pattern)


def mask_text(text: str, names: frozenset[str]) -> str:
    """The text with its secrets masked."""
    text = _mask_keys(text)
    if "/" in text or "%2" in text:
        text = _RUN.sub(_mask_users, text)
        text = _SECRET_HOSTS.sub(rf"\1/{MASK}", text)
        text = _SECRET_PATHS.sub(rf"\1{MASK}", text)
    text = _TOKENS.sub(MASK, text)
    lowered = text.lower()
    if any(word in lowered for word in (*last_words(names), "bearer", "basic")):
        text = _Walk(text, names).masked()
    return text


def _mask_keys(text):
    pieces, position = [], 0
    while begin := _PEM.search(text, position):
        end = _PEM_END.search(text, begin.end())
        pieces += text[position : begin.start()], MASK
        position = end.end() if end else len(text)
    return "".join((*pieces, text[position:]))


def _mask_users(run: re.Match[str]) -> str:
    """The user of the first address in a run whose host holds an @ or a colon, up to
    the last @: anything may be in a password. A mail address in the path of another
    address is no user."""
    text = run.group()
    at = max(text.rfind("@"), text.rfind("%40"))
    for scheme in _SCHEME_END.finditer(text, 0, max(at, 0)):
        host_end = _HOST_END.search(text, scheme.end())
        host = text[scheme.end() : host_end.start() if host_end else len(text)].upper()
        if any(mark in host for mark in ("@", ":", "%40", "%3A")):
            return f"{text[: scheme.end()]}{MASK}{text[at:]}"
    return text


class _Walk:
    """From name to name through a text; ``pieces`` is what is behind."""

    def __init__(self, text, names):
        self.text = text
        self.secret = partial(secret_name, names=names)
        self.closing: dict[str, list[int]] | None = None

    def masked(self):
        text, pieces = self.text, []
        done = position = 0
        before = None
        while name := _NAME.search(text, position):
            position = name.end()
            if found := self._secret_behind(name, before):
                start, end = found
                pieces += text[done:start], MASK
                done = position = end
            before = name
        return "".join((*pieces, text[done:]))

    def _secret_behind(self, name, before):
        """Where the secret stands that this name announces, or None."""
        escape = _ESCAPE.match(self.text, name.start())
        word = self.text[escape.end() if escape else name.start() : name.end()]
        word = word[-LONGEST_NAME:]
        if word.lower() in ("bearer", "basic") and (
            found := self._credentials(name.end())
        ):
            return found
        if word.lower() in ("value", "val"):
            return self._named_later(name.end())
        if before and self.text[before.end() : name.start()] == " ":
            word = f"{before.group()[-LONGEST_NAME:]} {word}"
        known = self.secret(word)
        if known is None:
            return None
        if link := _LINK.match(self.text, name.end()):
            return self._assigned(link, known)
        for look in (self._paired, self._valued, self._tagged, self._option):
            if (found := look(name, known)) and found[0] < found[1]:
                return found
        return None

    def _assigned(self, link, known):
        """``name=value``, ``name: value``, ``"name": "value"``."""
        start = link.end()
        if on_next_line := _NEXT_LINE.match(self.text, start):
            start = on_next_line.end()
        # "token: expected" is a sentence, "token=expected" none.
        sentence = link.group()[-1].isspace() and ":" in link.group()
        found = self._value(start, known, sentence)
        return found if found and found[0] < found[1] else None

    def _paired(self, name, known):
        """``("name", "value")``."""
        text = self.text
        link = _PAIR.match(text, name.end())
        before = text[max(0, name.start() - 24) : name.start()]
        if not link or not _PAIR_BEFORE.search(before):
            return None
        start, end, after = self._string(_OPENING.match(text, link.end()))
        return (start, end) if _PAIR_AFTER.match(text, after) else None

    def _valued(self, name, known):
        """``"name": "password", "value": "X"``, in either order of XML and JSON."""
        link = _VALUE_BEHIND.match(self.text, name.end())
        return link and self._value(link.end(), known, False)

    def _named_later(self, position):
        """``"value": "X", "name": "password"``."""
        link = _LINK.match(self.text, position)
        opening = link and _OPENING.match(self.text, link.end())
        if not opening:
            return None
        start, end, _ = self._string(opening)
        later = _NAME_BEHIND.match(self.text, end)
        return (start, end) if later and self.secret(later["name"]) else None

    def _tagged(self, name, known):
        """``<name>value</name>``."""
        text = self.text
        before = _TAG_BEFORE.search(text[max(0, name.start() - 48) : name.start()])
        tag = before and _TAG_AFTER.match(text, name.end())
        if not tag:
            return None
        if self.closing is None:
            self.closing = defaultdict(list)
            for end in _TAG_END.finditer(text):
                self.closing[end["name"]].append(end.start())
        ends = self.closing.get(before["prefix"] + name.group(), [])
        index = bisect_left(ends, tag.end())
        if index < len(ends):
            return tag.end(), ends[index]
        end = text.find("<", tag.end())
        return tag.end(), len(text) if end < 0 else end

    def _option(self, name, known):
        """``--name value``, ``PASSWORD 'value'``."""
        quoted = _QUOTE_BEHIND.match(self.text, name.end())
        if quoted and known not in ONE_WORD:
            return self._value(quoted.end(), known, False)
        if not name.group().startswith("--"):
            return None
        space = _OPTION.match(self.text, name.end())
        return space and self._value(space.end(), "token", False)

    def _credentials(self, position):
        """``Bearer value``; "basic information" is a sentence."""
        space = _SPACES.match(self.text, position)
        if not space:
            return None
        start, end = self._word(space.end())
        return (start, end) if _OPAQUE.search(self.text, start, end) else None

    def _value(self, start, known, sentence):
        """From where to where the value goes that begins here; None if it is empty or
        a word of a sentence."""
        text = self.text
        if text.startswith(("{", "[", "("), start):
            end = self._bracket(start)
            # "()x" is no pair of brackets, but what somebody took for a password.
            further = self._word(end)[1]
            return start, further if _is_said(text[end:further]) else end
        if skipped := _SKIPPED.match(text, start):
            start = skipped.end()
        if opening := _OPENING.match(text, start):
            begin, end, _ = self._string(opening)
            return (begin, end) if _is_said(text[begin:end]) else None
        if _EMPTY.match(text, start):
            return None
        if known in ONE_WORD:
            if sentence and self._is_prose(start):
                return None
            if known == "cookie" and sentence:
                return self._until(_COOKIES_END, start)
            return (
                self._header(start) if known == "authorization" else self._word(start)
            )
        return self._line(start) if sentence else self._word(start)

    def _is_prose(self, start):
        if _SAID_OF_IT.match(self.text, start):
            return True
        word = _PROSE.match(self.text, start)
        return bool(word) and word.group() not in _SCHEMES

    def _word(self, start):
        return self._until(_WORD_END, start)

    def _line(self, start):
        # What is masked already is one word.
        masked = self.text.startswith(MASK, start)
        return self._until(_WORD_END if masked else _LINE_END, start)

    def _until(self, pattern, start):
        mark = pattern.search(self.text, start)
        end = mark.start() if mark else len(self.text)
        # The full stop behind it is the sentence's.
        while end > start + 1 and self.text[end - 1] in _TRAILING:
            end -= 1
        return start, end

    def _header(self, start):
        """The scheme, what follows it, and parameters: ``a=b; c="d"``."""
        text = self.text
        end = self._parameter(start)
        scheme = text[start:end].lower()
        space = _SPACES.match(text, end)
        sentence = not scheme.isalpha() or (space and _PROSE.match(text, space.end()))
        if space and (scheme in _SCHEMES or not sentence):
            end = self._parameter(space.end())
        while more := _MORE.match(text, end):
            end = self._parameter(more.end())
        return start, end

    def _parameter(self, start):
        name = _PARAMETER.match(self.text, start)
        opening = name and _OPENING.match(self.text, name.end())
        return self._string(opening)[2] if opening else self._word(start)[1]

    def _string(self, opening):
        """Of what is quoted: begin, end, and where it goes on behind the quote."""
        text, start = self.text, opening.end()
        slashes, sign = opening[1], opening[2]
        quote = slashes + _CLOSING.get(sign, sign)
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

    def _bracket(self, start):
        """Where the bracket that opens here is closed."""
        depth, position = 0, start
        while mark := _BRACKETS.search(self.text, position):
            position = mark.end()
            if mark.group() in "\"'":
                slashes = mark.start()
                while self.text[slashes - 1] == "\\":
                    slashes -= 1
                opening = _OPENING.match(self.text, max(slashes, position - 17))
                position = self._string(opening)[2]
                continue
            depth += 1 if mark.group() in "[{(" else -1
            if depth == 0:
                return position
        return len(self.text)


def _is_said(text):
    """Whether there is anything in it but signs."""
    return any(map(str.isalnum, text))


def _closes(slashes, level):
    """Whether a quote behind that many backslashes ends a text whose first quote had
    ``level`` of them: 0, or 1, 3, 7 for a text within a text."""
    while level:
        if slashes % 2 == 0:
            return True
        slashes, level = slashes // 2, level // 2
    return slashes % 2 == 0
