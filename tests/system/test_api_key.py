"""What the API user's key opens over the roads from outside: the API, and no model of
Odoo (``tests/api/test_api_user.py`` asks for each right); and where no key is seen."""

from collections import Counter

import psutil
import pytest
import requests

WAYS = {
    "search_read": {"domain": [], "fields": ["id"], "limit": 5},
    "unlink": {"ids": [1]},
}
MODELS = """
SELECT m.model FROM ir_model m
 WHERE NOT m.abstract AND m.model <> 'base' ORDER BY m.model
"""


# Hundreds of models, one after the other.
pytestmark = pytest.mark.timeout(900)


def open_models(stack, call, ways=tuple(WAYS)):
    """``{(model, method)}`` that the key was let through to."""
    found, answers = set(), Counter()
    for row in stack.query(MODELS):
        for method in ways:
            answer = call(row["model"], method, WAYS[method])
            answers[method, answer] += 1
            if answer == "rows":
                found.add((row["model"], method))
    print(dict(answers))
    return found


def test_the_key_opens_no_model_over_json_2(stack):
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {stack.prepared['api_key']}"

    def call(model, method, arguments):
        answer = session.post(
            f"{stack.odoo.url}/json/2/{model}/{method}", json=arguments, timeout=60
        )
        if not answer.ok:
            return answer.status_code
        return "rows" if answer.json() else "nothing"

    assert open_models(stack, call) == set()


def test_the_key_opens_no_model_over_rpc(stack):
    key = stack.prepared["api_key"]
    session = requests.Session()

    def rpc(service, method, *args):
        params = {"service": service, "method": method, "args": args}
        return session.post(
            f"{stack.odoo.url}/jsonrpc",
            json={"jsonrpc": "2.0", "method": "call", "params": params, "id": 1},
            timeout=60,
        ).json()

    uid = rpc("common", "login", stack.database, "pharmacy", key)["result"]

    def call(model, method, arguments):
        ids = [arguments["ids"]] if "ids" in arguments else []
        given = {k: v for k, v in arguments.items() if k != "ids"}
        answer = rpc(
            *("object", "execute_kw", stack.database, uid, key),
            *(model, method, ids, given),
        )
        if "error" in answer:
            return answer["error"]["data"]["name"]
        return "rows" if answer["result"] else "nothing"

    # The walls behind are the same: one way shows that they are there.
    assert open_models(stack, call, ("search_read",)) == set()


def test_no_secret_is_on_a_command_line(stack):
    """What the servers and their children were started with: all users see that."""
    secrets = (stack.app.key, stack.app.webhook_secret, stack.prepared["api_key"])
    servers = [stack.odoo.process(), stack.app.process()]
    every = [p for server in servers for p in (server, *server.children(True))]
    words = [word for p in every for word in psutil.Process(p.pid).cmdline()]
    assert words
    assert not [word for word in words for secret in secrets if secret in word]
