"""No secret gets through, and nothing else is lost."""

import copy
import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.secrets.redaction import (
    DEEPEST,
    LONGEST,
    MASK,
    redact,
)

SECRET = "s3cr3tValue9"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization={SECRET}",
        f"{{'Authorization': 'Basic {SECRET}'}}",
        f'{{"Authorization": "Bearer {SECRET}"}}',
        f"sent bearer {SECRET} to it",
        f"whsec_{SECRET}",
        f"https://user:{SECRET}@pharmacy.example/api",
        f"https://{SECRET}@pharmacy.example/api",
        f"https://pharmacy.example/api?api_key={SECRET}&limit=5",
        f"GET /x?access_token={SECRET}",
        f"password={SECRET}",
        f"db_password: {SECRET}",
        f'{{"client_secret": "{SECRET}"}}',
        f'{{"password": "with \\" quote {SECRET}"}}',
        f"https://hooks.slack.com/services/T0/B0/{SECRET}",
        f"token eyJhbGciOiJIUzI1NiJ9.{SECRET}.{SECRET}",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
        f"X-Api-Key: {SECRET}",
    ],
)
def test_secrets_in_texts_are_masked(text):
    masked = redact(text)
    assert SECRET not in masked
    assert MASK in masked
    assert SECRET not in json.dumps(redact({"a": [text], text: 1}))
    assert SECRET not in redact(text.encode())
    assert SECRET not in redact(ValueError(text))


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Authorization",
        "X-Api-Key",
        "apiKey",
        "API_KEY",
        "clientSecret",
        "webhook-signature",
        "Set-Cookie",
        "access_token",
        "session_id",
        "PGPASSWORD",
        "PGPASSWD",
        "pwd",
        "smtp_pass",
        "passphrase",
        "otp",
        "accesstoken",
        "credential",
        "tokens",
        "secrets",
        "Ocp-Apim-Subscription-Key",
        "JSESSIONID",
        "APIKey",
        "password2",
    ],
)
def test_secret_fields_are_masked_whatever_they_hold(name):
    for value in (SECRET, [SECRET], {"a": SECRET}, 123456):
        assert redact({"outer": [{name: value}]}) == {"outer": [{name: MASK}]}


@pytest.mark.parametrize(
    "name",
    [
        "key",
        "idempotency_key",
        "keys",
        "secretary",
        "name",
        "monkey",
        "passenger",
        "author",
        "design",
        "session",
    ],
)
def test_other_fields_are_kept(name):
    assert redact({name: "value"}) == {name: "value"}


def test_what_is_secret_can_be_configured():
    record = {"vat": "ESX1234567R", "password": "visible"}
    assert redact(record, {"vat"}) == {"vat": MASK, "password": "visible"}
    assert redact("vat=ESX1234567R", {"vat"}) == f"vat={MASK}"
    assert redact("password=x", ()) == "password=x"


def test_the_rest_of_a_text_is_kept():
    text = f"POST https://u:{SECRET}@h.example/x?limit=5&token={SECRET}&a=b failed"
    assert redact(text) == (
        f"POST https://{MASK}@h.example/x?limit=5&token={MASK}&a=b failed"
    )


@pytest.mark.parametrize(
    "text",
    [
        "Basic authentication failed",
        "basic information is missing",
        "authorization: needed for this order",
        "Invalid token: expected ','",
        "token: expired",
        "bearer token is missing",
        "the password of the user is wrong",
        "No answer from http://127.0.0.1:8069/api/v1/suppliers: timed out.",
        "GET https://pharmacy.example/users/a.b@example.com failed",
        "mail a.b@example.com and c.d@example.org",
        'Key (code)=(A) already exists. "name": "Vetapharm"',
        "{'name': 'Vetapharm', 'value': 5, 'token': None}",
        "HTTPSConnectionPool(host='pharmacy.example', port=443): Max retries exceeded"
        " with url: /api/v1/changes?cursor=17",
        '{"id": "po_1", "lines": [{"key": "l1", "quantity": 2}]}',
        "<name>Vetapharm</name>",
        "the tag <token has no end",
    ],
)
def test_what_is_no_secret_stays_readable(text):
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"password: {SECRET}, user: bob", "password: ***, user: bob"),
        (f"(password={SECRET}).", "(password=***)."),
        ("password=a.", "password=***."),
        ("password=.", "password=***"),
        ("password='''two words''' b", "password='''***''' b"),
        ("password='''with 'two' words''' b", "password='''***''' b"),
        (r"password='''an \''' end''' b", "password='''***''' b"),
        (r"password='''an end\\''' b", "password='''***''' b"),
        (r'["token=\"\"\"a \"b\" c\"\"\" d"]', r'["token=\"\"\"***\"\"\" d"]'),
        # SQL's two quotes stand for one.
        ("password='''two words' b", "password='''***' b"),
        ('the token "s3cr3t word9" is invalid', 'the token "***" is invalid'),
        ('tokens: [\\"]s3cr3t9\\", 1] end', "tokens: *** end"),
        ('tokens: {\\"a\\": \\"}s3cr3t9\\"} end', "tokens: *** end"),
        # A sentence has a colon; with another sign it is a value.
        ("token = expected", "token = ***"),
        ("password: two words", "password: ***"),
        ("password=two words", "password=*** words"),
        ("password=$$$ x", "password=*** x"),
        ("token:. Then", "token:. Then"),
        ("Authorization: bearer", "Authorization: ***"),
        (f'["a", {{"token": "{SECRET}"}}, "b"]', '["a", {"token": "***"}, "b"]'),
        (f"Cookie: a=b; c={SECRET}\r\nHost: x", "Cookie: ***\r\nHost: x"),
        (f"see credentials: {{'a': '{SECRET}'}} there", "see credentials: *** there"),
        (
            f"HTTPSConnectionPool(host='hooks.slack.com', port=443): Max retries"
            f" exceeded with url: /services/T0/B0/{SECRET} (Caused by X)",
            "HTTPSConnectionPool(host='hooks.slack.com', port=443): Max retries"
            " exceeded with url: /services/*** (Caused by X)",
        ),
        (
            f"<auth><password>{SECRET}</password><user>u</user></auth>",
            "<auth>***</auth>",
        ),
        (
            f"<password>{SECRET}</password><user>u</user>",
            "<password>***</password><user>u</user>",
        ),
    ],
)
def test_what_surrounds_a_secret_is_kept(text, masked):
    assert redact(text) == masked


