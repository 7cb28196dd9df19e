"""JSON that is nested so deep that it cannot be read. Without its depths it can: one
record among others is refused then, not all of them."""

import re

# Deeper than what any check lets in, so that what is left is refused.
DEEPEST = 100
_TURNS = re.compile(r'[\[\]{}"\\]')


def shallow(text: str, deepest: int = DEEPEST) -> str:
    """The JSON text with null for each list and object that lies deeper than
    ``deepest`` others. A text that is no JSON stays one. Takes linear time.
    """
    kept, depth, quoted, skip, begin = [], 0, False, -1, 0
    for found in _TURNS.finditer(text):
        at, turn = found.start(), found[0]
        if at == skip:
            continue
        if turn == "\\":
            skip = at + 1
        elif turn == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif turn in "[{":
            depth += 1
            if depth == deepest + 1:
                kept.append(text[begin:at])
        else:
            if depth == deepest + 1:
                kept.append("null")
                begin = at + 1
            depth -= 1
    if depth > deepest:
        return text
    return "".join([*kept, text[begin:]])
