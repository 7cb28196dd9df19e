"""Each method lets in those that have the key, and nobody else."""

import base64

import pytest
import requests
from conftest import KEY

from pharmacy_app.auth import Method


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def ask_for_token(pharmacy, secret=KEY, **more):
    form = {"grant_type": "client_credentials", "client_id": "odoo"}
    return requests.post(
        f"{pharmacy.url}/oauth/token",
        data={**form, "client_secret": secret, **more},
        timeout=10,
    )


@pytest.fixture
def asking(pharmacy):
    """A function that has the application ask for a method."""

    def ask(method, **more):
        pharmacy.post("/admin/settings", {"auth": method.value, **more})

    yield ask
    ask(Method.BEARER, token_seconds=3600, forget_tokens=True)


def known(pharmacy, headers):
    answer = requests.get(
        f"{pharmacy.url}/api/v1/suppliers", headers=headers, timeout=9
    )
    return answer.status_code == 200


def test_each_takes_its_own_headers_only(pharmacy, asking):
    asking(Method.OAUTH2)
    token = ask_for_token(pharmacy).json()["access_token"]
    headers = {
        Method.BEARER: {"Authorization": f"Bearer {KEY}"},
        Method.BASIC: {"Authorization": basic("odoo", KEY)},
        Method.HEADER: {"X-Pharmacy-Key": KEY},
        Method.OAUTH2: {"Authorization": f"Bearer {token}"},
    }
    for method in Method:
        asking(method)
        found = [each for each in Method if known(pharmacy, headers[each])]
        assert found == [method]
        assert not known(pharmacy, {"Authorization": basic("odoo", "wrong")})
        assert not known(pharmacy, {"Authorization": "Basic !"})
        assert not known(pharmacy, {"X-Pharmacy-Key": "wrong"})
        assert not known(pharmacy, {})


def test_a_token_ends(pharmacy, asking):
    asking(Method.OAUTH2, token_seconds=0)
    answer = ask_for_token(pharmacy)
    assert answer.json()["expires_in"] == 0
    token = answer.json()["access_token"]
    assert not known(pharmacy, {"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("more", "status", "error"),
    [
        ({"secret": "wrong"}, 401, "invalid_client"),
        ({"scope": "admin"}, 400, "invalid_scope"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_others_get_no_token(pharmacy, more, status, error):
    answer = ask_for_token(pharmacy, **more)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_giving_tokens_fails_on_request(pharmacy):
    rule = {"kind": "error", "status": 503, "match": {"path": "/oauth/token"}}
    pharmacy.fault(rule)
    assert ask_for_token(pharmacy).status_code == 503
    (seen,) = pharmacy.requests_seen()
    assert (seen["path"], seen["status"]) == ("/oauth/token", 503)
