"""Every argument of every method, whatever it is: an answer, and never an exception."""

import json
import xmlrpc.client

from hypothesis import HealthCheck, given, settings, strategies as st

from odoo.tests import tagged
from odoo.tools import mute_logger

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
        for part in (answer, *answer.get("results", ())):
            if isinstance(part, dict) and part.get("error"):
                self.assertIn("type", part["error"])
                self.assertNotIn("psycopg2", part["error"]["message"])
                self.assertNotEqual(part["error"]["type"], "unexpected", part)

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
                xmlrpc.client.dumps((answer,), allow_none=True).encode()
