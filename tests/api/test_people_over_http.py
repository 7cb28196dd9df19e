"""People, and the API user, over real HTTP: what they tried by the ids of another
company's records, or beyond their group."""

import json
import socket
from contextlib import closing

from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..common import KEY
from ..receivers import receiver
from ..walls import ROLES, WallsCase

RULES = "odoo.addons.base.models.ir_rule"
REFUSED = ("odoo.exceptions.AccessError", "odoo.exceptions.MissingError")


@tagged("post_install", "-at_install")
class TestPeopleOverHttp(WallsCase, HttpCase):
    def call(self, login, model, method, *args, **kwargs):
        """What a browser of this person gets: ``(result, name of the exception)``."""
        self.env.flush_all()
        self.authenticate(login, login)
        answer = self.url_open(
            f"/web/dataset/call_kw/{model}/{method}",
            json={
                "jsonrpc": "2.0",
                "method": "call",
                "params": {
                    "model": model,
                    "method": method,
                    "args": args,
                    "kwargs": kwargs,
                },
            },
        ).json()
        self.env.invalidate_all()
        return answer.get("result"), answer.get("error", {}).get("data", {}).get("name")

    def assert_refused(self, login, *asked, **kwargs):
        with self.subTest(login=login, asked=asked[:2]), mute_logger(RULES):
            result, name = self.call(login, *asked, **kwargs)
            self.assertIn(name, REFUSED, result)

    def ids(self, model):
        return self.records[model].ids

    def test_ids_of_another_company(self):
        before = self.rows_of_a()
        for model, method, *arguments in (
            ("sync.mapping", "action_break_link"),
            ("sync.operation", "action_assign_to_me"),
            ("sync.operation", "action_compare"),
            ("sync.operation", "action_redrive"),
            ("sync.operation", "read", ["kind"]),
            ("sync.initial.line", "action_leave"),
            ("sync.initial.line", "write", {"action": "leave"}),
            ("sync.initial.line", "read", ["record"]),
        ):
            for role in ("operator", "manager"):
                self.assert_refused(
                    f"b_{role}", model, method, self.ids(model), *arguments
                )
        operation, mapping = self.ids("sync.operation"), self.records["sync.mapping"]
        edit = {"operation_id": operation[0]}
        self.assert_refused("b_operator", "sync.operation.edit", "create", edit)
        link = {
            "stream_id": mapping.stream_id.id,
            "external_id": "sup_1",
            "record": f"res.partner,{self.env.company.partner_id.id}",
        }
        self.assert_refused("b_manager", "sync.link", "create", link)
        self.assertEqual(self.rows_of_a(), before)
        self.assertEqual(self.app.requests(), [])

    def test_a_key_stays_with_its_host(self):
        """Another company's, and one's own whose address is changed."""
        with receiver() as elsewhere:
            values = {
                "name": "X",
                "url": elsewhere.url,
                "backend_id": self.backend.id,
            }
            wizard = "sync.backend.connect"
            self.assert_refused("b_manager", wizard, "create", values)
            self.backend.internal_host = "127.0.0.1"
            own, __ = self.call("a_manager", wizard, "create", values)
            self.call("a_manager", wizard, "action_test", [own])
            __, name = self.call(
                "a_manager",
                "sync.backend",
                "write",
                self.backend.ids,
                {"url": elsewhere.url},
            )
            self.assertEqual(name, "odoo.exceptions.ValidationError")
            self.assertNotIn(KEY, json.dumps(elsewhere.got, default=repr))

    def test_the_network_cannot_be_looked_at(self):
        """An open port, a closed one and no port are answered alike, and not called."""
        said = set()
        with closing(socket.create_server(("127.0.0.1", 0))) as other:
            port = other.getsockname()[1]
            other.settimeout(0.1)
            for host in (f"127.0.0.1:{port}", "127.0.0.1:9", "0.0.0.0", "2130706433"):
                values = {"name": "X", "url": f"http://{host}", "api_key": "x"}
                wizard = ("b_manager", "sync.backend.connect")
                created, __ = self.call(*wizard, "create", values)
                self.call(*wizard, "action_test", [created])
                steps = self.env["sync.backend.connect"].browse(created).step_ids
                named = host.partition(":")[0]
                said.add(
                    tuple(
                        (s.name, s.state, (s.message or "").replace(named, "HOST"))
                        for s in steps
                    )
                )
            with self.assertRaises(TimeoutError):
                other.accept()
        self.assertEqual(len(said), 1, said)
        for url in ("http://u:secret@127.0.0.1", "http://127.0.0.1/?a=", "http://a/#"):
            values = {"name": "X", "url": url}
            __, name = self.call("b_manager", "sync.backend", "create", values)
            self.assertEqual(name, "odoo.exceptions.ValidationError", url)

    def test_what_is_kept_for_operators(self):
        new_test_user(self.env, "a_user", ROLES["user"])
        jobs = self.env["queue.job"].search_count([])
        for method in ("action_synchronise", "action_test_connection"):
            self.assert_refused("a_user", "sync.backend", method, self.backend.ids)
        self.assertEqual(self.env["queue.job"].search_count([]), jobs)
        self.assertEqual(self.app.requests(), [])
