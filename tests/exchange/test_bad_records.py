"""What an app sends that nobody can keep, by each of the roads that records come."""

import json
import random

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..common import KEY, SyncCase

_random = random.Random(20261128)
# Incompressible: PostgreSQL compresses what it indexes.
LONG = "".join(chr(_random.randint(0x4E00, 0x9FFF)) for __ in range(3000))
DEEP = json.loads("[" * 200 + "]" * 200)
# Fields of a supplier, with values of which the record is refused, and the place that
# the error names.
BAD_FIELDS = (
    ("name", "a\0b", "name"),
    ("name", "Perro \ud83d", "name"),
    ("name", LONG, "name"),
    ("name", {"text": "Alba"}, "name"),
    ("name", ["Alba"], "name"),
    ("name", 10**60, "name"),
    ("name", "", "name"),
    ("reference", LONG, "reference"),
    ("vat", LONG, "vat"),
    ("email", {"a": ["x\0"]}, "email.a[0]"),
    ("email", "orders@example.com\nBcc: all@example.com", "email"),
    ("email", "orders@example.com\u2028", "email"),
    ("country_code", ["ES"], "country_code"),
    ("country_code", "XX", "country_code"),
    ("active", "yes", "active"),
    ("comment", {"deep": DEEP}, None),
    ("comment", "x" * 5_000_000, "comment"),
    ("co\0lour", "red", "co⟨!U+0000⟩lour"),
    ("external_ref", ["x"], "external_ref"),
    ("external_ref", [], "external_ref"),
    ("external_ref", 0, "external_ref"),
    ("version", "v1", "version"),
    ("version", True, "version"),
    ("version", -1, "version"),
    ("version", 2**31, "version"),
    ("deleted", "false", "deleted"),
    ("deleted", 0, "deleted"),
)
BAD_IDS = (None, "", " ", 7, ["x"], "a\0b", "\ud83d", LONG, "a\nb")
MORE_FIELDS = {
    "product": (
        ("code", LONG, "code"),
        ("barcode", LONG, "barcode"),
        ("uom", ["Units"], "uom"),
        ("uom", "Barrels", "uom"),
        ("cost", "1_000", "cost"),
        ("cost", "\N{ARABIC-INDIC DIGIT FIVE}", "cost"),
        ("cost", "NaN", "cost"),
        ("cost", "1e999999999", "cost"),
        ("price", 10**15, "price"),
        ("price", {"amount": 1}, "price"),
    ),
    "purchase_order": (
        ("reference", LONG, "reference"),
        ("state", [], "state"),
        ("state", {}, "state"),
        ("state", "gone", "state"),
        ("ordered_at", "9999-12-31T23:59:59-12:00", "ordered_at"),
        ("ordered_at", "0001-01-01T00:00:00Z", "ordered_at"),
        ("ordered_at", [], "ordered_at"),
        ("supplier_id", ["sup_1"], "supplier_id"),
        ("supplier_id", LONG, "supplier_id"),
        ("currency", "QQQ", "currency"),
        ("lines", "none", "lines"),
        ("lines", ["none"], "lines[0]"),
        ("lines", [None], "lines[0]"),
        ("lines", [7], "lines[0]"),
        ("lines", [{}] * 1001, "lines"),
        ("lines", [{"key": "a\nb"}], "lines[0].key"),
        ("notes", "a\0b", "notes"),
    ),
}
BAD_LINES = (
    ("quantity", "1_000", "lines[1].quantity"),
    ("quantity", 10**15, "lines[1].quantity"),
    ("uom", "Barrels", "lines[1].uom"),
    ("uom", ["Units"], "lines[1].uom"),
    ("description", "a\0b", "lines[1].description"),
    ("product_id", "a\nb", "lines[1].product_id"),
    ("key", "ln_0", "lines[1].key"),
    ("key", LONG, "lines[1].key"),
)


class BadRecordCase(SyncCase):
    def setUp(self):
        super().setUp()
        self.streams = self.backend.stream_ids
        self.suppliers = self.streams.filtered(lambda s: s.entity == "supplier")

    def known(self, *records):
        """How many of the app's records Odoo has."""
        return self.env["sync.mapping"].search_count(
            [
                ("backend_id", "=", self.backend.id),
                ("external_id", "in", [record["id"] for record in records]),
                ("res_id", "!=", False),
            ]
        )

    def bad_record(self, record, **put):
        self.app.fault("bad_record", record=record["id"], put=put)

    def assert_kept(self, operation, field=None):
        """The failure can be read, opened and exported by people."""
        self.assertEqual(operation.state, "dead", operation.reason)
        error = operation.error_ids.sorted("id")[-1:]
        self.assertEqual(error.type, "data_validation_failed", error.message)
        if field:
            self.assertIn(field, error.message)
        self.assertNotIn("SQL", error.message)
        operation.invalidate_recordset()
        for record in (operation, error):
            record.read()
        self.assertTrue(operation.display_name)
        self.assertTrue(operation._editable())


