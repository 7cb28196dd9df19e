import csv
import logging
import os
from collections import Counter
from pathlib import Path

import psycopg2

from odoo.exceptions import AccessError, MissingError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..walk import ORM, WalkCase
from ..walls import EXTREMES, MARK, ROLES, SHARED, company_path, our_records

_logger = logging.getLogger(__name__)
REFUSED = (AccessError, MissingError)
# Names a file for the walk's table: of each method how it answers each role.
TABLE = "PHARMACY_SYNC_WALK"


@tagged("post_install", "-at_install")
class TestWalls(WalkCase):
    """Nobody of company B reaches anything of company A, by any public method."""

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

    def check_of_model(self, name, method, answer, of_model):
        """A method of the model was called as it is meant to be; nothing was made."""
        own = name.startswith("sync.") and name not in SHARED
        if method == "create" and own and not self.env[name]._abstract:
            self.assertIsInstance(answer, (UserError, psycopg2.Error))
        elif of_model and method not in ORM:
            kinds = (dict, list, UserError)
            # Odoo's own method, which the addon extends, gives a number as text.
            kinds += (str,) if name == "ir.sequence" else ()
            self.assertIsInstance(answer, kinds)

    def check_silent(self, answer):
        """What is reported names nothing of A."""
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
                        # Whoever may export nothing is refused so.
                        reported = UserError if method == "export_data" else AccessError
                        self.assertIsInstance(answer, reported, method)
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
