"""One name for all failures that are the same failure."""

import hashlib
import re

from ..taxonomy import ErrorType
from ..texts import text_of

VERSION = "v2"
_LONGEST = 2000  # characters of a message that are looked at
_PASSES = 10

# A quotation, also with an apostrophe in it.
_QUOTED = re.compile(
    r'"[^"\n]*"|(?<!\w)\'(?:[^\'\n]|(?<=\w)\'(?=\w))*\'(?!\w)|`[^`\n]*`|«[^«»\n]*»'
    r"|[\u201c\u201e][^\u201c\u201d\u201e\n]*[\u201c\u201d]"
    r"|\u2018(?:[^\u2018\u2019\n]|(?<=\w)\u2019(?=\w))*\u2019(?!\w)"
)
# The name of an attribute, a key, a class: what distinguishes the faults of programs.
_PROGRAM_NAME = re.compile(r"[^\W\d][^\W\d.]*(?:\.[^\W\d]+)*(?:\(\))?")

# In front of the name of what a database or a schema has; a value is seldom called so.
_NAMED = re.compile(
    r"\b(?:argument|attribute|column|constraint|field|function|parameter|property"
    r"|relation|table|columna|restricción|relación|tabla|campo) $"
)
_FURTHEST = 16  # characters that such a word and its blank have
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[ap]m\b)?"
_ZONE = r"(?: ?(?:z|gmt|utc|[+-]\d\d:?\d\d))?"

# What differs between two messages of the same failure, and what stands for it. The
# order matters: wholes before their parts.
_WHOLES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[a-z][a-z0-9+.-]{0,30}://\S+", "<url>"),
        (r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "<email>"),
        # PostgreSQL's: Key (code)=(A)
        (r"\)=\((?:[^()\n]|\([^()\n]*\))*\)", ")=(<text>)"),
        (r"(?<=row contains )\([^\n]*\)", "(<text>)"),
        (r"(?<![\w<./])(?:[a-z]:)?(?:[/\\][\w.@~-]+){2,}[/\\]?", "<path>"),
        (r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b", "<#>"),
        # Addresses of machines: with dots, and with colons.
        (r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?![\w.]\w)", "<address>"),
        (
            r"(?<![\w:])(?:(?:[0-9a-f]{1,4}:){5,7}[0-9a-f]{1,4}"
            r"|(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?::"
            r"(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?)(?![\w:])",
            "<address>",
        ),
        (
            rf"\b\d{{1,4}}([-./])\d{{1,2}}\1\d{{1,4}}(?:,?[t ]{_CLOCK})?{_ZONE}\b",
            "<time>",
        ),
        (
            r"\b(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},? )?"
            rf"(?:\d{{1,2}}[ -]{_MONTH}[ -]\d{{2,4}}|{_MONTH} {{1,2}}\d{{1,2}}"
            rf"(?:,| {_CLOCK})? \d{{4}})(?: {_CLOCK})?{_ZONE}\b",
            "<time>",
        ),
        (rf"\b{_CLOCK}\b", "<time>"),
        # Numbers in brackets, however many: product.product(5,), [1, 2].
        (r"(?<=[\[(])\d+(?:, ?\d+)*,?(?=[\])])", "<#>"),
        (
            r"(?<![a-z0-9])(?:0x[0-9a-f]+|[a-f]{8,}"
            r"|(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{6,})(?![a-z0-9])",
            "<#>",
        ),
    )
)
_WITH_DIGITS = re.compile(r"(?<![^\W_])[^\W_]*\d[^\W_]*")
_DIGITS = re.compile(r"\d+")
# Letters and digits by turns: 8f3a1, x2x4z; not po00012, sha256, 10ms.
_BY_TURNS = re.compile(r"\d[^\W\d_]+\d|[^\W\d_]\d+[^\W\d_]")
_NUMBERS = re.compile(r"(?:(?<!\S)[-+])?<#>(?:[.,' \u00a0\u202f]<#>)*")
_SPACES = re.compile(r"\s+")


def normalise_message(message: str, *, program: bool = False) -> str:
    """The message without what changes from one time to the next: addresses, paths,
    identifiers, times, numbers, quoted values; in lower case. Idempotent.

    :param program: it is the message of a fault in code: names that it quotes are kept
    """
    folded = message[:_LONGEST].lower()
    # One fold may bring together what another looks for.
    for _ in range(_PASSES):
        before = folded
        folded = _fold(folded, program)
        if folded == before:
            break
    return folded


def fingerprint(
    backend: object, operation: str, error_type: str, code: str | None, message: str
) -> str:
    """``v2:`` and 32 hexadecimal digits, of any texts. The version changes with the
    rule, so that old groups are not mixed with new ones.

    :param backend: what names the backend, such as its id.
    """
    program = error_type == ErrorType.UNEXPECTED
    said = normalise_message(message, program=program)
    parts = (backend, operation, error_type, code or "", said)
    # Lengths keep ("a", "bc") and ("ab", "c") apart.
    text = "".join(f"{len(part)}:{part}" for part in map(text_of, parts))
    # Half a character has no bytes but these.
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    return f"{VERSION}:{digest.hexdigest()[:32]}"


def _fold(text: str, program: bool) -> str:
    for pattern, replacement in _WHOLES[:2]:
        text = pattern.sub(replacement, text)
    text = _QUOTED.sub(lambda quoted: _fold_quoted(quoted, program), text)
    for pattern, replacement in _WHOLES[2:]:
        text = pattern.sub(replacement, text)
    text = _WITH_DIGITS.sub(_fold_word, text)
    text = _NUMBERS.sub("<#>", text)
    return _SPACES.sub(" ", text).strip()


def _fold_quoted(quoted: re.Match[str], program: bool) -> str:
    before = quoted.string[max(0, quoted.start() - _FURTHEST) : quoted.start()]
    named = program or _NAMED.search(before)
    if named and _PROGRAM_NAME.fullmatch(quoted.group()[1:-1]):
        return quoted.group()
    return "<text>"


def _fold_word(word: re.Match[str]) -> str:
    """A number in a word is a number; a word that is none is an identifier."""
    text, start = word.string, word.start()
    # The part behind the first hyphen or underscore: web-7d9f8b6c5, po_1.
    part = (
        text[start - 1 : start] in ("-", "_") and text[start - 2 : start - 1].isalnum()
    )
    if part or _BY_TURNS.search(word.group()):
        return "<#>"
    return _DIGITS.sub("<#>", word.group())
