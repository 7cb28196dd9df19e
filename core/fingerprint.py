"""One name for all failures that are the same failure."""

import hashlib
import re

VERSION = "v1"
_LONGEST = 2000  # characters of a message that are looked at

# What differs between two tellings of the same failure, and what stands for it.
# The order matters: wholes before their parts.
_FOLDS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[a-z][a-z0-9+.-]*://\S+", "<url>"),
        (r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "<email>"),
        (r'"[^"\n]*"|(?<!\w)\'[^\'\n]*\'(?!\w)', "<text>"),
        (r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b", "<uuid>"),
        (
            r"\b\d{4}-\d\d-\d\d[t ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
            r"(?:z|[+-]\d\d:?\d\d)?",
            "<time>",
        ),
        (r"\b\d{4}-\d\d-\d\d\b|\b\d\d:\d\d(?::\d\d(?:\.\d+)?)?\b", "<time>"),
        (
            r"(?<![a-z0-9])(?:(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{6,}|0x[0-9a-f]+)"
            r"(?![a-z0-9])",
            "<hex>",
        ),
        (r"[-+]?\d+(?:[.,]\d+)*", "<n>"),
        (r"\s+", " "),
    )
)


def normalise_message(message: str) -> str:
    """The message without what changes from one time to the next: addresses,
    identifiers, times, numbers, quoted values; in lower case. Idempotent.
    """
    folded = message[:_LONGEST].lower()
    # One fold may bring together what another looks for.
    while True:
        before = folded
        for pattern, replacement in _FOLDS:
            folded = pattern.sub(replacement, folded)
        if folded == before:
            return folded.strip()


def fingerprint(
    backend: object, operation: str, error_type: str, code: str | None, message: str
) -> str:
    """``v1:`` and 32 hexadecimal digits. The version changes with the rule, so that
    old groups are not mixed with new ones.

    :param backend: what names the backend, such as its id.
    """
    parts = (backend, operation, error_type, code or "", normalise_message(message))
    # Lengths keep ("a", "bc") and ("ab", "c") apart.
    told = "".join(f"{len(text)}:{text}" for text in map(str, parts))
    return f"{VERSION}:{hashlib.sha256(told.encode()).hexdigest()[:32]}"
