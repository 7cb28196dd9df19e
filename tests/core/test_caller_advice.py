"""What a program is advised to do can be done by a program."""

import pytest

from odoo.addons.pharmacy_sync.core.api.caller_advice import (
    ASK,
    KEPT,
    LATER,
    caller_advice,
)
from odoo.addons.pharmacy_sync.core.taxonomy import TAXONOMY, Category, ErrorType

# What only people have: screens, buttons, a server.
OF_PEOPLE = (
    "Edit",
    "discard",
    "retry",
    "the backend",
    "link the record",
    "stack trace",
)


@pytest.mark.parametrize("error_type", ErrorType)
@pytest.mark.parametrize("retryable", [True, False])
def test_it_sends_nobody_to_a_screen(error_type, retryable):
    advice = caller_advice(error_type, retryable)
    assert advice.endswith(".")
    assert not [word for word in OF_PEOPLE if word in advice]
    assert (advice == LATER) is retryable


def test_what_the_caller_can_mend_is_not_passed_to_people():
    for error_type, info in TAXONOMY.items():
        if info.category is Category.BUSINESS:
            assert caller_advice(error_type, False) != ASK, error_type
    assert "another idempotency_key" in caller_advice(
        ErrorType.DATA_VALIDATION_FAILED, False
    )
    assert "by itself" in KEPT
