"""Calls every public method of the addon as each role would over RPC."""

import contextlib
import inspect

import psycopg2

from odoo.service.model import call_kw

from .walls import ROLES, WallsCase, our_models, public_methods

# Their transaction is what protects: they may find out after they wrote.
ORM = ("create", "write", "unlink", "copy")


class _UndoError(Exception):
    pass


class WalkCase(WallsCase):
    def setUp(self):
        super().setUp()
        self.copies = {}

    def arguments(self, model, method):
        """Arguments for what a method requires, by name."""
        order = self.records["sync.mapping"]
        given = {
            "vals": dict(self.copied(model)),
            "vals_list": [dict(self.copied(model))],
            "values": dict(self.copied(model)),
            "field_names": list(self.copied(model)),
            "fields_spec": {name: {} for name in model._fields},
            "fields": list(model._fields),
            "fields_list": list(model._fields),
            "names": list(model._fields),
            "sequence_code": "purchase.order",
            "choices": {"notes": {"choice": "odoo"}},
            "reason": "because",
            "user_id": self.people["operator"].id,
            "entity": "purchase_order",
            "records": [{"id": order.external_id, "version": 99, "deleted": True}],
            "record": {"id": "po_1", "version": 1},
            "external_ids": [order.external_id],
            "conflict_id": self.records["sync.conflict"].id,
            "saga": self.records["sync.saga"].id,
            "idempotency_key": "key-1",
            # Not required, and ids.
            "operation_ids": self.records["sync.operation"].ids,
            "backend_ids": self.backend.ids,
            "after": self.records["sync.conflict"].id,
            "among": self.records["sync.conflict"].ids,
        }
        wanted = list(inspect.signature(method).parameters.values())[1:]
        wanted = [p for p in wanted if p.kind is p.POSITIONAL_OR_KEYWORD]
        missing = [p.name for p in wanted if p.default is p.empty]
        missing = [name for name in missing if name not in given]
        self.assertFalse(
            missing, f"{model._name}.{method.__name__}: say what to call it with"
        )
        names = [p.name for p in wanted if p.name in given]
        if "operation_ids" in names:
            # One or the other.
            names = [n for n in names if n not in ("external_ids", "entity")]
        return {name: given[name] for name in names}

    def copied(self, model):
        """The values of A's record, as one would create another like it."""
        if model._name not in self.copies:
            self.copies[model._name] = self.copy_of(model)
        return self.copies[model._name]

    def copy_of(self, model):
        record = self.records.get(model._name, model).sudo()[:1]
        values = record.copy_data()[0] if record else {}
        return {
            name: value
            for name, value in values.items()
            if model._fields[name].store and model._fields[name].type != "one2many"
        }

    def call(self, role, name, method, ids=None, rows=None, context=None, **arguments):
        """Call a method as one would over RPC, and undo what it does.

        :param ids: None for a method of the model
        :param rows: function that reports the rows that must not change
        :return: ``(answer, rows)``; of an exception the exception
        """
        self.env.invalidate_all()
        env = self.env(user=self.people[role], su=False)
        args = [] if ids is None else [ids]
        if method == "create":
            # What RPC says a creator by the first of them.
            args = [arguments.pop("vals_list")]
        keywords = {**arguments, "context": context or {}}
        with contextlib.suppress(_UndoError), self.env.cr.savepoint():
            try:
                answer = call_kw(env[name], method, args, keywords)
                seen = rows and rows()
            except psycopg2.Error as exc:
                answer, seen = exc, None
            except Exception as exc:  # noqa: BLE001 - any refusal is an answer
                answer = exc
                seen = rows() if rows and method not in ORM else None
            raise _UndoError
        return answer, seen

    def ways(self):
        """What can be called, and by whom."""
        for name in our_models(self.env):
            for method, function in sorted(public_methods(self.env[name]).items()):
                for role in ROLES:
                    yield name, method, function, role