@tagged("post_install", "-at_install")
class TestBadPage(BadRecordCase):
    """A page of the app's feed with a bad record among good ones."""

    def pull_around(self, put):
        """Pull a page of three records, with ``put`` in the one in the middle.

        :return: (the good ones, the operation that keeps the bad one)
        """
        first, bad, last = (
            self.app.add("suppliers", name=f"Neighbour {n}") for n in range(3)
        )
        self.bad_record(bad, **put)
        before = self.operations(kind="apply")
        self.pull()
        self.assertEqual(self.known(first, last), 2)
        reported = self.app.call("GET", "/api/v1/changes?entity=suppliers&limit=500")
        self.assertEqual(self.suppliers.cursor, reported["next_cursor"])
        self.assertFalse(self.operations(kind="pull"))
        operation = self.operations(kind="apply") - before
        self.assertEqual(len(operation), 1)
        return bad, operation

    def test_fields(self):
        for name, value, field in BAD_FIELDS:
            with self.subTest(f"{name} {str(value)[:20]!a}"):
                __, operation = self.pull_around({name: value})
                self.assert_kept(operation, field)

    def test_ids(self):
        for value in BAD_IDS:
            with self.subTest(f"{str(value)[:20]!a}"):
                __, operation = self.pull_around({"id": value})
                self.assert_kept(operation, "id")

    def test_data_that_are_no_object(self):
        for value in (None, 5, "x", []):
            with self.subTest(value):
                __, operation = self.pull_around({"data": value})
                self.assert_kept(operation, "data")

    def test_the_next_pull_leaves_it_alone(self):
        __, operation = self.pull_around({"name": "a\0b"})
        attempts, errors = operation.attempts, operation.error_ids
        self.pull()
        self.assertEqual(operation.attempts, attempts)
        self.assertEqual(operation.error_ids, errors)
        self.assertEqual(len(self.operations(kind="apply")), 1)

    def test_redriven_as_it_is_it_fails_again(self):
        """What was marked is no value of the app's: it is not written."""
        bad, operation = self.pull_around({"name": "a\0b"})
        self.assertEqual(operation.payload["name"], "a⟨!U+0000⟩b")
        operation.action_redrive()
        self.pull()
        self.assert_kept(operation, "name")
        self.assertFalse(self.known(bad))

    def test_corrected_by_a_person_it_lands(self):
        bad, operation = self.pull_around({"name": "a\0b"})
        self.app.heal()
        operation._edit({"name": "Alba"})
        operation.action_redrive()
        self.pull()
        self.assertEqual(operation.state, "done")
        self.assertEqual(self.known(bad), 1)

    def test_mended_at_the_app_it_makes_up_for_the_dead_letter(self):
        bad, operation = self.pull_around({"name": "a\0b"})
        self.app.heal()
        self.app.edit("suppliers", bad["id"], name="Mended")
        self.pull()
        self.assertEqual(operation.state, "done")
        self.assertEqual(self.known(bad), 1)

    def test_a_number_longer_than_python_reads(self):
        first, bad, last = (self.app.add("products", name=f"N {n}") for n in range(3))
        # Digits in a row that are a number in the answer.
        self.bad_record(bad, cost=int("9" * 4000))
        self.pull()
        self.assertEqual(self.known(first, last), 2)
        self.assert_kept(self.operations(kind="apply"), "cost")

    def test_records_without_id_are_not_taken_for_each_other(self):
        for __ in range(2):
            good, bad = (self.app.add("suppliers", name=f"N {n}") for n in range(2))
            self.bad_record(bad, id=None)
            self.pull()
            self.assertEqual(self.known(good), 1)
        self.assertEqual(len(self.operations(kind="apply", state="dead")), 2)

    def test_control_characters_that_can_be_kept_land(self):
        texts = ["Esc \x1b[31m", "A\x0bB", "\ufeffNorte", "\u202eteV", "Cre\u0301me 🐶"]
        made = [self.app.add("suppliers", name=text) for text in texts]
        self.pull()
        self.assertEqual(self.known(*made), len(texts))
        self.assertFalse(self.operations(kind="apply"))

    def test_what_postgresql_refuses_is_the_record_s_failure(self):
        """An index of another addon, over what each for itself is short enough."""
        self.env.cr.execute(
            "CREATE INDEX another_idx ON res_partner ((street || street2 || city))"
        )
        names = ("street", "street2", "city")
        long = {name: LONG[450 * n :][:450] for n, name in enumerate(names)}
        with mute_logger("odoo.sql_db"):
            __, operation = self.pull_around(long)
        self.assert_kept(operation)

    def refuse(self, table, condition, using):
        """Have PostgreSQL refuse rows of a table."""
        self.env.cr.execute(
            f"""CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN IF {condition} THEN RAISE EXCEPTION 'SELECT secret FROM t'
                   USING {using}; END IF; RETURN NEW; END $$"""
        )
        self.env.cr.execute(
            f"""CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON {table}
                FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse()"""
        )

    def test_a_missing_value_goes_by_its_name(self):
        self.refuse(
            "res_partner",
            "NEW.street = 'none'",
            "ERRCODE = '23502', TABLE = 'res_partner', COLUMN = 'street'",
        )
        with mute_logger("odoo.sql_db"):
            __, operation = self.pull_around({"street": "none"})
        self.assert_kept(operation, "Street is required")
        self.assertNotIn("secret", operation.last_error)

    def test_a_column_that_odoo_does_not_know_yet_is_waited_for(self):
        """Another addon is being installed: the record has all that it needs."""
        self.refuse(
            "res_partner",
            "NEW.street = 'none'",
            "ERRCODE = '23502', TABLE = 'res_partner', COLUMN = 'of_another_addon'",
        )
        with mute_logger("odoo.sql_db"):
            __, operation = self.pull_around({"street": "none"})
        self.assertEqual(operation.state, "waiting")
        self.assertEqual(operation.error_ids.type, "unexpected")
        self.assertIn("addon is installed", operation.error_ids.suggested_action)
        self.assertNotIn("secret", operation.last_error)
        self.env.cr.execute("DROP TRIGGER refuse ON res_partner")
        self.make_due()
        self.pull()
        self.assertEqual(operation.state, "done")

    def test_a_failure_beside_the_record_s_savepoint_is_its_own_too(self):
        """That a record was deleted is remembered for all at once."""
        first, bad, last = (self.app.add("suppliers", name=f"N {n}") for n in range(3))
        self.refuse(
            "sync_mapping", f"NEW.external_id = '{bad['id']}'", "ERRCODE = '22023'"
        )
        self.bad_record(bad, deleted=True)
        with mute_logger("odoo.sql_db"):
            self.pull()
        self.assertEqual(self.known(first, last), 2)
        operation = self.operations(kind="apply")
        self.assertEqual(operation.state, "dead")
        self.assertEqual(operation.error_ids.type, "data_validation_failed")
        self.assertEqual(operation.external_id, bad["id"])


