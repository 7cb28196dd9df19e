"""What helps against a failure: the button that a page offers first."""

from ..taxonomy import Category, TextEnum

# What is set up wrongly, where the connection to the pharmacy is.
OF_CONNECTION = (Category.SECURITY, Category.CONFIGURATION)


class Remedy(TextEnum):
    """What a person does first."""

    EDIT = "edit"  # correct the value that was refused
    RECORD = "record"  # mend the record: the failure names none of its fields
    PHARMACY = "pharmacy"  # put the connection right
    RETRY = "retry"  # it has passed, or nobody knows a better way


def remedy(
    category: Category | str,
    *,
    retryable: bool,
    needs_user: bool,
    needs_admin: bool,
    names_field: bool,
    has_record: bool,
) -> Remedy:
    """What helps against a classified failure.

    :param needs_user, needs_admin: who has to mend it
    :param names_field: whether it says which field is wrong
    :param has_record: whether Odoo has the record that failed
    """
    if retryable:
        return Remedy.RETRY
    if needs_user and names_field:
        return Remedy.EDIT
    if needs_user and has_record:
        return Remedy.RECORD
    if needs_admin and category in OF_CONNECTION:
        return Remedy.PHARMACY
    return Remedy.RETRY
