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
        "activation key",
        "admin key",
        "api key",
        "app key",
        "application key",
        "auth",
        "auth key",
        "authentication key",
        "authorization",
        "bearer",
        "client key",
        "contrasena",
        "contraseña",
        "cookie",
        "credential",
        "creds",
        "csrf",
        "cvc",
        "cvv",
        "encryption key",
        "fernet key",
        "functions key",
        "haslo",
        "hasło",
        "hmac",
        "integration key",
        "jwt",
        "keypass",
        "kennwort",
        "license key",
        "master key",
        "mfa code",
        "mot de passe",
        "motdepasse",
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
        "pincode",
        "priv key",
        "private key",
        "pwd",
        "recovery code",
        "root key",
        "routing key",
        "secret",
        "security code",
        "senha",
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
        "verification code",
        "wachtwoord",
        "xsrf",
        "пароль",
    }
)

# A value of these without quotes is one word, and a word of a sentence may stand in its
# place ("token: expired"); a value of the others is the rest of the line.
ONE_WORD = DEFAULT_SECRET_FIELDS - {
    "contrasena",
    "contraseña",
    "haslo",
    "hasło",
    "kennwort",
    "mot de passe",
    "motdepasse",
    "pass",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwort",
    "pwd",
    "secret",
    "senha",
    "wachtwoord",
    "пароль",
}

# What is said of a secret behind its name tells nothing of it: "token_type".
TELLING_NOTHING = frozenset(
    """at count expiration expire expiry format length limit max method min policy rate
    size type""".split()  # noqa: SIM905
)

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
    about = words[-1:] if TELLING_NOTHING.intersection(words[-1:]) else None
    for known in sorted(names):
        singular = [_singular(word) for word in known.split()]
        spelled = f" {' '.join(singular)} "
        if row.endswith(spelled) if about else spelled in row:
            return known
        glued = "".join(singular)
        if len(glued) >= _GLUED and any(
            word.endswith(glued) for word in about or words
        ):
            return known
    return None


@lru_cache(maxsize=32)
def beginnings(names: frozenset[str]) -> re.Pattern[str]:
    """What is in every text, of small letters, that has one of the names in it, and the
    words that announce a secret by themselves."""
    rows = [map(re.escape, map(_singular, name.split())) for name in names]
    # Also where the words are written as one.
    found = {"s?[-_ ]{0,8}".join(row) for row in rows} - {""}
    longest_first = sorted(found | {"basic", "bearer", "val"}, key=len, reverse=True)
    return re.compile("|".join(longest_first))


def _singular(word: str) -> str:
    return word if word.endswith("ss") else word.removesuffix("s")
