"""What exactly is masked of a text, in the shapes that differ by a sign or a blank:
core/secrets/redaction_text.py, redaction_reader.py."""

import json

import pytest

from odoo.addons.pharmacy_sync.core.secrets.redaction import redact

MASKED = {
    # pairs
    '("password", "")': '("password", "")',
    '("password", "abc")': '("password", "***")',
    'of "password", "abc") too': 'of "password", "abc") too',
    '("password", "abc" or so': '("password", "abc" or so',
    # on the next line
    "    password:\n    user: bob smith\n": "    password:\n    user: bob smith\n",
    "token:\n  expired\nx": "token:\n  expired\nx",
    "token: |\n  expired\nx": "token: |\n  ***\nx",
    "password:\n  expired\nx": "password:\n  ***\nx",
    "password:\nabcdef\n": "password:\n***\n",
    "password:\n\nabcdef\n": "password:\n\nabcdef\n",
    "token:\nabcdef\n": "token:\nabcdef\n",
    "token:\nabc123\n": "token:\n***\n",
    "a:\n  password:\n    ab1 c\n  host: h": "a:\n  password:\n    ***\n  host: h",
    "password:\n  ab1 c\n- other": "password:\n  ***\n- other",
    "tokens:\n- ab1\n- c\nhost: h": "tokens:\n***\nhost: h",
    "password:\n  ab1 c\n\nhost: h": "password:\n  ***\nhost: h",
    '- name: pin\n  value: "a b" # c': '- name: pin\n  value: "***" # c',
    # options
    "login u password ab1 end": "login u password *** end",
    "tool (--password abc)": "tool (--password abc)",
    "tool --password abc)": "tool --password ***)",
    "mysql -p'a b' shop": "mysql -p'***' shop",
    "curl -u bob:ab1 h": "curl -u bob:*** h",
    "curl -u 'bob:a b' h": "curl -u 'bob:***' h",
    "curl -u bob:'a b' h": "curl -u bob:***' h",
    "mysql -pab1 shop; mkdir -p/a/b1": "mysql -p*** shop; mkdir -p/a/b1",
    "['docker', 'login', '-p', 'a b', 'h']": "['docker', 'login', '-p', '***', 'h']",
    # addresses
    "to=https%3A%2F%2Fu%3Aab1%40h.ex%2F x": "to=https%3A%2F%2F***%40h.ex%2F x",
    "https://u:ab1@h.example/x?a=b": "https://***@h.example/x?a=b",
    "https://h.example/a@b.example": "https://h.example/a@b.example",
    "https://h/send?key=a1b2c3d4e5f6g7h8i9j0&c=d": "https://h/send?key=***&c=d",
    # quotes
    "password='it''s' x": "password='***' x",
    "password='' x": "password='' x",
    "password='''an \\'''' b": "password='''***''' b",
    "('password', '''a'b''')": "('password', '''***''')",
    r"x token=\"\"\"a \"b\" c\"\"\" d": r"x token=\"\"\"***\"\"\" d",
    r"xy token=\"\"\"a \"b\" c\"\"\" d": r"xy token=\"\"\"***\"\"\" d",
    r"(\"token\", \"\"\"a\"b\"\"\")": r"(\"token\", \"\"\"***\"\"\")",
    # brackets
    "tokens: [a, [b1], c] d": "tokens: *** d",
    "tokens: ['a]', b1] d": "tokens: *** d",
    f"tokens: [{17 * chr(92)}'a]{17 * chr(92)}', b1] d": "tokens: *** d",
    # headers
    'Authorization: Digest u="a b", c=d x': "Authorization: *** x",
    "Authorization: Custom ab1 x": "Authorization: *** x",
    "Authorization: Custom is missing": "Authorization: *** is missing",
    "Authorization: Bearer is fine x": "Authorization: *** fine x",
    "Authorization: ab1 cd2 e": "Authorization: *** cd2 e",
    "Authorization: a1b2 is fine": "Authorization: *** is fine",
    "Authorization: Custom ab1, c=d; e=f g": "Authorization: *** g",
    "Authorization: needs abc to": "Authorization: needs abc to",
    # sentences
    "abc12d is not a valid token": "*** is not a valid token",
    "abc1d is not a valid token": "abc1d is not a valid token",
    "abc12d is a fine token": "abc12d is a fine token",
    # nothing is secret in nothing
    "token=null x": "token=null x",
    "password: null": "password: null",
    "password: null x": "password: ***",
    "password: null. Then x": "password: null. Then x",
    # what is said of it is none
    "token_type: bearer, token: ab1": "token_type: bearer, token: ***",
    "pass_rate=0.5, password_rate_=x": "pass_rate=0.5, password_rate_=x",
    "token: bearer abcdef x": "token: *** x",
    "token: needs abcdef x": "token: needs abcdef x",
    # letters that become two in small ones
    "\u0130\u0130 password=abc x": "\u0130\u0130 password=*** x",
    "CONTRASE\u00d1A=abc x": "CONTRASE\u00d1A=*** x",
}


