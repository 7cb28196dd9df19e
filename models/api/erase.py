import json

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL, escape_psql

from ...core.secrets.erasing import as_json, erase, identifying
from ..base.rights import MANAGER, check_group

# Fields of a person; what else a link leads to is not personal.
PERSONAL = ("name", "email", "phone", "vat", "street", "street2")
# Rows that are the person's own, by what they name: they go.
BY_RECORD = ("sync_event",)
BY_EXTERNAL_ID = ("sync_drift", "sync_initial_line")
# Texts that may quote the person: only the words go. By model, the way to the backend.
QUOTING = {
    "sync.error": (
        "backend_id",
        ("message", "context", "trace", "retry_reason", "resolution"),
    ),
    "sync.error.group": ("backend_id", ("message", "resolution")),
    "sync.alert": ("backend_id", ("subject", "data", "resolution")),
    "sync.alert.silence": ("backend_id", ("reason",)),
    "sync.escalation": ("backend_id", ("answer",)),
    "sync.event": ("backend_id", ("data",)),
    "sync.event.delivery": ("backend_id", ("message",)),
    "sync.delivery": ("backend_id", ("title", "payload", "answer")),
    "sync.audit": ("backend_id", ("data",)),
    "sync.mapping.version": ("mapping_id.backend_id", ("changes",)),
    "sync.request": ("backend_id", ("answer",)),
    "sync.mapping": ("backend_id", ("declined", "differences")),
    "sync.operation": ("backend_id", ("reason", "discard_reason", "comparison")),
    "sync.operation.note": ("operation_id.backend_id", ("text", "before", "after")),
    "sync.conflict": ("backend_id", ("reason", "pharmacy", "pharmacy_by", "undo")),
    "sync.conflict.line": (
        "conflict_id.backend_id",
        ("base", "odoo", "pharmacy", "result", "values", "reason"),
    ),
    "sync.saga": (
        "backend_id",
        ("error", "record", "reason", "settled_reason"),
    ),
    "sync.saga.step": ("saga_id.backend_id", ("message",)),
    "sync.redrive": ("backend_id", ("reason",)),
    "sync.redrive.line": ("redrive_id.backend_id", ("name", "summary", "outcome")),
    "sync.initial": ("backend_id", ("reason",)),
    "sync.initial.line": (
        "initial_id.backend_id",
        ("odoo_name", "pharmacy_name", "differs", "reason", "candidates", "record"),
    ),
    "sync.reconciliation": ("backend_id", ("reason",)),
    "sync.drift": (
        "backend_id",
        ("record_name", "reason", "base", "odoo", "pharmacy"),
    ),
    "sync.breaker": ("backend_id", ("cause", "snapshot")),
    "sync.breaker.transition": ("breaker_id.backend_id", ("cause",)),
    "sync.maintenance": ("backend_id", ("reason",)),
    "sync.recovery.line": ("backend_id", ("note",)),
}
# And in what Odoo's own tables hold of the addon's.
OF_ODOO = {
    "queue_job": ("model_name", ("exc_info", "exc_message")),
    "mail_message": ("model", ("subject", "body")),
    "mail_activity": ("res_model", ("summary", "note")),
}


