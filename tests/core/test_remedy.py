import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.error.remedy import Remedy, remedy
from odoo.addons.pharmacy_sync.core.taxonomy import TAXONOMY, Category, ErrorType

flags = st.booleans()


def of_type(kind, names_field=False, has_record=True):
    info = TAXONOMY[kind]
    return remedy(
        info.category,
        retryable=info.retryable,
        needs_user=info.requires_user_action,
        needs_admin=info.requires_admin_action,
        names_field=names_field,
        has_record=has_record,
    )


@given(st.sampled_from(list(Category)), flags, flags, flags, flags)
def test_what_may_have_passed_is_tried_again(category, user, admin, field, record):
    found = remedy(
        category,
        retryable=True,
        needs_user=user,
        needs_admin=admin,
        names_field=field,
        has_record=record,
    )
    assert found is Remedy.RETRY


@pytest.mark.parametrize(
    ("kind", "about", "wanted"),
    [
        (ErrorType.DATA_VALIDATION_FAILED, {"names_field": True}, Remedy.EDIT),
        (ErrorType.DATA_VALIDATION_FAILED, {}, Remedy.RECORD),
        (ErrorType.RESOURCE_NOT_FOUND, {"has_record": False}, Remedy.RETRY),
        (ErrorType.AUTHENTICATION_FAILED, {"names_field": True}, Remedy.PHARMACY),
        (ErrorType.CONFIGURATION_ERROR, {}, Remedy.PHARMACY),
        (ErrorType.UNEXPECTED, {}, Remedy.RETRY),
        (ErrorType.SERVICE_UNAVAILABLE, {}, Remedy.RETRY),
        (ErrorType.VERSION_CONFLICT, {"names_field": True}, Remedy.RETRY),
    ],
)
def test_what_helps(kind, about, wanted):
    assert of_type(kind, **about) is wanted
