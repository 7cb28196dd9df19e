"""A sentence with a number in it, which is another sentence where the number is one."""


def counted(count: int, one: str, many: str) -> str:
    """The sentence for a number of things: whole sentences, so that each can be
    translated as its language wants it.

    :param one: for exactly one
    :param many: for none or several; it says the number
    """
    return one if count == 1 else many
