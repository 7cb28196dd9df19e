"""Actions of the web client that open records."""


def open_record(record):
    """The action that opens one record's form."""
    return {
        "type": "ir.actions.act_window",
        "res_model": record._name,
        "res_id": record.id,
        "views": [(False, "form")],
    }


def open_records(env, name, domain):
    """A list of this addon's with what ``domain`` finds, all of it: the filters that
    its menu sets are not.

    :param name: the action's external id, without the addon
    """
    action = env["ir.actions.act_window"]._for_xml_id(f"pharmacy_sync.{name}")
    return {**action, "domain": domain, "context": {}}


def offer_undo(records, method, message):
    """Says what was done with records, with a button that undoes it.

    :param method: the public method of the records that does
    """
    return {
        "type": "ir.actions.client",
        "tag": "pharmacy_sync.undo",
        "params": {
            "model": records._name,
            "ids": records.ids,
            "method": method,
            "message": message,
            # The page is read again: what it shows has changed.
            "next": {"type": "ir.actions.act_window_close"},
        },
    }
