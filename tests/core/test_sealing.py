"""Secrets are kept encrypted, and keys replace each other."""

import pytest
from cryptography.fernet import Fernet
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.error.classification import classify
from odoo.addons.pharmacy_sync.core.exceptions import SecretSealedError
from odoo.addons.pharmacy_sync.core.secrets.sealing import (
    MARK,
    is_sealed,
    read_keys,
    seal,
    unseal,
)
from odoo.addons.pharmacy_sync.core.taxonomy import Delivery, ErrorType

OLD, NEW = (Fernet.generate_key().decode() for __ in range(2))


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_what_is_sealed_is_read_with_its_key_only(secret):
    kept = seal(secret, (OLD,))
    assert is_sealed(kept)
    assert len(secret) < 8 or secret not in kept
    assert unseal(kept, (OLD,)) == unseal(kept, (NEW, OLD)) == secret
    for keys in ((NEW,), ()):
        with pytest.raises(SecretSealedError) as caught:
            unseal(kept, keys)
        assert len(secret) < 8 or secret not in str(caught.value)


def test_the_first_key_seals():
    kept = seal("secret", (NEW, OLD))
    assert unseal(kept, (NEW,)) == "secret"
    with pytest.raises(SecretSealedError):
        unseal(kept, (OLD,))


def test_without_a_key_it_stays_as_it_is():
    assert seal("secret", ()) == "secret"
    assert unseal("secret", ()) == unseal("secret", (NEW,)) == "secret"


@pytest.mark.parametrize("text", [MARK, MARK + "x", MARK + "é", MARK + "A" * 100])
def test_what_only_looks_sealed_is_not_read(text):
    with pytest.raises(SecretSealedError):
        unseal(text, (NEW,))


def test_what_it_means():
    found = classify(SecretSealedError("x"))
    assert (found.type, found.delivery, found.retryable) == (
        ErrorType.CONFIGURATION_ERROR,
        Delivery.NOT_SENT,
        False,
    )


@pytest.mark.parametrize("text", [f"{OLD},{NEW}", f" {OLD} \n{NEW} ", f"{OLD} , {NEW}"])
def test_keys_are_read(text):
    assert read_keys(text) == (OLD, NEW)


@pytest.mark.parametrize("text", ["", ",", "x", OLD[:-2], f"{OLD},x", "é" * 44])
def test_what_is_no_key(text):
    with pytest.raises(ValueError):
        read_keys(text)
