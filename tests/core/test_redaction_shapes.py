"""A secret planted in every shape in which secrets are written, in any surroundings, is
never found again; and no text takes more time than its length is worth.
"""

import json
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from odoo.addons.pharmacy_sync.core.secrets import redaction_shapes, redaction_text
from odoo.addons.pharmacy_sync.core.secrets.redaction import redact

try:
    from re import _parser as parser
except ImportError:  # before Python 3.11
    import sre_parse as parser

# Every secret has this in it, and whatever else its shape allows.
HEART = "s3cr3tHeart9"


def secrets(alphabet, most=6):
    around = st.text(alphabet=alphabet, max_size=most)
    return st.builds("{}{}{}".format, around, st.just(HEART), around)


PLAIN = secrets("abcXYZ0189")
WORD = secrets("abXZ09-_.~+/=")
# No white space, quotes, angle brackets, nor the ends of a query's part.
ODD = secrets("aZ0!@#$%^*|{[()]}:?/\\~+=-_.")
USER = secrets("aZ0:/#?@!$&'()*+,;=%")
LINE = secrets("aZ0 .&@#:/\\ñ漢", 12)
QUOTED = secrets("aZ0 '\"\\\n{}[]:,;&<>=@ñ漢\u2028", 12)
INSIDE = secrets("aZ0 .;,&@#:/{}[]ñ漢", 12)
LONG = secrets("aZ09", 4).map(lambda secret: f"A0{secret}{'Zz09' * 4}")

NAMES = st.sampled_from(
    """password PASSWORD PGPASSWORD PGPASSWD pwd smtp_pass db-password passwd passphrase
    api_key apiKey API-Key X-Api-Key apikey x-access-token accessToken accesstoken
    refresh_tokens token tokens client_secret clientSecret secrets secret_key otp jwt
    credential session_id sessionid PHPSESSID JSESSIONID sig X-Amz-Signature signature
    X-Amz-Credential X-Amz-Security-Token Ocp-Apim-Subscription-Key AccountKey
    private_key signing-key webhook-signature X-Auth-Token""".split()  # noqa: SIM905
)
BEGINNINGS = """sk_live_ rk_test_ sk-proj- sk- ghp_ gho_ github_pat_ glpat- xoxb- xapp-
    whsec_ shpat_ npm_ pypi- lin_api_ hf_ ya29. SG. AIza eyJhbGciOiJ.eyJ"""


def as_json(value):
    return json.dumps(value, ensure_ascii=False)