@pytest.mark.parametrize("text", MASKED)
def test_just_the_secret_is_masked(text):
    assert redact(text) == MASKED[text]


def within(text, levels):
    for _ in range(levels):
        text = json.dumps({"b": text})
    return f"x {text}"


@pytest.mark.parametrize("levels", range(4))
@pytest.mark.parametrize(
    "secret", ["a", 'a"b', "a\\b", 'a\\"b', '"a', 'a"', 'a", b', 'a"",b', "a\\\\b"]
)
def test_quotes_and_backslashes_are_the_secrets_in_json_within_json(secret, levels):
    text, masked = (
        within(json.dumps({"password": value, "a": "b"}), levels)
        for value in (secret, "***")
    )
    assert redact(text) == masked


@pytest.mark.parametrize(
    "value, masked",
    [
        (["password", "abc"], ["password", "***"]),
        (["abc", "password"], ["abc", "password"]),
        (["password", "abc", "x"], ["password", "abc", "x"]),
        (["password", ""], ["password", ""]),
        (["a", "--password", "b", "c"], ["a", "--password", "***", "c"]),
        (["a", "--password", "b"], ["a", "--password", "***"]),
        (["a", "--password"], ["a", "--password"]),
        (["a", "password", "b"], ["a", "password", "b"]),
        (["--token", "b"], ["--token", "***"]),
        ([1, ["--token", "b"]], [1, ["--token", "***"]]),
        (["mysql", "-pab1", "shop"], ["mysql", "-p***", "shop"]),
        (["mysql", "-px"], ["mysql", "-p***"]),
        (["mysql", "-p", "ab1", "shop"], ["mysql", "-p", "***", "shop"]),
        (["mysql", "-p"], ["mysql", "-p"]),
        (["mkdir", "-pab1"], ["mkdir", "-pab1"]),
        (
            ["/usr/bin/docker", "login", "-p", "a"],
            ["/usr/bin/docker", "login", "-p", "***"],
        ),
        (["docker", "run", "-p", "80:8080"], ["docker", "run", "-p", "80:8080"]),
        (["curl", "-u", "bob:a", "h"], ["curl", "-u", "bob:***", "h"]),
        (["curl", "-u", "bob:", "h"], ["curl", "-u", "bob:", "h"]),
        (["curl", "-u", 1, None], ["curl", "-u", 1, None]),
    ],
)
def test_just_the_secret_of_a_list_is_masked(value, masked):
    assert redact(value) == masked


@pytest.mark.parametrize("sign", ["'", '"'])
def test_a_string_of_three_quotes_ends_behind_its_closing_quote(sign):
    """And the text goes on there: what closes the pair is found."""
    three = 3 * sign
    text = f"('password', {three}first {sign}second{sign} third{three}) a"
    assert redact(text) == f"('password', {three}***{three}) a"
