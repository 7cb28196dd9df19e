import csv
import os
from pathlib import Path

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ...core.api.answer_status import status_of
from ..walk import WalkCase

# By whom each method may be called, as the documentation shows it.
KEPT = Path(__file__).parents[2] / "docs" / "developer" / "rights.csv"
HEAD = ["Model", "Method", "For whom"]
# Odoo's own, of any form: they say what may be filled in.
OF_FORMS = ("default_get", "onchange")
# Names a file for the table as it is.
TABLE = "PHARMACY_SYNC_RIGHTS"


@tagged("post_install", "-at_install")
class TestRights(WalkCase):
    """Who of a company may call which method on that company's own records."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.people = cls.make_people("own", cls.company)
        cls.backend.user_id = cls.people["api"]

    @mute_logger("odoo.sql_db", "odoo.addons.base.models.ir_rule")
    def test_each_role_may_call_what_is_documented(self):
        found = {}
        for name, method, function, role in self.ways():
            of_model = getattr(function, "_api_model", False)
            if method in OF_FORMS or not (of_model or name in self.records):
                continue
            arguments = self.arguments(self.env[name], function)
            ids = None if of_model else self.own(name, role).ids
            answer, __ = self.call(role, name, method, ids, **arguments)
            may = found.setdefault((name, method), [])
            if not _refused(answer):
                may.append(role)
        people = {way: ", ".join(may) or "nobody" for way, may in found.items()}
        rows = [HEAD, *([*way, who] for way, who in people.items())]
        if path := os.environ.get(TABLE):
            with Path(path).open("w", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(rows)
        with KEPT.open(newline="") as file:
            self.assertEqual(rows, list(csv.reader(file)))

    def own(self, name, role):
        """One record of the model; a dialog is one that the caller has opened."""
        record = self.records[name][:1]
        if record._transient:
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET create_uid = %s WHERE id = %s",
                    SQL.identifier(record._table),
                    self.people[role].id,
                    record.id,
                )
            )
        return record


def _refused(answer):
    """Whether a method was not for the one who called it."""
    if isinstance(answer, dict) and answer.get("success") is False:
        return status_of(answer["error"]["type"]) in (401, 403)
    return isinstance(answer, AccessError)