SHAPES = {
    "name=value": (WORD, "{name}={secret}"),
    "odd characters": (ODD, "{name}={secret}"),
    "a separator in it": (PLAIN, "password=a;{secret}"),
    "another": (PLAIN, "password: a&{secret}"),
    "name = value": (WORD, "{name} = {secret} "),
    "name: value": (WORD, "{name}: {secret}"),
    "name => value": (WORD, "'{name}' => '{secret}'"),
    "header": (WORD, "GET / HTTP/1.1\r\n{name}: {secret}\r\nHost: h"),
    "query": (PLAIN, "https://h.example/x?a=b&{name}={secret}&limit=5"),
    "encoded query": (PLAIN, "next=%2Fweb%3F{name}%3D{secret}%26a%3Db"),
    "escaped query": (PLAIN, "https://h.example/x?{name}={secret}&amp;a=b"),
    "option": (PLAIN, "tool --{name} {secret} --verbose"),
    "option with =": (WORD, "tool --{name}={secret} --verbose"),
    "environment": (WORD, "export {name}={secret}; run"),
    "words": (LINE, "password: {secret}"),
    "words of a secret": (LINE, "client secret: {secret}\nnext: line"),
    "quoted": (INSIDE, "{name} = '{secret}'"),
    "three quotes": (INSIDE, '{name} = """{secret}"""'),
    "SQL": (INSIDE, "ALTER USER o PASSWORD 'it''s {secret}' LOGIN"),
    "double quoted": (INSIDE, '{name}: "{secret}"'),
    "guillemets": (INSIDE, "{name}: «{secret}»"),
    "curly quotes": (INSIDE, "{name}: \u201c{secret}\u201d"),
    "form": (PLAIN, '<input name="{name}" type="text" value="{secret}"/>'),
    "attribute": (INSIDE, '<user {name}="{secret}"/>'),
    "tag": (secrets("aZ0 .;&\n"), "<{name}>{secret}</{name}>"),
    "tag with a space": (WORD, '<w:{name} type="x">{secret}</w:{name}>'),
    "nested tags": (WORD, "<{name}><user>u</user><key>{secret}</key></{name}>"),
    "html": (WORD, "{{&quot;{name}&quot;: &quot;{secret}&quot;}}"),
    "connection string": (WORD, "Server=h;User Id=u;{name}={secret};Database=d"),
    "libpq": (PLAIN, "host=h password={secret} dbname=d"),
    "libpq quoted": (INSIDE, "host=h password='{secret}' dbname=d"),
    "storage": (PLAIN, "AccountName=n;AccountKey={secret}==;EndpointSuffix=e"),
    "signed address": (PLAIN, "https://h.example/f?sv=2024&sig={secret}&se=2027"),
    "user": (PLAIN, "https://{secret}@h.example/"),
    "password of a user": (USER, "https://user:{secret}@h.example/x"),
    "database": (USER, "postgresql://o:{secret}@h.example:5432/d"),
    "database without a user": (USER, "redis://:{secret}@h.example:6379/0"),
    "second address": (USER, "http://a.example/,https://u:{secret}@h.example/"),
    "escaped address": (PLAIN, r"https:\/\/user:{secret}@h.example\/x"),
    "encoded address": (PLAIN, "to=https%3A%2F%2Fu%3A{secret}%40h.example%2F"),
    "pair": (INSIDE, "[('{name}', '{secret}'), ('a', 'b')]"),
    "bytes": (PLAIN, "[(b'{name}', b'{secret}')]"),
    "pair in a list": (INSIDE, '["{name}", "{secret}"]'),
    "name and value": (INSIDE, '{{"name": "{name}", "value": "{secret}"}}'),
    "value and name": (INSIDE, '{{"value": "{secret}", "name": "{name}"}}'),
    "bearer": (WORD, "sent Bearer {secret} to it"),
    "basic": (WORD, "sent basic {secret} to it"),
    "authorization": (WORD, "Authorization: {secret}"),
    "authorization by scheme": (WORD, "Authorization: Bearer {secret}"),
    "authorization by another": (WORD, "Authorization: Custom {secret}"),
    "proxy": (WORD, "proxy-authorization: Basic {secret}"),
    "a scheme in a header": (WORD, "GET / HTTP/1.1\r\n{name}: Bearer {secret}\r\nA: b"),
    "a scheme behind a name": (WORD, "got {name}=token {secret}"),
    "digest": (PLAIN, 'Authorization: Digest username="u", response="{secret}"'),
    "aws": (PLAIN, "Authorization: AWS4-HMAC-SHA256 Credential=a, Signature={secret}"),
    "cookie": (WORD, "Cookie: lang=es; session_id={secret}"),
    "cookies": (WORD, "cookie: HttpOnly; x={secret}; y"),
    "cookie of curl": (WORD, "curl -H 'Cookie: a=b; c={secret}' https://h.example"),
    "set-cookie": (WORD, "Set-Cookie: x={secret}; Path=/; HttpOnly"),
    "slack": (PLAIN, "https://hooks.slack.com/services/T0/B0/{secret}"),
    "slack apart": (
        PLAIN,
        "HTTPSConnectionPool(host='hooks.slack.com', port=443): Max retries exceeded"
        " with url: /services/T0/B0/{secret} (Caused by X)",
    ),
    "discord apart": (PLAIN, "exceeded with url: /api/webhooks/123/{secret} (x)"),
    "telegram apart": (PLAIN, "exceeded with url: /bot123:{secret}/sendMessage (x)"),
    "query apart": (PLAIN, "exceeded with url: /x?api_key={secret} (Caused by x)"),
    "credentials": (INSIDE, '{{"credentials": {{"user": "u", "key": "{secret}"}}}}'),
    "credentials of Python": (INSIDE, "x={{'credentials': {{'key': '{secret}'}}}} y"),
    "several": (INSIDE, 'got {{"tokens": ["a", "{secret}"]}} there'),
    "auth": (INSIDE, "get(url, auth=('u', '{secret}'))"),
    "key file": (
        PLAIN,
        "-----BEGIN RSA PRIVATE KEY-----\n{secret}\n-----END RSA PRIVATE KEY-----",
    ),
    "key file cut off": (PLAIN, "-----BEGIN PRIVATE KEY-----\\n{secret}\\n"),
    **{
        f"begins with {prefix}": (LONG, f"got {prefix}{{secret}} there")
        for prefix in BEGINNINGS.split()
    },
    "key of AWS": (
        st.text("ABCXYZ019", min_size=4, max_size=4).map(f"{HEART.upper()}{{}}".format),
        "got AKIA{secret} there",
    ),
}

AROUND = st.text(alphabet="ab .,:=\"'{}[]()<>/\\&;\n*", max_size=12)
# What comes before may open a quote or a tag, but must not run into a name.
BEFORE = st.text(alphabet="ab .,;\n", max_size=12).map(lambda text: f"{text} ")
AFTER = AROUND.map(lambda text: f"\n{text}")


def planted(shape):
    alphabet, template = SHAPES[shape]
    return st.builds(
        lambda name, secret: template.format(name=name, secret=secret), NAMES, alphabet
    )


