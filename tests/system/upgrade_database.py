"""A kept database of an earlier version: restored, looked at row by row, compared."""

import lzma
import re
import sqlite3
import subprocess
from pathlib import Path

from psycopg2 import sql
from system_databases import connect, create

FOLDER = Path(__file__).parents[1] / "upgrade"
VERSIONS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
# Says when and by whom a row was touched, not what is in it.
UNCOUNTED = {"write_date", "write_uid"}
OWN_TABLES = """
SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
 WHERE relkind = 'r' AND nspname = current_schema() AND starts_with(relname, 'sync_')
"""
# What else people made or set; only rows that were there before are compared.
OTHERS = {
    "purchase_order": "true",
    "purchase_order_line": "true",
    "mail_message": "starts_with(model, 'sync.')",
    "ir_config_parameter": "starts_with(key, 'pharmacy_sync.')",
    "queue_job": "starts_with(model_name, 'sync.')",
    "ir_cron": "id IN (SELECT res_id FROM ir_model_data "
    "WHERE module = 'pharmacy_sync' AND model = 'ir.cron')",
    "queue_job_function": "id IN (SELECT res_id FROM ir_model_data "
    "WHERE module = 'pharmacy_sync' AND model = 'queue.job.function')",
    "res_groups_users_rel": "gid IN (SELECT res_id FROM ir_model_data "
    "WHERE module = 'pharmacy_sync' AND model = 'res.groups')",
}
# PostgreSQL spells an expression otherwise once it was dumped.
RESPELT = re.compile(r"::(?:text|character varying)(?:\[\])?|[()]")
SCHEMA = {
    "column": """
        SELECT table_name || '.' || column_name AS name,
               concat_ws(' ', udt_name, numeric_precision, numeric_scale,
                         'null: ' || is_nullable, column_default) AS definition
          FROM information_schema.columns
         WHERE table_schema = current_schema() AND (
               starts_with(table_name, 'sync_')
            OR (table_name, column_name) IN (
               SELECT replace(f.model, '.', '_'), f.name FROM ir_model_fields f
                 JOIN ir_model_data d ON d.model = 'ir.model.fields'
                  AND d.res_id = f.id
                WHERE d.module = 'pharmacy_sync'))""",
    "index": """
        SELECT indexname AS name, indexdef AS definition FROM pg_indexes
         WHERE schemaname = current_schema()
           AND (starts_with(tablename, 'sync_') OR indexname LIKE '%sync%')""",
    "constraint": """
        SELECT conrelid::regclass || '.' || conname AS name,
               pg_get_constraintdef(oid) AS definition FROM pg_constraint
         WHERE starts_with(conrelid::regclass::text, 'sync_')""",
    "trigger": """
        SELECT tgrelid::regclass || '.' || tgname AS name,
               pg_get_triggerdef(oid) AS definition
          FROM pg_trigger WHERE NOT tgisinternal""",
    "function": """
        SELECT p.oid::regprocedure::text AS name, prosrc AS definition FROM pg_proc p
         WHERE pronamespace = current_schema()::regnamespace AND NOT EXISTS (
               SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')""",
    "rule": """
        SELECT d.name, concat_ws(' ', r.active, r.perm_read, r.perm_write,
                                 r.perm_create, r.perm_unlink, r.domain_force)
                       AS definition
          FROM ir_rule r JOIN ir_model_data d ON d.model = 'ir.rule' AND d.res_id = r.id
         WHERE d.module = 'pharmacy_sync'""",
    "record": """
        SELECT name, model AS definition FROM ir_model_data
         WHERE module = 'pharmacy_sync'""",
}


def restore(version, name):
    """Make database ``name`` of a kept version's."""
    create(name)
    subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", name],
        input=_unpacked(version, "odoo"),
        stdout=subprocess.DEVNULL,
        check=True,
    )


def restore_app(version, clinic, path):
    """Make the SQLite file of a kept version's pharmacy app."""
    with sqlite3.connect(path) as database:
        database.executescript(_unpacked(version, clinic).decode())


def rows(name):
    """What is in a database: ``{table: {id or whole row: row}}``."""
    connection = connect(name)
    try:
        with connection.cursor() as cursor:
            cursor.execute(OWN_TABLES)
            tables = {row["name"]: "true" for row in cursor.fetchall()} | OTHERS
            return {
                table: _rows(cursor, table, where) for table, where in tables.items()
            }
    finally:
        connection.close()


def schema(name):
    """What the addon's tables are made of: ``{(kind, name): definition}``."""
    connection = connect(name)
    try:
        with connection.cursor() as cursor:
            found = {}
            for kind, query in SCHEMA.items():
                cursor.execute(query)
                for row in cursor.fetchall():
                    found[kind, row["name"]] = RESPELT.sub("", row["definition"])
            return found
    finally:
        connection.close()


def differences(before, after, meant):
    """What is not in ``after`` as it was before, one text each.

    :param meant: ``table`` and ``table.column`` that a migration changes on purpose
    """
    for table, old_rows in before.items():
        if table in meant:
            continue
        new_rows = after.get(table, {})
        for key, old in old_rows.items():
            if key not in new_rows:
                yield f"{table} {key}: is gone"
                continue
            for column in old.keys() - UNCOUNTED:
                name, new = f"{table}.{column}", new_rows[key].get(column, "no column")
                if name not in meant and new != old[column]:
                    yield f"{name} of {key}: {old[column]!r} became {new!r}"


def _rows(cursor, table, where):
    statement = sql.SQL("SELECT to_jsonb(t) AS row FROM {} t WHERE " + where)
    cursor.execute(statement.format(sql.Identifier(table)))
    found = [record["row"] for record in cursor.fetchall()]
    return {row.get("id") or tuple(sorted(row.items())): row for row in found}


def _unpacked(version, name):
    return lzma.decompress((FOLDER / version / f"{name}.sql.xz").read_bytes())