@tagged("post_install", "-at_install")
class TestBadPush(BadRecordCase):
    """The same by a call of the app's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.api = cls.env["sync.api"].with_user(cls.api_user)

    def setUp(self):
        super().setUp()
        self.api.push("supplier", [self.record("supplier", "sup_1")])
        self.api.push("product", [self.record("product", "prd_1")])
        self.number = 0

    def record(self, entity, id_):
        record = {"id": id_, "version": 1, "name": f"Name of {id_}"}
        if entity == "purchase_order":
            record.update(supplier_id="sup_1", lines=[self.line(n) for n in range(2)])
        return record

    def line(self, number):
        return {
            "key": f"ln_{number}",
            "product_id": "prd_1",
            "quantity": 1,
            "unit_price": "2.50",
        }

    def push_around(self, entity, put):
        self.number += 1
        first, bad, last = (
            self.record(entity, f"{entity}_{self.number}_{n}") for n in range(3)
        )
        bad.update(put)
        answer = self.api.push(
            entity, [first, bad, last], f"key-{self.number}", f"cor-{self.number}"
        )
        self.env.flush_all()
        outcomes = [result["operation"] for result in answer["results"]]
        self.assertEqual(outcomes, ["created", "failed", "created"], answer)
        result = answer["results"][1]
        self.assertEqual(result["index"], 1)
        self.assertEqual(result["correlation_id"], f"cor-{self.number}")
        self.assertEqual(result["error"]["type"], "data_validation_failed", result)
        self.assertFalse({"SELECT", "Traceback", "DETAIL"} & set(str(answer).split()))
        json.dumps(answer).encode()
        kept = self.env["sync.error"].search(
            [("correlation_id", "=", f"cor-{self.number}")]
        )
        self.assertEqual(kept.type, "data_validation_failed")
        return result["error"]

    def test_fields(self):
        for entity, table in {"supplier": BAD_FIELDS, **MORE_FIELDS}.items():
            for name, value, field in table:
                with self.subTest(f"{entity} {name} {str(value)[:20]!a}"):
                    error = self.push_around(entity, {name: value})
                    if field:
                        self.assertEqual(error["field"], field)

    def test_lines(self):
        for name, value, field in BAD_LINES:
            with self.subTest(f"{name} {str(value)[:20]!a}"):
                lines = [self.line(0), {**self.line(1), name: value}]
                error = self.push_around("purchase_order", {"lines": lines})
                self.assertEqual(error["field"], field)

    def test_ids(self):
        for value in BAD_IDS:
            with self.subTest(f"{str(value)[:20]!a}"):
                error = self.push_around("supplier", {"id": value})
                self.assertEqual(error["field"], "id")

    def test_things_that_are_no_records(self):
        for value in (None, 7, "x", [], [["id", "x"]]):
            answer = self.api.push(
                "supplier", [value, self.record("supplier", f"sup_{value}")]
            )
            outcomes = [result["operation"] for result in answer["results"]]
            self.assertEqual(outcomes, ["failed", "created"], value)

    def test_a_product_that_a_line_lacks_is_named_with_its_line(self):
        order = self.record("purchase_order", "po_1")
        order["lines"][1]["product_id"] = "prd_unknown"
        (result,) = self.api.push("purchase_order", [order])["results"]
        self.assertEqual(result["operation"], "queued")
        self.assertEqual(result["error"]["field"], "lines[1].product_id")

    def test_deleted_is_a_flag(self):
        self.api.push("purchase_order", [self.record("purchase_order", "po_1")])
        order = self.env["sync.mapping"].search([("external_id", "=", "po_1")])
        for number, value in enumerate(("false", "0", "no", [0], 5, {}, 1), 2):
            record = {"id": "po_1", "version": number, "deleted": value}
            (result,) = self.api.push("purchase_order", [record])["results"]
            self.assertEqual(result["error"]["field"], "deleted", value)
            self.assertEqual(order._record().state, "draft")
        record = {"id": "po_1", "version": 20, "deleted": True}
        (result,) = self.api.push("purchase_order", [record])["results"]
        self.assertEqual(result["operation"], "deleted")


@tagged("post_install", "-at_install")
class TestBadAnswer(BadRecordCase):
    """The same in the answer to a push: what the app has now in place of it."""

    def setUp(self):
        super().setUp()
        self.bad, self.good = self.make_order(), self.make_order()
        self.push()

    def refuse_edit(self, **put):
        """Both sides change a record; the app's answer reports it with ``put``."""
        self.app.heal()
        theirs = self.at_app(self.bad)
        self.app.edit("purchase-orders", theirs["id"], notes="Ring twice")
        self.bad_record(theirs, **put)
        self.bad.origin, self.good.origin = "PH-1", "PH-2"
        self.push()
        self.assertEqual(self.at_app(self.good)["reference"], "PH-2")
        self.assertFalse(self.operations(state="running"))

    def test_what_cannot_be_kept_is_a_dead_letter(self):
        for value, field in (("a\0b", "reference"), (["x"], "reference")):
            with self.subTest(value):
                self.refuse_edit(reference=value)
                self.assert_kept(self.operations(kind="apply", state="dead"), field)

    def test_without_id_it_is_a_refusal_and_goes_later(self):
        for __ in range(2):
            self.refuse_edit(id=None)
            self.assertFalse(self.operations(kind="apply"))
            error = self.operations(kind="push").error_ids.sorted("id")[-1]
            self.assertEqual(error.type, "version_conflict")
        self.app.heal()
        for __ in range(2):
            self.make_due()
            self.sync()
        self.assertEqual(self.at_app(self.bad)["reference"], "PH-1")
        self.assertIn("Ring twice", self.bad.note)

    def test_an_answer_that_cannot_be_read_is_asked_for_again(self):
        self.good.origin = "PH-3"
        self.app.fault("corrupt_json", count=1)
        self.push()
        operation = self.operations(mapping_id=self.mapping(self.good).id)[0]
        self.assertEqual(operation.state, "waiting")
        self.assertEqual(operation.error_ids.type, "outcome_unknown")
        self.make_due()
        self.push()
        self.assertEqual(operation.state, "done")
        self.assertEqual(self.at_app(self.good)["reference"], "PH-3")


