"""Signed messages: the example of the specification, and everything that is refused."""

import base64

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.event.signature import Signed, sign, verify
from odoo.addons.pharmacy_sync.core.exceptions import (
    ConfigurationError,
    SignatureError,
    SyncError,
)

# The example of the Standard Webhooks documentation.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIME = 1614265330
BODY = '{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "whsec_" + base64.b64encode(b"another key").decode()


def headers(signature=SIGNATURE, msg_id=ID, timestamp=TIME):
    return {
        "Webhook-Id": msg_id,
        "WEBHOOK-TIMESTAMP": str(timestamp),
        "webhook-signature": signature,
    }


def refusal(given, body=BODY, now=TIME, secrets=SECRET):
    with pytest.raises(SignatureError) as caught:
        verify(secrets, given, body, now)
    assert isinstance(caught.value, SyncError)
    return caught.value.reason


def test_the_example_of_the_specification():
    assert sign(SECRET, ID, TIME, BODY) == SIGNATURE
    assert verify(SECRET, headers(), BODY.encode(), TIME) == Signed(ID, TIME)


def test_a_secret_is_replaced_without_a_gap():
    assert verify([OTHER, SECRET], headers(), BODY, TIME)
    both = f"{sign(OTHER, ID, TIME, BODY)} {SIGNATURE}"
    assert verify(SECRET, headers(both), BODY, TIME)
    assert verify(OTHER, headers(both), BODY, TIME)


@given(
    st.binary(min_size=1),
    st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1),
    st.integers(0, 2**40),
    st.binary(),
)
def test_what_is_signed_is_believed(key, msg_id, timestamp, body):
    secret = "whsec_" + base64.b64encode(key).decode()
    signature = sign(secret, msg_id, timestamp, body)
    given_headers = headers(signature, msg_id, timestamp)
    assert verify(secret, given_headers, body, timestamp) == Signed(msg_id, timestamp)
    assert refusal(given_headers, body + b" ", timestamp, secret) == "mismatch"
    assert refusal(headers(signature, msg_id + "x", timestamp), body, timestamp, secret)


@pytest.mark.parametrize("age", [-300, 0, 300])
def test_within_five_minutes_it_is_believed(age):
    assert verify(SECRET, headers(), BODY, TIME + age)


def test_stale_and_future_messages_are_refused():
    assert refusal(headers(), now=TIME + 301) == "stale"
    assert refusal(headers(), now=TIME - 301) == "from_the_future"


def test_a_timestamp_cannot_be_renewed():
    assert refusal(headers(timestamp=TIME + 1)) == "mismatch"


@pytest.mark.parametrize("name", ["Webhook-Id", "WEBHOOK-TIMESTAMP"])
def test_a_missing_header_is_refused(name):
    given = {key: value for key, value in headers().items() if key != name}
    assert refusal(given) == "missing_header"
    assert refusal({**headers(), name: ""}) == "missing_header"


@pytest.mark.parametrize(
    "timestamp", ["now", "-1", "1.5", "١٢٣", "1e9", "1" * 5000, "01614265330", "1_0"]
)
def test_a_malformed_timestamp_is_refused(timestamp):
    assert refusal(headers(timestamp=timestamp)) == "malformed"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-signature"])
def test_half_a_character_is_refused(name):
    assert refusal({**headers(), name: "\ud83d"}) in ("malformed", "mismatch")


@pytest.mark.parametrize(
    "signature",
    [
        "v1,",
        "v1a," + SIGNATURE[3:],
        SIGNATURE[3:],
        SIGNATURE[:-1],
        "v1,é",
        sign(OTHER, ID, TIME, BODY),
    ],
)
def test_another_signature_is_refused(signature):
    assert refusal(headers(signature)) == "mismatch"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!", "nö"])
def test_a_secret_that_is_none_is_a_configuration_error(secret):
    with pytest.raises(ConfigurationError):
        verify(secret, headers(), BODY, TIME)


def test_without_secrets_nothing_is_believed():
    with pytest.raises(ConfigurationError):
        verify([], headers(), BODY, TIME)
