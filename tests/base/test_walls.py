import contextlib
import csv
import inspect
import logging
import os
from collections import Counter
from pathlib import Path

import psycopg2

from odoo.exceptions import AccessError, MissingError, UserError
from odoo.service.model import call_kw
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..walls import (
    EXTREMES,
    MARK,
    ROLES,
    SHARED,
    WallsCase,
    company_path,
    our_models,
    our_records,
    public_methods,
)

_logger = logging.getLogger(__name__)
# Their transaction is what protects: they may find out after they wrote.
ORM = ("create", "write", "unlink", "copy")
REFUSED = (AccessError, MissingError)
# Names a file for the walk's table: of each method how it answers each role.
TABLE = "PHARMACY_SYNC_WALK"


class _UndoError(Exception):
    pass


@tagged("post_install", "-at_install")
class TestWalls(WallsCase):
    """Nobody of company B reaches anything of company A, by any public method."""

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
        :param rows: function that tells of the rows that must not change
        :return: ``(answer, rows)``; of an exception the exception
        """
        self.env.invalidate_all()
        env = self.env(user=self.people[role], su=False)
        args = [] if ids is None else [ids]
        if method == "create":
            # What RPC tells a creator by the first of them.
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

    # -- The walk ---------------------------------------------------------------------

    @mute_logger("odoo.sql_db", "odoo.addons.base.models.ir_rule")
    def test_every_public_method(self):
        everything, of_a = self.all_rows(), self.rows_of_a()
        table = {}
        for name, method, function, role in self.ways():
            with self.subTest(model=name, method=method, role=role):
                arguments = self.arguments(self.env[name], function)
                answers = []
                of_model = getattr(function, "_api_model", False)
                if name in self.records and not of_model and name not in SHARED:
                    ids = self.records[name].ids
                    answer, rows = self.call(
                        role, name, method, ids, self.all_rows, **arguments
                    )
                    answers.append(answer)
                    self.assertIsInstance(answer, REFUSED)
                    self.assertIn(rows, (None, everything))
                if not of_model and role not in EXTREMES:
                    table[name, method, role] = "/".join(map(_word, answers))
                    continue
                # Without records, but with a context that names those of A.
                answer, rows = self.call(
                    role,
                    name,
                    method,
                    None if of_model else [],
                    self.rows_of_a,
                    self.defaults(self.env[name]),
                    **arguments,
                )
                answers.append(answer)
                self.assertIn(rows, (None, of_a))
                self.check_of_model(name, method, answer, of_model)
                self.check_silent(answer)
                table[name, method, role] = "/".join(map(_word, answers))
        self.assertEqual(self.app.requests(), [])
        self.log(table)

    def ways(self):
        """What can be called, and by whom."""
        for name in our_models(self.env):
            for method, function in sorted(public_methods(self.env[name]).items()):
                for role in ROLES:
                    yield name, method, function, role

    def check_of_model(self, name, method, answer, of_model):
        """A method of the model was called as it is meant to be; nothing was made."""
        own = name.startswith("sync.") and name not in SHARED
        if method == "create" and own and not self.env[name]._abstract:
            self.assertIsInstance(answer, (UserError, psycopg2.Error))
        elif of_model and method not in ORM:
            self.assertIsInstance(answer, (dict, list, UserError))

    def check_silent(self, answer):
        """What is told names nothing of A."""
        if not isinstance(answer, Exception):
            self.assertNotIn(MARK, repr(answer))

    def defaults(self, model):
        """A context that names A's records wherever a context can."""
        return {f"default_{name}": value for name, value in self.copied(model).items()}

    def log(self, table):
        """The walk's result: of each method how it answers each role."""
        lines = {}
        for (name, method, role), answer in table.items():
            lines.setdefault((name, method), {})[role] = answer
        for (name, method), answers in lines.items():
            said = ", ".join(" ".join(pair) for pair in answers.items())
            _logger.info("walk: %s.%s: %s", name, method, said)
        if path := os.environ.get(TABLE):
            with Path(path).open("w", newline="") as file:
                rows = csv.writer(file)
                rows.writerow(["model", "method", *ROLES])
                rows.writerows(
                    [*way, *(answers.get(role, "") for role in ROLES)]
                    for way, answers in lines.items()
                )
        _logger.info(
            "walk: %s methods, %s calls: %s",
            len(lines),
            len(table),
            dict(Counter(table.values())),
        )

    # -- What the ORM does with any model ---------------------------------------------

    @mute_logger("odoo.sql_db", "odoo.addons.base.models.ir_rule")
    def test_every_record_is_hidden(self):
        for name in our_records(self.env):
            if name in SHARED:
                continue
            ids = self.records[name].ids
            for role in ROLES:
                with self.subTest(model=name, role=role):
                    for method, arguments in (
                        ("read", {}),
                        ("web_read", {"specification": {"display_name": {}}}),
                        ("export_data", {"fields_to_export": ["display_name"]}),
                        ("write", {"vals": self.copied(self.env[name])}),
                        ("copy", {}),
                        ("unlink", {}),
                    ):
                        answer, __ = self.call(role, name, method, ids, **arguments)
                        # Whoever may export nothing is told so.
                        told = UserError if method == "export_data" else AccessError
                        self.assertIsInstance(answer, told, method)
                    for method in ("search", "search_count", "name_search"):
                        arguments = {} if method == "name_search" else {"domain": []}
                        answer, __ = self.call(role, name, method, **arguments)
                        self.check_found(name, answer)

    def check_found(self, name, answer):
        if isinstance(answer, AccessError):
            return
        if isinstance(answer, int):
            path = company_path(self.env, name)
            theirs = [] if not path else [(path, "!=", self.company.id)]
            most = self.env[name].with_context(active_test=False).search_count(theirs)
            self.assertLessEqual(answer, most)
        else:
            found = {i[0] if isinstance(i, tuple | list) else i for i in answer}
            self.assertFalse(found & set(self.records[name].ids))

    # -- Dialogs ----------------------------------------------------------------------

    @mute_logger("odoo.addons.base.models.ir_rule")
    def test_no_dialog_opens_on_what_is_not_theirs(self):
        dialogs = [n for n in our_records(self.env) if self.env[n]._transient]
        for name in dialogs:
            model = self.env[name]
            arguments = self.arguments(model, type(model).default_get)
            for about in our_records(self.env):
                ids = self.records[about].ids
                context = {
                    "active_model": about,
                    "active_id": ids[0],
                    "active_ids": ids,
                }
                for role in ("user", "manager"):
                    with self.subTest(model=name, about=about, role=role):
                        answer, __ = self.call(
                            role, name, "default_get", context=context, **arguments
                        )
                        self.check_silent(answer)

    # -- Rules and groups -------------------------------------------------------------

    def test_every_model_has_a_rule(self):
        for name in our_records(self.env):
            rules = self.env["ir.rule"].search([("model_id.model", "=", name)])
            domains = " ".join(filter(None, rules.mapped("domain_force")))
            word = "create_uid" if self.env[name]._transient else "company_ids"
            if name in SHARED:
                self.assertIsNone(company_path(self.env, name), name)
            else:
                self.assertIn(word, domains, name)

    def test_whatever_people_change_is_bounded(self):
        Access, bounded = self.env["ir.model.access"], self.registry["sync.bounded"]
        for name in our_records(self.env):
            rights = Access.search([("model_id.model", "=", name)])
            if rights.filtered(lambda r: r.perm_write or r.perm_create):
                self.assertTrue(issubclass(self.registry[name], bounded), name)


def _word(answer):
    """How a method answered, in a word."""
    if isinstance(answer, Exception):
        return type(answer).__name__
    if isinstance(answer, dict) and answer.get("success") is False:
        return str((answer["error"] or {}).get("type"))
    return "answers"
