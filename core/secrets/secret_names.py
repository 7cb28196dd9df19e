"""Which names say that what they name is secret."""

import re
from functools import lru_cache

# In words of lower case. A name is secret when it contains the words in a row, in the
# singular or the plural: "token" covers "X-Access-Token" and "tokens"; and when one of
# its words ends in them: "PGPASSWORD", "accesstoken".
DEFAULT_SECRET_FIELDS = frozenset(
    {
        "access key",
        "account key",
        "api key",
        "auth",
        "authorization",
        "bearer",
        "contrasena",
        "contraseña",
        "cookie",
        "credential",
        "cvc",
        "cvv",
        "encryption key",
        "fernet key",
        "hmac key",
        "integration key",
        "jwt",
        "keypass",
        "kennwort",
        "license key",
        "master key",
        "otp",
        "pass",
        "passcode",
        "passin",
        "passout",
        "passphrase",
        "passwd",
        "password",
        "passwort",
        "pin",
        "private key",
        "pwd",
        "routing key",
        "secret",
        "session id",
        "sessid",
        "shared key",
        "sig",
        "signature",
        "signing key",
        "storepass",
        "subscription key",
        "token",
        "totp",
    }
)

# A value of these without quotes is one word, and a word of a sentence may stand in its
# place ("token: expired"); a value of the others is the rest of the line.
ONE_WORD = DEFAULT_SECRET_FIELDS - {
    "contrasena",
    "contraseña",
    "kennwort",
    "pass",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwort",
    "pwd",
    "secret",
}

LONGEST_NAME = 128  # characters; of a longer one the end is looked at
_GLUED = 5  # letters: shorter words are found in others by chance
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])")
_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=256)
def with_names(text: str) -> frozenset[str]:
    """The default names, and those in a text that separates them by commas or lines,
    such as ``iban, contactPhone``."""
    own = (
        " ".join(_WORD.findall(_HUMP.sub(" ", name[-LONGEST_NAME:]).lower()))
        for name in re.split(r"[,;\n]", text)
    )
    return DEFAULT_SECRET_FIELDS | {name for name in own if name}


@lru_cache(maxsize=4096)
def secret_name(name: str, names: frozenset[str]) -> str | None:
    """The one of ``names`` because of which ``name`` is secret, or None."""
    spaced = _HUMP.sub(" ", name[-LONGEST_NAME:])
    words = [_singular(word) for word in _WORD.findall(spaced.lower())]
    row = f" {' '.join(words)} "
    for known in sorted(names):
        singular = [_singular(word) for word in known.split()]
        if f" {' '.join(singular)} " in row:
            return known
        glued = "".join(singular)
        if len(glued) >= _GLUED and any(word.endswith(glued) for word in words):
            return known
    return None


@lru_cache(maxsize=32)
def beginnings(names: frozenset[str]) -> re.Pattern[str]:
    """What is in every text, of small letters, that has one of the names in it, and the
    words that announce a secret by themselves."""
    firsts = {_singular(known.split()[0]) for known in names if known.split()}
    # Also where the words are written as one.
    found = sorted(firsts | {"basic", "bearer", "val"}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, found)))


def _singular(word: str) -> str:
    return word if word.endswith("ss") else word.removesuffix("s")
