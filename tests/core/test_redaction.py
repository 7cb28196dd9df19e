"""No secret gets through, and nothing else is lost."""

import copy
import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.redaction import MASK, redact

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
    ],
)
def test_secret_fields_are_masked_whatever_they_hold(name):
    for value in (SECRET, [SECRET], {"a": SECRET}, 123456):
        assert redact({"outer": [{name: value}]}) == {"outer": [{name: MASK}]}


@pytest.mark.parametrize(
    "name", ["key", "idempotency_key", "keys", "secretary", "name", "monkey"]
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