class ResPartner(models.Model):
    _inherit = "res.partner"

    def action_erase_from_sync(self):
        """Erase what the synchronisation keeps of a person: the link with what both
        sides had, its changes and failures, events, cached records, and the person's
        words in the texts of others. Neither side's own record is touched.

        :raises AccessError: the user is no manager, or may not change the contact
        :raises UserError: it is just being worked on
        """
        check_group(
            self.env, MANAGER, self.env._("Only managers may erase a person's data.")
        )
        self.check_access("write")
        every = [("active", "in", (True, False))]
        backends = self.env["sync.backend"].search(every).sudo()
        for partner in self:
            partner._erase_from(backends)
        self.env.invalidate_all()
        return backends[:1]._notify(
            self.env._("Erased"),
            self.env._(
                "Nothing is kept of it here any more. What the pharmacy app and this "
                "Odoo have themselves is theirs to erase."
            ),
        )

    def _erase_from(self, backends):
        Mapping = self.env["sync.mapping"].sudo().with_context(active_test=False)
        mappings = Mapping.search(
            [
                ("res_model", "=", self._name),
                ("res_id", "=", self.id),
                ("backend_id", "in", backends.ids),
            ]
        )
        Operation = self.env["sync.operation"].sudo()
        own = Operation.search([("mapping_id", "in", mappings.ids)])
        if "running" in own.mapped("state"):
            raise UserError(
                self.env._("It is just being carried over. Try again in a minute.")
            )
        kept = [
            *mappings.mapped("base"),
            *mappings.mapped("odoo_base"),
            *own.mapped("payload"),
            *(payload.get("data") for payload in own.mapped("payload") if payload),
        ]
        sides = [known for known in kept if isinstance(known, dict)]
        values = [self.sudo()[name] for name in PERSONAL]
        values += [side.get(name) for side in sides for name in PERSONAL]
        words = identifying(values)
        ids = list(filter(None, mappings.mapped("external_id")))
        for mapping in mappings.filtered("external_id"):
            self.env["sync.cache"].sudo()._invalidate(
                mapping.backend_id, mapping.stream_id.entity, [mapping.external_id]
            )
        self._erase_rows(backends, mappings.stream_id, ids)
        own.unlink()
        mappings.unlink()
        for model, (path, columns) in QUOTING.items():
            scope = self.env[model].sudo().with_context(active_test=False)
            # Those of no backend speak of any.
            known = scope._search(["|", (path, "in", backends.ids), (path, "=", False)])
            where = SQL("id IN %s", known.subselect())
            self._erase_words(scope._table, columns, words, where)
        for table, (column, columns) in OF_ODOO.items():
            where = SQL("starts_with(%s, 'sync.')", SQL.identifier(column))
            self._erase_words(table, columns, words, where)

    def _erase_words(self, table, columns, words, scope):
        forms = {form for word in words for form in (word, as_json(word))}
        patterns = ["%" + escape_psql(form) + "%" for form in forms]
        for column in map(SQL.identifier, columns):
            rows = self.env.execute_query(
                SQL(
                    """SELECT id, %(column)s, pg_typeof(%(column)s)::text FROM %(table)s
                        WHERE %(scope)s AND %(column)s::text ILIKE ANY(%(patterns)s)""",
                    column=column,
                    table=SQL.identifier(table),
                    scope=scope,
                    patterns=patterns,
                )
            )
            values = [
                json.dumps(erase(value, words))
                if "json" in kind
                else erase(value, words)
                for __, value, kind in rows
            ]
            if not rows:
                continue
            self.env.execute_query(
                SQL(
                    """UPDATE %(table)s AS t SET %(column)s = v.value::%(kind)s
                         FROM unnest(%(ids)s, %(values)s::text[]) AS v(id, value)
                        WHERE t.id = v.id RETURNING t.id""",
                    table=SQL.identifier(table),
                    column=column,
                    kind=SQL(rows[0][2]),
                    ids=[row[0] for row in rows],
                    values=values,
                )
            )

    def _erase_rows(self, backends, streams, external_ids):
        self.env.flush_all()
        for table in BY_RECORD:
            self.env.execute_query(
                SQL(
                    """DELETE FROM %s WHERE res_model = %s AND res_id = %s
                       AND (backend_id = ANY(%s) OR backend_id IS NULL)
                       RETURNING id""",
                    SQL.identifier(table),
                    self._name,
                    self.id,
                    backends.ids,
                )
            )
        for table in BY_EXTERNAL_ID:
            self.env.execute_query(
                SQL(
                    """DELETE FROM %s WHERE stream_id = ANY(%s)
                       AND (external_id = ANY(%s) OR res_id = %s) RETURNING id""",
                    SQL.identifier(table),
                    streams.ids,
                    external_ids,
                    self.id,
                )
            )
