"""Secrets on command lines, behind options that do not name them: ``-u user:S``,
``mysql -pS``.

Options that do (``--password S``) are found by their name, see :mod:`.redaction_text`.
As in :mod:`.redaction_shapes`, no pattern looks far in vain.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from . import redaction_shapes as shapes
from .redaction_reader import MASK, Reader, Span

_QUOTE = r"\\{0,16}[\"']"
# What is between an option and its value: blanks, or the quotes of two items of a list.
_NEXT = rf"(?:[ \t]{{1,8}}|=|{_QUOTE},\s{{0,8}}[bBrRuU]{{0,2}}(?={_QUOTE}))"
# A user and a secret, whatever the tool is; numbers of a user and a group are none.
USERS = re.compile(
    rf"(?<![\w-])(?:-[uU]{_NEXT}?|--(?:proxy-|ftp-)?user{_NEXT})(?P<quote>{_QUOTE})?"
    r"(?!\+|\d{1,5}:\d{1,5}(?!\S)|(?:file|ftps?|git|https?|ssh|wss?)://)[^\s:\"'\\]{0,128}:"
)
# The letter of the option that holds a secret, by the tool.
LETTERS = {
    "7z": "p",
    "7za": "p",
    "az login": "p",
    "bcp": "P",
    "curl": "b",
    "docker login": "p",
    "http": "a",
    "https": "a",
    "ldapadd": "w",
    "ldapmodify": "w",
    "ldapsearch": "w",
    "ldapwhoami": "w",
    "lftp": "u",
    "mariadb": "p",
    "mariadb-admin": "p",
    "mariadb-dump": "p",
    "mongo": "p",
    "mongodump": "p",
    "mongorestore": "p",
    "mongosh": "p",
    "mysql": "p",
    "mysqladmin": "p",
    "mysqldump": "p",
    "mysqlimport": "p",
    "odoo-bin": "w",
    "podman login": "p",
    "redis-cli": "a",
    "registry login": "p",
    "sqlcmd": "P",
    "sshpass": "p",
    "unzip": "P",
    "xh": "a",
    "zip": "P",
    # Theirs have none.
    "cp": "",
    "docker run": "",
    "mkdir": "",
    "psql": "",
    "scp": "",
    "sftp": "",
    "ssh": "",
    "tar": "",
}
_BETWEEN = rf"(?:[ \t]|{_QUOTE},[ \t]?{_QUOTE})"
TOOLS = re.compile(
    r"(?<![\w.-])(?:"
    + "|".join(
        re.escape(tool).replace(r"\ ", _BETWEEN)
        for tool in sorted(LETTERS, key=len, reverse=True)
    )
    + r")(?=[\s\"'\\])"
)
# An option of one letter, with its value glued to it or not.
OPTIONS = re.compile(
    rf"(?<=[\s\"'])-(?P<letter>[{''.join(sorted(set(LETTERS.values())))}])"
    rf"(?:{_NEXT}(?=[^\s-])|(?=[^\s\"',\\])|(?<=\s-.)(?={_QUOTE}))"
)
LINE_BREAK = re.compile(r"[\r\n]")
_OF_USERS = ("-u", "-U", "--user", "--proxy-user", "--ftp-user")
FURTHEST = 400  # characters behind a tool's name that are looked at

PATTERNS = (USERS, TOOLS, OPTIONS, LINE_BREAK)


def mask_arguments(text: str) -> str:
    """The text without the secrets that options of one letter, or of a user, hold."""
    # To look for a sign is much faster than to look for a pattern.
    if not any(sign in text for sign in (" -", "'-", '"-', "\t-", "\n-")):
        return text
    pieces: list[str] = []
    done = 0
    for start, end in sorted((*_of_users(text), *_of_tools(text))):
        if done <= start < end:
            pieces += text[done:start], MASK
            done = end
    return "".join((*pieces, text[done:]))


def _of_users(text: str) -> Iterator[Span]:
    reader = Reader(text)
    for found in USERS.finditer(text):
        opening = found["quote"] and shapes.OPENING.match(text, found.start("quote"))
        end = reader.string(opening)[1] if opening else reader.argument(found.end())[1]
        yield found.end(), end


def _of_tools(text: str) -> Iterator[Span]:
    reader = Reader(text)
    tools = [*TOOLS.finditer(text)]
    # The next tool has options of its own.
    ends = [*(tool.start() for tool in tools[1:]), len(text)]
    for tool, following in zip(tools, ends, strict=False):
        end = min(tool.end() + FURTHEST, following)
        line_break = LINE_BREAK.search(text, tool.end(), end)
        end = line_break.start() if line_break else end
        letter = LETTERS[" ".join(shapes.NAME.findall(tool.group()))]
        for option in OPTIONS.finditer(text, tool.end(), end):
            if option["letter"] == letter:
                yield reader.argument(option.end())


def masked_items(items: Sequence[Any]) -> dict[int, str]:
    """What stands in place of items of a command that is a list, by their index."""
    words = {item.rpartition("/")[2] for item in items if isinstance(item, str)}
    letters = {f"-{LETTERS[tool]}" for tool in LETTERS if {*tool.split()} <= words}
    found = {
        index: item[:2] + MASK
        for index, item in enumerate(items)
        if isinstance(item, str) and len(item) > 2 and item[:2] in letters
    }
    for index, (option, value) in enumerate(pairwise(items), 1):
        if not isinstance(option, str) or not isinstance(value, str):
            continue
        user, colon, secret = value.partition(":")
        if option in letters:
            found[index] = MASK
        elif option in _OF_USERS and secret:
            found[index] = user + colon + MASK
    return found