def test_values_keep_their_shape():
    value = {
        "n": 1,
        "f": 1.5,
        "b": True,
        "none": None,
        "l": [1, ("a", {2})],
        "d": Decimal("1.50"),
        "t": date(2026, 11, 22),
        3: "x",
    }
    before = copy.deepcopy(value)
    assert redact(value) == before
    assert value == before


def test_empty_secrets_show_that_they_are_empty():
    assert redact({"password": "", "token": None}) == {"password": "", "token": None}


def test_a_structure_that_contains_itself_ends():
    value = {}
    value["again"] = value
    assert MASK in json.dumps(redact(value))


def nested(levels, inmost):
    for _ in range(levels):
        inmost = {"x": inmost}
    return inmost


def test_what_lies_deeper_than_anybody_reads_is_masked():
    assert redact(nested(DEEPEST, "seen")) == nested(DEEPEST, "seen")
    assert redact(nested(DEEPEST + 1, "seen")) == nested(DEEPEST, MASK)


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["name", "token", "api_key", "lines", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(trees)
def test_redacting_is_idempotent(value):
    once = redact(value)
    assert redact(once) == once


def planted(tree):
    """The tree with the secret put into every secret field."""
    if isinstance(tree, dict):
        return {
            key: SECRET if key in ("token", "api_key") else planted(item)
            for key, item in tree.items()
        }
    return [planted(item) for item in tree] if isinstance(tree, list) else tree


@given(trees)
def test_no_planted_secret_survives(tree):
    assert SECRET not in repr(redact(planted(tree)))
    assert SECRET not in redact(json.dumps(planted(tree)))


def test_any_text_can_be_recorded():
    class Hostile:
        def __str__(self):
            raise RuntimeError("no")

    assert redact("cut \ud83d in half\x00") == "cut ⟨!U+D83D⟩ in half⟨!U+0000⟩"
    assert redact(Hostile()) == "<Hostile>"
    assert redact({"\x00": [Hostile()]}) == {"⟨!U+0000⟩": ["<Hostile>"]}
    assert redact(f"\ud83d password={SECRET}") == "⟨!U+D83D⟩ password=***"


def test_a_text_of_the_longest_length_is_kept_whole():
    text = "a " * (LONGEST // 2)
    assert redact(text) == text
    assert redact(text[:-1] + "bc") != text[:-1] + "bc"


def test_a_long_text_is_cut_and_says_so():
    text = "word " * LONGEST
    kept, note = redact(text).split("[")
    assert text.startswith(kept.rstrip())
    assert len(redact(text)) <= LONGEST
    assert note == f"... {len(text) - len(kept) + 1} characters left out]"


def test_a_cut_leaves_no_part_of_a_secret():
    """What shows that it is one may be behind the cut."""
    url = f"https://user:{SECRET}@h.example/"
    for shift in range(len(url) + 60):
        text = "x " * ((LONGEST - len(url) - 70) // 2) + "y" * shift + " " + url
        assert SECRET[:6] not in redact(text + "z" * 200)
    assert len(redact("x" * 3 * LONGEST)) <= LONGEST


def test_json_without_a_secret_stays_as_it_was_written():
    text = '{"a":1,  "b": [ ]}'
    assert redact(text) == text


def test_lists_and_json_count_as_depth_too():
    def listed(levels, inmost):
        for _ in range(levels):
            inmost = [inmost]
        return inmost

    assert redact(listed(DEEPEST, "seen")) == listed(DEEPEST, "seen")
    assert redact(listed(DEEPEST + 1, "seen")) == listed(DEEPEST, MASK)
    # JSON that lies so deep is a text.
    assert redact(nested(DEEPEST, '{"a": 1}')) == nested(DEEPEST, '{"a": 1}')
    # The text itself is one level.
    kept = json.dumps(nested(DEEPEST - 1, "seen"))
    assert redact(kept) == kept
    assert json.loads(redact(json.dumps(nested(DEEPEST, "seen")))) == nested(
        DEEPEST - 1, MASK
    )


@pytest.mark.parametrize("start, end", ["{}", "[]"])
def test_an_escape_in_json_hides_no_name(start, end):
    text = f'{{"p\\u0061ss\\u0077ord": "{SECRET}"}}'
    text = text if start == "{" else f"[{text}]"
    assert SECRET not in redact(text)
    assert MASK in redact(text)


def test_a_cut_behind_a_word_leaves_none_of_it():
    """Blanks where the cut goes do not stand for letters of the word before."""
    url = f"https://user:{SECRET}@h.example/"
    for blanks in range(1, 60):
        text = "x" * (LONGEST - 41 - len(url) - blanks) + " " + url + " " * blanks
        assert SECRET[:3] not in redact(text + "z" * 200)


@pytest.mark.parametrize("text", ["a:\n    password:\n    user: bob smith\n"])
def test_what_stands_no_further_in_than_a_name_is_not_its_value(text):
    assert redact(text) == text
