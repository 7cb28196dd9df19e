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


def test_what_is_not_known_yet_is_named():
    error = ours.DependencyMissingError("product", "prd_1", record="r")
    assert error.message == "The product prd_1 is not known yet."
    assert (error.entity, error.external_id, error.record) == ("product", "prd_1", "r")
    assert ours.DependencyMissingError("a", "b", "No such unit.").message == (
        "No such unit."
    )


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((500,), "HTTP 500"),
        ((409, "version_conflict"), "HTTP 409 version_conflict"),
        ((409, "version_conflict", "It was changed."), "It was changed."),
    ],
)
def test_an_answer_that_says_nothing_is_named_by_its_status_and_code(arguments, said):
    assert ours.HttpError(*arguments).message == said
