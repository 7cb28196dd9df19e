"""Many rows at once, past the ORM."""

import json

from odoo.tools import SQL

from .alone import raced

AUDIT = ("create_uid", "write_uid", "create_date", "write_date")
NOW = SQL("now() at time zone 'UTC'")


def insert_rows(model, rows, on_conflict=None):
    """Insert rows in one statement: for what is written so often, or raced for by so
    many, that the ORM's ``create`` is not the way.

    No default, check or computed field of the model is heeded. User and time are
    added. The text of the statement does not depend on the number of rows.

    :param model: recordset of the model
    :param rows: list of dicts, values by field as ``create`` takes them; those of JSON
        fields are any that JSON knows
    :param on_conflict: SQL of what to do with a row that is there already, such as
        ``SQL("DO NOTHING")``
    :return: ids of the rows that were inserted, or updated
    """
    if not rows:
        return []
    names = list(dict.fromkeys(name for row in rows for name in row))
    fields = [model._fields[name] for name in names]
    arrays = [
        SQL(
            "%s::%s[]",
            [_value(field, row.get(field.name)) for row in rows],
            SQL(field.column_type[0]),
        )
        for field in fields
    ]
    audit = SQL()
    if model._log_access:
        names += AUDIT
        uid = model.env.uid
        audit = SQL(", %s, %s, %s, %s", uid, uid, NOW, NOW)
    query = SQL(
        "INSERT INTO %s (%s) SELECT t.*%s FROM unnest(%s) AS t%s RETURNING id",
        SQL.identifier(model._table),
        SQL(", ").join(map(SQL.identifier, names)),
        audit,
        SQL(", ").join(arrays),
        SQL(" ON CONFLICT %s", on_conflict) if on_conflict else SQL(),
    )
    env = model.env
    found = raced(env, query) if on_conflict else env.execute_query(query)
    return [row[0] for row in found]


def _value(field, value):
    if value is None or (value is False and field.type != "boolean"):
        return None
    return json.dumps(value) if field.type == "json" else value