@tagged("post_install", "-at_install")
class TestDeadPull(SyncCase):
    """A reading that cannot succeed is not made anew each minute."""

    def calls(self):
        return len([r for r in self.app.requests() if "/changes" in r["path"]])

    def test_a_revoked_key_is_used_once_until_it_is_renewed(self):
        theirs = self.app.add("suppliers", name="Farmacia Sur")
        self.backend.api_key = "revoked"
        before = self.calls()
        for __ in range(3):
            self.pull()
        # The page, and one of each entity to test the key.
        self.assertEqual(self.calls(), before + 4)
        self.assertFalse(self.operations(kind="pull"))
        self.backend.api_key = KEY
        self.pull()
        mapping = self.env["sync.mapping"].search([("external_id", "=", theirs["id"])])
        self.assertTrue(mapping._record())

    def test_it_is_tried_once_more_when_an_hour_is_over(self):
        # A cursor that the app does not know.
        stream = self.backend.stream_ids.filtered(lambda s: s.entity == "supplier")
        stream.cursor = "of another app"
        self.pull()
        dead = self.operations(kind="pull", state="dead")
        self.assertTrue(dead)
        stream.cursor = False
        self.pull()
        self.assertEqual(set(dead.mapped("state")), {"dead"})
        dead.done_at = "2026-01-01 00:00:00"
        self.pull()
        self.assertEqual(set(dead.mapped("state")), {"done"})

    def test_pages_of_another_format_leave_the_cursor(self):
        made = [self.app.add("suppliers", name=f"Sur {n}") for n in range(2)]
        self.app.fault("wrong_schema")
        self.pull()
        self.assertEqual(
            self.operations(kind="pull").error_ids.mapped("type"), ["schema_mismatch"]
        )
        self.assertFalse(self.operations(kind="apply"))
        self.app.heal()
        self.make_due()
        self.pull()
        ids = [record["id"] for record in made]
        found = self.env["sync.mapping"].search([("external_id", "in", ids)])
        self.assertEqual(len(found), 2)

    def test_one_change_of_another_format_is_asked_for_again(self):
        """A page of a single change says no less of the app than one of many, until it
        is the same each time: then it is the change that is bad."""
        theirs = self.app.add("suppliers", name="Sur")
        bad = self.app.add("products", name="Norte")
        self.app.fault("wrong_schema")
        for __ in range(2):
            self.make_due()
            self.pull()
            self.assertFalse(self.operations(kind="apply"))
            found = self.operations(kind="pull")
            self.assertEqual(set(found.mapped("state")), {"waiting"})
        self.app.heal()
        self.app.fault("bad_record", record=bad["id"], put={"id": None})
        self.make_due()
        self.pull()
        mapping = self.env["sync.mapping"].search([("external_id", "=", theirs["id"])])
        self.assertTrue(mapping._record())
        self.assertTrue(self.operations(kind="apply", state="dead"))
        self.assertFalse(self.operations(kind="pull", state="waiting"))


