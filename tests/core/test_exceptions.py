"""What errors say: core/exceptions.py."""

import pytest

from odoo.addons.pharmacy_sync.core import exceptions as ours


def test_a_signature_that_is_not_believed_says_so_and_why():
    error = ours.SignatureError("It is signed by another key.", reason="unknown_key")
    assert (str(error), error.message, error.reason) == (
        "It is signed by another key.",
        "It is signed by another key.",
        "unknown_key",
    )


def test_attempts_that_are_used_up_say_so_and_what_the_last_met():
    last = ValueError("x")
    error = ours.MaxRetriesExceededError("Three attempts.", last_error=last, record="r")
    assert (error.message, error.record, error.last_error) == (
        "Three attempts.",
        "r",
        last,
    )


@pytest.mark.parametrize(
    "external_id, said",
    [
        ("sup_1", "vat: Vetapharm (sup_1) has X1."),
        (None, "vat: Vetapharm has X1."),
    ],
)
@pytest.mark.parametrize("kind", [ours.HeldValueError, ours.AwaitedValueError])
def test_a_value_that_another_has_names_the_other(kind, external_id, said):
    error = kind("vat", "X1", "Vetapharm", external_id)
    assert (error.message, error.field, error.external_id) == (
        said,
        "vat",
        external_id,
    )


def test_what_an_error_says_can_be_stored():
    error = ours.SyncError("cut \ud83d in half")
    assert str(error) == error.message == "cut \u27e8!U+D83D\u27e9 in half"
