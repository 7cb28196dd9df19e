"""Headings of reStructuredText that docutils would not take for headings."""

import re

from . import paths
from .progress import StepError

_UNDERLINE = re.compile(r"([=\-~^\"'.+*])\1{2,}")


def check(text, path):
    """Raise :class:`StepError` for an underlined line that is text of the paragraph
    above: docutils says nothing about it."""
    lines = text.strip().splitlines()
    for number, line in enumerate(lines):
        before = lines[max(number - 2, 0) : number]
        if len(before) == 2 and all(before) and _UNDERLINE.fullmatch(line):
            raise StepError(
                f"{path.relative_to(paths.ROOT)}:{number}: a heading needs an empty "
                f"line before it: {before[-1]}"
            )