@tagged("post_install", "-at_install")
class TestLookedUpIds(SyncCase, HttpCase):
    """An id is one segment of an address, whatever it looks like."""

    def test_ids_reach_nothing_else(self):
        api = self.env["sync.api"].with_user(self.api_user)
        supplier = self.app.add("suppliers", name="Farmacia Sur")
        product = self.app.add("products", name="Meloxicam")
        for id_ in (
            f"../products/{product['id']}",
            f"{supplier['id']}?x=1",
            f"{supplier['id']}#f",
            f"{supplier['id']}/",
            f"./{supplier['id']}",
            "..",
            ".",
            "%2e%2e",
        ):
            (result,) = api.lookup("supplier", [id_])["results"]
            self.assertFalse(result["success"], (id_, result))
            self.assertFalse(self.env["sync.cache"].search([("key", "=", id_)]))
        (result,) = api.lookup("supplier", [supplier["id"]])["results"]
        self.assertEqual(result["value"]["name"], "Farmacia Sur")

    def test_a_record_that_cannot_be_kept_is_a_typed_error(self):
        api = self.env["sync.api"].with_user(self.api_user)
        supplier = self.app.add("suppliers", name="Farmacia Sur")
        self.app.fault("bad_record", record=supplier["id"], put={"city": "a\0b"})
        (result,) = api.lookup("supplier", [supplier["id"]])["results"]
        self.assertEqual(result["error"]["type"], "data_validation_failed")
        self.assertEqual(result["error"]["field"], "city")
