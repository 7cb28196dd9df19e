"""Many rows at once, past the ORM."""

import json

from odoo import fields
from odoo.tools import SQL

from .alone import raced

AUDIT = ("create_uid", "write_uid", "create_date", "write_date")
NOW = SQL("now() at time zone 'UTC'")


class Value(fields.Json):
    """A JSON value that is kept as it is written, and read as it is kept, without a
    copy, thousands of times a batch: whoever writes or reads it leaves it as it is."""

    def convert_to_record(self, value, record):
        return False if value is None else value

    def convert_to_cache(self, value, record, validate=True):
        return value or None


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
    columns = [model._fields[name] for name in names]
    arrays = [
        SQL(
            "%s::%s[]",
            _values(field, rows),
            SQL(field.column_type[0]),
        )
        for field in columns
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


def write_plain(record, values):
    """Write on one record what nothing stored is computed from: for what is written of
    many records, each with values of its own, where ``write`` is not the way.

    No override, inverse or constraint of the model is heeded. User and time are
    written; all of it is flushed with other changes.

    :param values: by field, as ``write`` takes them
    """
    written = {"write_uid": record.env.uid, "write_date": record.env.cr.now()}
    for name, value in {**values, **written}.items():
        field = record._fields[name]
        kept = field.convert_to_cache(value, record, validate=False)
        field._update_cache(record, kept, dirty=True)
    record.modified(values)


def _values(field, rows):
    values = [row.get(field.name) for row in rows]
    if field.type == "boolean":
        return values
    if field.type == "json":
        return [json.dumps(v) if v not in (None, False) else None for v in values]
    return [None if value is False else value for value in values]
