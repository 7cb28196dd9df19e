"""Secrets as they are kept: sealed with a key from outside of the database.

A sealed text is ``$fernet$`` and a Fernet token. The first of several keys
seals, and each opens: so one is replaced by another. Without a key a text is kept as
it is.
"""

from collections.abc import Sequence
from contextlib import suppress

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ..exceptions import SecretSealedError

MARK = "$fernet$"


def read_keys(text: str) -> tuple[str, ...]:
    """Fernet keys from a text in which commas or blanks separate them.

    :raises ValueError: there is none, or one is not a Fernet key
    """
    keys = tuple(text.replace(",", " ").split())
    if not keys:
        raise ValueError
    for key in keys:
        Fernet(key)
    return keys


def is_sealed(kept: str) -> bool:
    return kept.startswith(MARK)


def seal(secret: str, keys: Sequence[str]) -> str:
    """The text to keep of a secret; the secret itself if there is no key."""
    if not keys:
        return secret
    token: bytes = _fernet(keys).encrypt(secret.encode())
    return MARK + token.decode()


def unseal(kept: str, keys: Sequence[str]) -> str:
    """The secret of which this text was kept.

    :raises SecretSealedError: no key opens it
    """
    if not is_sealed(kept):
        return kept
    with suppress(InvalidToken, ValueError):
        if keys:
            secret: bytes = _fernet(keys).decrypt(kept.removeprefix(MARK))
            return secret.decode()
    raise SecretSealedError(
        "A secret cannot be read: the key that it was encrypted with is missing."
    )


def _fernet(keys: Sequence[str]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])
