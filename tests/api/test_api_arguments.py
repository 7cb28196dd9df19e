"""Every argument of every method, whatever it is: an answer, and never an exception."""

import contextlib
import itertools
import json
import xmlrpc.client

from hypothesis import HealthCheck, given, settings, strategies as st

from odoo.tests import tagged
from odoo.tools import mute_logger

from ...entities.sync_entity_schema import ENVELOPE
from ..common import SyncCase

TEXTS = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["\0", "\ud800", "a\0b", "x" * 3000, "supplier", "purchase_order", "é\r\nX: 1", " "]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**31, 2**63, 10**40, -1, 0, 1])
    | st.floats()
    | TEXTS
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            TEXTS | st.sampled_from(["id", "version", "name", "lines", "deleted"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
ENTITIES = st.sampled_from(["supplier", "product", "purchase_order"]) | VALUES
METHODS = {
    "push": ("entity", "records", "idempotency_key"),
    "status": ("entity", "external_ids"),
    "lookup": ("entity", "external_ids"),
    "changes": ("entity", "cursor", "limit"),
    "conflicts": ("entity", "limit", "cursor"),
    "resolve": ("conflict_id", "side", "choices", "values", "reason", "fingerprint"),
    "retry": ("operation_ids", "external_ids", "entity"),
    "order": ("record", "idempotency_key"),
    "saga": ("saga",),
    "health": (),
    "statistics": ("range",),
}
# A good value for each argument, so that one bad one is looked at by itself too.
GOOD = {
    "entity": "supplier",
    "records": [],
    "external_ids": [],
    "limit": 10,
    "range": "24h",
    "conflict_id": 1,
    "side": "odoo",
    "operation_ids": [1],
    "record": {"id": "po_1", "supplier_id": "sup_1"},
    "idempotency_key": "key",
    "saga": 1,
}


@st.composite
def calls(draw):
    method = draw(st.sampled_from(sorted(METHODS)))
    names = (*METHODS[method], "correlation_id")
    bad = draw(st.sets(st.sampled_from(names), min_size=1))
    arguments = {name: GOOD[name] for name in names if name in GOOD}
    for name in sorted(bad):
        arguments[name] = draw(ENTITIES if name == "entity" else VALUES)
    if "records" in bad and draw(st.booleans()):
        arguments["records"] = draw(st.lists(VALUES, max_size=3))
    return method, arguments


@tagged("post_install", "-at_install")
class TestApiArguments(SyncCase):
    def setUp(self):
        super().setUp()
        self.api = self.env["sync.api"].with_user(self.api_user)

    def assert_answer(self, answer):
        self.assertIsInstance(answer["success"], bool)
        self.assertRegex(answer["correlation_id"], r"^[!-~]{1,200}$")
        json.dumps(answer).encode()
        xmlrpc.client.dumps((answer,), allow_none=True).encode()
        for part in (answer, *answer.get("results", ())):
            if isinstance(part, dict) and part.get("error"):
                self.assertIn("type", part["error"])
                self.assertNotIn("psycopg2", part["error"]["message"])
                self.assertNotEqual(part["error"]["type"], "unexpected", part)

    def test_each_argument_of_each_method_is_tried(self):
        declared = {
            method.name: tuple(
                argument.name
                for argument in method.arguments
                if argument.name != "correlation_id"
            )
            for method in self.env["sync.api"]._methods()
        }
        self.assertEqual(declared, METHODS)

    def test_any_call_has_an_answer(self):
        @settings(
            max_examples=150,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(calls())
        def call(asked):
            method, arguments = asked
            with self.env.cr.savepoint():
                self.assert_answer(getattr(self.api, method)(**arguments))
                self.env.flush_all()

        with mute_logger("odoo.sql_db"):
            call()

    def test_any_value_in_any_place_of_a_record_leaves_its_neighbours(self):
        """Each field that is declared, and the lines', beside two good records."""
        line = {"key": "1", "product_id": "prd_1", "quantity": 1, "unit_price": 2}
        rest = {"supplier_id": "sup_1", "lines": [line]}
        self.api.push("supplier", [{"id": "sup_1", "name": "Sur"}])
        self.api.push("product", [{"id": "prd_1", "name": "Gauze"}])
        places, number = self.places(), itertools.count()

        @settings(
            max_examples=120,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.sampled_from(places), VALUES, VALUES)
        def push(place, value, item):
            entity, of_line, name = place
            lines = [{**line, name: value}] if of_line else [item]
            put = {"lines": lines} if of_line or name == "lines" else {name: value}
            records = [
                {"id": f"{entity}_{next(number)}", "version": 1, "name": "N", **rest}
                for __ in range(3)
            ]
            if entity != "purchase_order":
                records = [{**r, "lines": None} for r in records]
            records[1].update(put)
            with self.env.cr.savepoint():
                answer = self.api.push(entity, records)
                self.env.flush_all()
            self.assert_answer(answer)
            first, bad, last = answer["results"]
            self.assertEqual({first["operation"], last["operation"]}, {"created"})
            if bad["operation"] == "failed":
                self.assertTrue(bad["error"]["field"], (place, value, bad))

        with mute_logger("odoo.sql_db"):
            push()

    def places(self):
        """``(entity, whether of a line, name)`` of each field that is declared."""
        found = []
        for entity, adapter in self.env["sync.entity"]._entities().items():
            names = {*ENVELOPE, *(c.key for c in adapter._known_converters())}
            found += [(entity, False, name) for name in sorted(names)]
            of_lines = [c.key for c in adapter._known_line_converters()]
            if of_lines:
                found += [(entity, True, name) for name in ("key", *of_lines)]
                found.append((entity, False, "lines"))
        return found

    def test_no_call_has_more_than_one_connection_besides_its_own(self):
        """More of them at once than there are connections would wait for each other."""
        opened, most = [], []
        real = self.registry.cursor

        @contextlib.contextmanager
        def counted(*args, **kwargs):
            with real(*args, **kwargs) as cr:
                opened.append(cr)
                most.append(len(opened))
                try:
                    yield cr
                finally:
                    opened.remove(cr)

        made = self.make_order()
        self.sync()
        order = self.mapping(made)
        self.patch(self.registry, "cursor", counted)
        for entity, id_ in (("supplier", "sup_1"), ("product", "prd_1")):
            record = {"id": id_, "version": 1, "name": "New"}
            self.api.push(entity, [record, {**record, "id": "bad", "name": 7}])
            self.api.push(entity, [{**record, "version": 2, "name": "Other"}], "key")
            self.api.push(entity, [{**record, "version": 3, "deleted": True}])
        line = {"key": "1", "product_id": "none", "quantity": 1, "unit_price": 1}
        new = {"id": "po_new", "version": 1, "supplier_id": "none", "lines": [line]}
        self.api.push("purchase_order", [new])
        for method, names in METHODS.items():
            given = {name: GOOD[name] for name in names if name in GOOD}
            if "external_ids" in given:
                given |= {
                    "entity": "purchase_order",
                    "external_ids": [order.external_id],
                }
            if method == "retry":
                del given["operation_ids"]
            with self.subTest(method):
                getattr(self.api, method)(**given)
        self.assertEqual(max(most), 1)

    def test_no_context_that_is_sent_changes_an_answer(self):
        for number, context in enumerate(
            (
                {"lang": "xx_XX"},
                {"lang": ["es_ES"]},
                {"tz": 5},
                {"allowed_company_ids": ["x"]},
                {"default_name": "Norte", "default_active": False},
                {"active_test": "no", "bin_size": True, "prefetch_fields": False},
                {"sync_correlation_id": [], "job_uuid": {}, "sync_alike": 1},
            )
        ):
            with self.subTest(str(context)):
                record = {"id": f"sup_{number}", "version": 1, "name": "Sur"}
                api = self.api.with_env(self.api.env(context=context))
                (result,) = api.push("supplier", [record])["results"]
                self.assertEqual(result["operation"], "created", result)
                partner = self.env["res.partner"].browse(result["odoo_id"])
                self.assertEqual((partner.name, partner.active), ("Sur", True))
                refused = api.push("invoice", [])
                self.assertEqual(refused["error"]["field"], "entity")

    def test_the_argument_at_fault_is_named(self):
        long = "x" * 201
        for method, arguments, field in (
            ("health", {"correlation_id": "a b"}, "correlation_id"),
            ("health", {"correlation_id": "a\0b"}, "correlation_id"),
            ("health", {"correlation_id": "\ud800"}, "correlation_id"),
            ("health", {"correlation_id": long}, "correlation_id"),
            ("health", {"correlation_id": "abc\r\nX-Evil: 1"}, "correlation_id"),
            ("health", {"correlation_id": 7}, "correlation_id"),
            ("push", {"entity": ["supplier"], "records": []}, "entity"),
            ("push", {"entity": "supplier", "records": {}}, "records"),
            ("push", {"entity": "supplier", "records": [{}] * 501}, "records"),
            (
                "push",
                {"entity": "supplier", "records": [], "idempotency_key": long},
                "idempotency_key",
            ),
            (
                "push",
                {"entity": "supplier", "records": [], "idempotency_key": "a\0"},
                "idempotency_key",
            ),
            ("status", {"entity": "supplier", "external_ids": [{}]}, "external_ids[0]"),
            (
                "status",
                {"entity": "supplier", "external_ids": ["a", "\0"]},
                "external_ids[1]",
            ),
            (
                "lookup",
                {"entity": "supplier", "external_ids": ["\ud800"]},
                "external_ids[0]",
            ),
            ("lookup", {"entity": "\ud800", "external_ids": []}, "entity"),
            ("changes", {"entity": "supplier", "limit": True}, "limit"),
            ("changes", {"entity": "supplier", "cursor": "a\0"}, "cursor"),
            ("changes", {"entity": "supplier", "cursor": 5}, "cursor"),
            ("conflicts", {"limit": "5"}, "limit"),
            ("conflicts", {"cursor": 2**31}, "cursor"),
            ("resolve", {"conflict_id": True}, "conflict_id"),
            ("resolve", {"conflict_id": "\ud800"}, "conflict_id"),
            ("saga", {"saga": "x"}, "saga"),
            ("saga", {"saga": {}}, "saga"),
            ("order", {"record": [], "idempotency_key": "k"}, "record"),
            ("order", {"record": {"id": "a\0"}, "idempotency_key": "k"}, "record.id"),
            ("order", {"record": {"id": " "}, "idempotency_key": "k"}, "id"),
            ("order", {"record": {"id": "a"}, "idempotency_key": 5}, "idempotency_key"),
        ):
            with self.subTest(method=method, field=field):
                answer = getattr(self.api, method)(**arguments)
                self.assertFalse(answer["success"])
                self.assertEqual(answer["error"]["type"], "data_validation_failed")
                self.assertEqual(answer["error"]["field"], field or False)
                self.assert_answer(answer)
