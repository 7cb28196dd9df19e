"""Which status a failure has on the routes of our own, and what a status stands for."""

import pytest

from odoo.addons.pharmacy_sync.core.api.answer_status import status_of, type_of


@pytest.mark.parametrize(
    "error_type, status",
    [
        ("data_validation_failed", 422),
        ("business_rule_violation", 422),
        ("invalid_supplier", 422),
        ("insufficient_stock", 409),
        ("duplicate_order", 409),
        ("order_already_processed", 409),
        ("version_conflict", 409),
        ("resource_not_found", 404),
        ("authentication_failed", 401),
        ("invalid_credentials", 401),
        ("insufficient_permissions", 403),
        ("rate_limit_exceeded", 429),
        ("resource_exhausted", 503),
        # What may pass by itself, and what does not.
        ("serialization_failure", 503),
        ("database_connection_failed", 503),
        ("unexpected", 500),
        ("configuration_error", 500),
    ],
)
def test_the_status_of_a_failure(error_type, status):
    assert status_of(error_type) == status


@pytest.mark.parametrize(
    "status, error_type",
    [
        (400, "data_validation_failed"),
        (401, "authentication_failed"),
        (403, "insufficient_permissions"),
        (404, "resource_not_found"),
        (405, "data_validation_failed"),
        (429, "rate_limit_exceeded"),
        (500, "unexpected"),
        (503, "database_connection_failed"),
    ],
)
def test_what_a_status_stands_for(status, error_type):
    assert type_of(status) == error_type
