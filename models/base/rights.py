"""What a caller may do.

Every public method is open to anyone with a login, over RPC and with ids of their
choosing. It asks here, or with ``check_access``, before it does anything with more
rights than its caller has.
"""

from odoo.exceptions import AccessError

USER = "pharmacy_sync.group_user"
OPERATOR = "pharmacy_sync.group_operator"
MANAGER = "pharmacy_sync.group_manager"
API = "pharmacy_sync.group_api"


def check_group(env, group, message):
    """Let members of a group pass, and code that runs as superuser.

    :param str group: xmlid
    :param str message: what the others read
    :raises AccessError: the user is not in the group
    """
    if not (env.su or env.user.has_group(group)):
        raise AccessError(message)


def check_may(records, group, message):
    """Let members of a group pass if they may read the records.

    :raises AccessError: the user is not in the group, or may not read one of them
    """
    records.check_access("read")
    check_group(records.env, group, message)
