"""What is documented of a record's fields is what its converters let in, and what the
reference app sends."""

import jsonschema_rs
from hypothesis import HealthCheck, given, settings, strategies as st

from odoo.tests import TransactionCase, tagged

from ...core.check.envelope import as_record, check_record
from ...core.check.text_checks import check_value
from ...core.exceptions import InvalidDataError
from ...entities.converters import is_empty
from ...entities.directory import Directory
from ...entities.sync_entity_schema import schema_of
from ..common import SyncCase

TEXTS = st.text(max_size=4) | st.sampled_from(
    ["EUR", "draft", "sent", " ", "", "x" * 500, "x" * 501, "x" * 255, "x" * 256]
)
NUMBERS = (
    st.integers(-(10**14), 10**14)
    | st.floats(-1e6, 1e6).map(lambda number: round(number, 3))
    | st.integers(-(10**12), 10**12).map(str)
    | st.sampled_from(
        ["1.5", "1e3", ".5", "5.", "1_000", "+1", " 1 ", "\u0665", "1e", "--1"]
    )
)
MOMENTS = st.sampled_from(
    ["2026-11-22T08:00:00Z", "2026-11-22T08:00:00+02:00", "yesterday", "2026-13-01"]
)
VALUES = (
    st.none()
    | st.booleans()
    | TEXTS
    | NUMBERS
    | MOMENTS
    | st.lists(TEXTS, max_size=1)
    | st.dictionaries(TEXTS, TEXTS, max_size=1)
)


@tagged("post_install", "-at_install")
class TestApiSchema(TransactionCase):
    def setUp(self):
        super().setUp()
        self.directory = Directory(self.env["sync.backend"])

    def converters(self):
        for adapter in self.env["sync.entity"]._entities().values():
            for converter in (*adapter._converters(), *adapter._line_converters()):
                yield adapter._entity, converter

    def is_let_in(self, converter, value):
        try:
            check_value(value)
            canonical = converter.arrived(value, self.directory)
        except InvalidDataError:
            return False
        return not (converter.required and is_empty(canonical))

    def test_what_is_documented_is_what_is_let_in(self):
        for entity, converter in self.converters():
            with self.subTest(entity=entity, field=converter.key):
                self.compare(converter)

    def compare(self, converter):
        validator = jsonschema_rs.validator_for(
            schema_of(converter), validate_formats=True
        )

        @settings(
            max_examples=150,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(VALUES)
        def compare(value):
            # Let in besides: false for null, as over XML-RPC; an empty text for no
            # date; blanks around what is no text.
            besides = (
                (value is False and converter.kind != "flag")
                or (value == "" and converter.kind == "moment")
                or (
                    isinstance(value, str)
                    and value != value.strip()
                    and converter.kind != "text"
                )
            )
            if besides:
                return
            described = validator.is_valid(value)
            self.assertEqual(self.is_let_in(converter, value), described, repr(value))

        compare()

    def test_every_field_says_what_leaving_it_out_means(self):
        for name, schema in self.env["sync.entity"]._schemas().items():
            jsonschema_rs.meta.validate(schema)
            for field, said in schema["properties"].items():
                with self.subTest(entity=name, field=field):
                    self.assertTrue(said["description"])
        order = self.env["sync.entity"]._schemas()["PurchaseOrder"]["properties"]
        self.assertIn("must have it", order["supplier_id"]["description"])
        self.assertIn("Left out", order["notes"]["description"])
        line = order["lines"]["items"]
        self.assertEqual(
            line["required"], ["key", "product_id", "quantity", "unit_price"]
        )


@tagged("post_install", "-at_install")
class TestAppsAnswers(SyncCase):
    """What the reference app answers is what is declared of the API's records."""

    def records(self, collection):
        """Each record as the app sends it: in a page, alone, and in the feed."""
        page = self.app.items(collection)
        feed = self.app.call("GET", f"/api/v1/changes?entity={collection}&limit=500")
        self.assertTrue(page and feed["changes"], collection)
        yield from page
        yield self.app.get(collection, page[0]["id"])
        yield from map(as_record, feed["changes"])

    def test_its_records_are_as_declared(self):
        self.app.call("POST", "/admin/seed", orders=20)
        schemas = self.env["sync.entity"]._schemas()
        adapters = self.env["sync.entity"]._entities().values()
        for schema, adapter in zip(schemas.values(), adapters, strict=True):
            validator = jsonschema_rs.validator_for(schema, validate_formats=True)
            known = set(schema["properties"])
            for record in self.records(adapter._entity_collection):
                with self.subTest(entity=adapter._entity, id=record["id"]):
                    errors = [str(error) for error in validator.iter_errors(record)]
                    self.assertEqual(errors, [])
                    self.assertLessEqual(set(record), known)
                    check_record(record)
