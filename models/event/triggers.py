"""PostgreSQL's triggers on the tables of followed records: the net under the ORM.

Whatever commits a change leaves the record's id in ``sync_touched``, also what never
passes ``write``: SQL of another addon, of Odoo's own wizards, of a person. A trigger
does nothing else, and never fails a change: it reads no table but the ends of its own,
checks no key and waits for no lock.

While nothing takes the rows up, as where scheduled actions are off, they pile up to a
bound; from there on one row of each model says that all its records are compared.
"""

from dataclasses import dataclass

from odoo.tools import SQL

TABLE = "sync_touched"
# Changed rows of one table in one transaction from which all its records are compared
# instead of each.
FLOOD = 10_000
# Rows from which no more are noted one by one.
FULL = 1_000_000
# PostgreSQL cuts longer names.
NAME_LENGTH = 63
OPERATIONS = ("INSERT", "UPDATE", "DELETE")
# The rows that each kind of statement shows its trigger.
SHOWN = {
    "INSERT": "NEW TABLE AS sync_new",
    "UPDATE": "OLD TABLE AS sync_old NEW TABLE AS sync_new",
    "DELETE": "OLD TABLE AS sync_old",
}


@dataclass(frozen=True)
class Watch:
    """What is noted of the changes of one table.

    :param model: model of the records that are noted
    :param table: the table that is watched
    :param key: its column with the id that is noted; a line's is its order's
    :param columns: those that count in an update, which needs any
    :param operations: kinds of statements that count
    """

    model: str
    table: str
    key: str = "id"
    columns: frozenset = frozenset()
    operations: tuple = OPERATIONS

    @property
    def function(self):
        own = self.table if self.key == "id" else f"{self.table}_{self.key}"
        return f"{TABLE}_{own}"[:NAME_LENGTH]

    @property
    def kinds(self):
        """The statements that have a trigger."""
        return tuple(o for o in self.operations if o != "UPDATE" or self.columns)

    def trigger(self, operation):
        return f"{TABLE}_{self.key}_{operation.lower()}"[:NAME_LENGTH]

    def body(self):
        """The function's source. A flood leaves one row that names no record."""
        setting = f"'pharmacy_sync.{self.function}'"
        branches = " ELSIF ".join(
            f"TG_OP = '{operation}' THEN {self._insert(operation)}"
            for operation in self.kinds
        )
        return f"""
DECLARE
    noted integer := coalesce(nullif(current_setting({setting}, true), ''), '0');
    added integer := 0;
BEGIN
    IF noted > {FLOOD} THEN RETURN NULL; END IF;
    IF noted = 0 AND (SELECT max(id) - min(id) FROM {TABLE}) >= {FULL} THEN
        INSERT INTO {TABLE} (model) SELECT '{self.model}' WHERE NOT EXISTS (
            SELECT FROM {TABLE} WHERE model = '{self.model}' AND res_id IS NULL);
        RETURN NULL;
    END IF;
    IF {branches} END IF;
    GET DIAGNOSTICS added = ROW_COUNT;
    IF added = 0 THEN RETURN NULL; END IF;
    noted := noted + added;
    IF noted > {FLOOD} THEN
        INSERT INTO {TABLE} (model) VALUES ('{self.model}');
    END IF;
    PERFORM set_config({setting}, noted::text, true);
    RETURN NULL;
END
"""

    def _insert(self, operation):
        return (
            f"INSERT INTO {TABLE} (model, res_id) SELECT DISTINCT '{self.model}', "
            f"key FROM ({self._changed(operation)}) AS changed (key) "
            f"WHERE key IS NOT NULL LIMIT {FLOOD + 1} - noted;"
        )

    def _changed(self, operation):
        if operation != "UPDATE":
            shown = "sync_new" if operation == "INSERT" else "sync_old"
            return f'SELECT "{self.key}" FROM {shown}'
        after, before = self._difference("new", "old"), self._difference("old", "new")
        # What moved to another order concerns the one that it left too.
        return after if self.key == "id" else f"{after} UNION ALL {before}"

    def _difference(self, one, other):
        # EXCEPT takes nulls for equal, and its plan, which PostgreSQL keeps from the
        # first statement, serves few rows and many.
        names = dict.fromkeys(("id", self.key, *sorted(self.columns)))
        listed = ", ".join(f'"{name}"' for name in names)
        return (
            f'SELECT "{self.key}" FROM (SELECT {listed} FROM sync_{one} '
            f"EXCEPT SELECT {listed} FROM sync_{other}) AS {one}"
        )


def create_table(cr):
    """Make the table that the triggers write to. It is as safe as any other: a row is
    there once its change is, and a crash takes neither alone."""
    cr.execute(
        SQL(
            "CREATE TABLE IF NOT EXISTS %s (id bigserial PRIMARY KEY, "
            "model text NOT NULL, res_id integer, "
            "xid xid8 NOT NULL DEFAULT pg_current_xact_id())",
            SQL.identifier(TABLE),
        )
    )
    cr.execute(
        SQL(
            "CREATE INDEX IF NOT EXISTS %s ON %s (model) WHERE res_id IS NULL",
            SQL.identifier(f"{TABLE}_flood_idx"),
            SQL.identifier(TABLE),
        )
    )


def build(cr, watches):
    """Make the triggers what ``watches`` say; those that are so already stay."""
    wanted = {watch.function: watch for watch in watches}
    known = _known(cr)
    for name, watch in wanted.items():
        if known.pop(name, None) != (watch.body(), len(watch.kinds)):
            _build_one(cr, watch)
    _drop(cr, known)


def drop(cr):
    """Remove all triggers, the table, and what else is in the database of them."""
    _drop(cr, _known(cr))
    cr.execute(SQL("DROP TABLE IF EXISTS %s", SQL.identifier(TABLE)))


def _known(cr):
    """``{function: (source, triggers that are enabled)}``"""
    cr.execute(
        """SELECT p.proname, p.prosrc, count(t.oid)
             FROM pg_proc p LEFT JOIN pg_trigger t
               ON t.tgfoid = p.oid AND t.tgenabled <> 'D'
            WHERE starts_with(p.proname, %s)
              AND p.pronamespace = current_schema()::regnamespace
            GROUP BY p.oid""",
        (f"{TABLE}_",),
    )
    return {name: (source, count) for name, source, count in cr.fetchall()}


def _drop(cr, functions):
    for name in functions:
        cr.execute(SQL("DROP FUNCTION %s() CASCADE", SQL.identifier(name)))


def _build_one(cr, watch):
    cr.execute("SELECT current_schema()")
    ((schema,),) = cr.fetchall()
    function, table = SQL.identifier(watch.function), SQL.identifier(watch.table)
    # With its owner's rights: who may write a record need not know of this table.
    cr.execute(
        SQL(
            "CREATE OR REPLACE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql "
            "SECURITY DEFINER SET search_path = %s, pg_temp AS %s",
            function,
            SQL.identifier(schema),
            watch.body(),
        )
    )
    for operation in OPERATIONS:
        name = SQL.identifier(watch.trigger(operation))
        cr.execute(SQL("DROP TRIGGER IF EXISTS %s ON %s", name, table))
        if operation in watch.kinds:
            cr.execute(
                SQL(
                    "CREATE TRIGGER %s AFTER %s ON %s REFERENCING %s "
                    "FOR EACH STATEMENT EXECUTE FUNCTION %s()",
                    name,
                    SQL(operation),
                    table,
                    SQL(SHOWN[operation]),
                    function,
                )
            )