def survives(value):
    return HEART.lower() in repr(redact(value)).lower()


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=10)
@given(st.data())
def test_no_secret_survives(shape, data):
    text = data.draw(planted(shape))
    assert not survives(text)
    assert not survives(data.draw(BEFORE) + text + data.draw(AFTER))
    assert not survives([{"message": text.encode()}, ValueError(text)])


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=10)
@given(st.data())
def test_no_secret_survives_in_json_within_json(shape, data):
    text = data.draw(planted(shape))
    for _ in range(data.draw(st.integers(1, 3))):
        text = as_json({"b": text})
    assert not survives(text)
    assert not survives(f"answer: {text}")


@given(NAMES, QUOTED, st.integers(0, 3))
def test_no_secret_field_survives_in_json_within_json(name, secret, levels):
    text = as_json({"a": 1, name: secret, "z": [None]})
    for _ in range(levels):
        text = as_json({"b": text})
    assert not survives(text)
    assert not survives(f"answer: {text} (x)")


@given(NAMES, QUOTED)
def test_no_secret_survives_in_structures(name, secret):
    for value in (
        {name: secret},
        {name.encode(): secret},
        (name, secret),
        [name, secret],
        {"name": name, "value": secret},
        {"value": secret, "key": name},
        {"credentials": {"user": "u", "key": secret}},
        {"a": [{"headers": [(name, secret)]}]},
    ):
        assert not survives(value)
        assert not survives(repr(value))


@given(st.one_of(*map(planted, SHAPES)), BEFORE, AFTER)
def test_masking_again_changes_nothing(text, before, after):
    once = redact(before + text + after)
    assert redact(once) == once


@given(st.text())
def test_any_text_is_masked_and_can_be_stored(text):
    masked = redact(text)
    masked.encode()
    assert "\x00" not in masked
    assert redact(masked) == masked


# --- time ---------------------------------------------------------------------

FEW = 256  # characters: how far a pattern may look in vain


def loose_ends(parsed, last=True):
    """Repetitions in a pattern, as the parser of ``re`` gives it, that have no bound
    and something behind them which can fail."""
    for index, (kind, argument) in enumerate(parsed):
        at_end = last and index == len(parsed) - 1
        if str(kind) in ("MAX_REPEAT", "MIN_REPEAT"):
            _, most, inner = argument
            if most > FEW * 2 and not (at_end and str(kind) == "MAX_REPEAT"):
                yield kind
            yield from loose_ends(inner, last=False)
        elif str(kind) == "SUBPATTERN":
            yield from loose_ends(argument[-1], at_end)
        elif str(kind) == "BRANCH":
            for branch in argument[1]:
                yield from loose_ends(branch, at_end)
        elif str(kind) in ("ASSERT", "ASSERT_NOT"):
            yield from loose_ends(argument[1], last=False)


def test_patterns_do_not_look_far_in_vain():
    assert len(redaction_shapes.PATTERNS) > 20
    for pattern in redaction_shapes.PATTERNS:
        assert not list(loose_ends(parser.parse(pattern.pattern))), pattern.pattern


def test_a_pattern_that_looks_far_is_noticed():
    for pattern in (
        r"(\b[a-z][a-z0-9+.-]*://)[^/]*@",
        r"(?:a+)+$",
        r"a*?b",
        r"x(?=y*z)",
    ):
        assert list(loose_ends(parser.parse(pattern)))
    assert not list(loose_ends(parser.parse(r"(?:a{1,9}|b)[^c]+")))


def steps(text):
    """How many characters the walk looks at: calls, and what each of them is given."""
    seen = 0

    class Counting(str):
        def find(self, *about):
            nonlocal seen
            end = super().find(*about)
            start = about[1] if len(about) > 1 else 0
            seen += (len(self) if end < 0 else end) - start
            return end

    def count(frame, event, argument):
        nonlocal seen
        seen += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        redaction_text.mask_text(Counting(text), frozenset({"token", "password"}))
    finally:
        sys.setprofile(before)
    return seen


@pytest.mark.parametrize(
    "piece",
    [
        "a.",
        "token-",
        "token ",
        "token: '",
        'token="a" ',
        "password: a, ",
        '("token", "',
        "('token', \\\"",
        "<token>",
        "<token{}>",
        "</token><token>",
        "token: {",
        "bearer ",
        '"value": "token": "name": ',
        "://a:b@",
        "-----BEGIN PRIVATE KEY ",
        "eyJ.",
        "token=a&",
        "\\",
        '\\"token\\": \\\\"',
        "authorization: a=b, ",
    ],
)
def test_twice_the_text_is_twice_the_work(piece):
    once, twice = (
        steps("".join(piece.replace("{}", str(n)) for n in range(count)))
        for count in (300, 600)
    )
    assert twice <= 2.5 * once + 500


def test_no_pattern_is_left_out():
    source = Path(redaction_shapes.__file__).read_text()
    named = re.findall(r"^[A-Z_]+ = re\.compile", source, re.M)
    assert len(named) == len(redaction_shapes.PATTERNS)
    assert "re.compile" not in Path(redaction_text.__file__).read_text()
