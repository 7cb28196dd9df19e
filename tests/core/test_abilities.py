"""A record in a call of its own: the app says what it says of it in a batch."""

import uuid
from itertools import count

import pytest
from reference_app import KEY, started_app

from odoo.addons.pharmacy_sync.client import PharmacyClient
from odoo.addons.pharmacy_sync.client.abilities import (
    capabilities,
    heeds_versions,
    refusal_read_first,
    takes_batches,
    write_one,
)
from odoo.addons.pharmacy_sync.core.backend.abilities import (
    Ability,
    declared,
    has,
    leaps,
    reads_whole,
)
from odoo.addons.pharmacy_sync.core.exceptions import HttpError

_numbers = count()


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    with started_app(tmp_path_factory.mktemp("abilities")) as app:
        yield app


@pytest.fixture
def app(started):
    return started.empty()


@pytest.fixture
def client(app):
    key = ("abilities", next(_numbers))
    return PharmacyClient(key, app.url, KEY, internal=True)


def batch(client, item):
    return client.batch("suppliers", [item], "c")[0]


def single(client, item):
    return write_one(client, "suppliers", item, "c")


def made(client, **data):
    data = {"name": "Almenara", "city": "Lima", **data}
    item = {"method": "create", "external_ref": uuid.uuid4().hex, "data": data}
    return {**batch(client, item), "external_ref": item["external_ref"]}


def gone(client):
    supplier = made(client)
    batch(client, {"method": "delete", "id": supplier["id"], "if_match": 1})
    return supplier


def changing(supplier, version=1, **data):
    return {
        "method": "update",
        "id": supplier["id"],
        "if_match": version,
        "external_ref": supplier["external_ref"],
        "data": data or {"city": "Cusco"},
    }


def creating(ref=None, **data):
    return {"method": "create", "external_ref": ref or uuid.uuid4().hex, "data": data}


NOWHERE = {"id": "sup_none", "external_ref": "none"}
ITEMS = {
    "a new record": lambda client: creating(name="New"),
    "a new record that is refused": lambda client: creating(name=""),
    "one that is there": lambda client: creating(
        made(client)["external_ref"], name="Twice"
    ),
    "a change": lambda client: changing(made(client)),
    "a change that is refused": lambda client: changing(made(client), name=""),
    "a change of another version": lambda client: changing(made(client), 7),
    "a change of what never was": lambda client: changing(NOWHERE),
    "a change of what is gone": lambda client: changing(gone(client), 2),
    "a deletion": lambda client: {**changing(made(client)), "method": "delete"},
    "a deletion of what is gone": lambda client: {
        **changing(gone(client), 2),
        "method": "delete",
    },
}


def seen(result):
    """What the push looks at, without what differs from record to record."""
    data, current = result.get("data") or {}, result.get("current") or {}
    return {
        "status": result["status"],
        "code": (result.get("error") or {}).get("code"),
        "field": (result.get("error") or {}).get("field"),
        "exists": bool(result.get("existing_id")),
        "current": (current.get("version"), current.get("deleted")),
        "data": {name: data[name] for name in ("name", "city") if name in data},
    }


@pytest.mark.parametrize("item", ITEMS)
def test_a_single_call_says_what_a_batch_says(client, item):
    by_batch = batch(client, ITEMS[item](client))
    alone = single(client, ITEMS[item](client))
    if by_batch["status"] == 204:
        # The answer to a deletion is empty.
        by_batch["data"] = None
    elif by_batch["status"] < 300:
        assert alone["version"] == by_batch["version"]
        assert alone["id"] == alone["data"]["id"]
    assert seen(alone) == seen(by_batch)


def test_what_is_written_singly_is_written(app, client):
    ref = uuid.uuid4().hex
    supplier = {**single(client, creating(ref, name="A")), "external_ref": ref}
    assert client.find("suppliers", ref, "c")["id"] == supplier["id"]
    single(client, changing(supplier, city="Tacna"))
    now = client.get("suppliers", supplier["id"], "c")
    assert (now["name"], now["city"], now["version"]) == ("A", "Tacna", 2)
    single(client, {**changing(supplier, 2), "method": "delete"})
    assert client.get("suppliers", supplier["id"], "c")["deleted"] is True


def test_a_repeated_key_creates_nothing_new(client):
    item = {**creating(name="Once"), "idempotency_key": uuid.uuid4().hex}
    del item["external_ref"]
    item["external_ref"] = None
    first, again = single(client, item), single(client, item)
    assert first["id"] == again["id"]


def test_what_is_not_about_the_record_is_raised(app, client):
    for status in (500, 503):
        rule = {"kind": "error", "status": status}
        app.call("POST", "/admin/faults", json={"rules": [rule]})
        with pytest.raises(HttpError) as failed:
            single(client, creating(name="A"))
        assert failed.value.status == status


@pytest.mark.parametrize("silent", [False, True])
def test_batches_are_found(app, client, silent):
    """By what the app says, or by trying."""
    rest = ["capabilities"] if silent else []
    for hidden in ([], ["batch"]):
        app.hide(*hidden, *rest)
        there = capabilities(client, "c")
        assert (there is None) is silent
        if not silent:
            assert ("batch" in there) is not bool(hidden)
        assert takes_batches(client, "suppliers", "c") is not bool(hidden)
    assert app.there() == []


def test_versions_are_heeded_or_not(app, client):
    """By a change that changes nothing."""
    supplier = made(client)
    for hidden, heeds in (([], True), (["if_match"], False)):
        app.hide(*hidden)
        assert heeds_versions(client, "suppliers", supplier["id"], 7, "c") is heeds
    app.call("POST", "/admin/settings", json={"refuse_records": "business_rule"})
    assert heeds_versions(client, "suppliers", supplier["id"], 7, "c") is None
    assert client.get("suppliers", supplier["id"], "c") == supplier["data"]


@pytest.mark.parametrize("name", [name for name in ITEMS if "refused" not in name])
def test_reading_first_says_what_the_app_would(client, name):
    item = ITEMS[name](client)
    found = refusal_read_first(client, "suppliers", item, "c")
    result = batch(client, item)
    if result["status"] in (410, 412):
        assert (found["status"], found["current"]) == (
            result["status"],
            result["current"],
        )
    else:
        # What it never had it says itself.
        assert found is None


def test_what_an_app_is_believed_to_have():
    assert has(None, Ability.IF_MATCH)
    assert has({"batch": False}, Ability.IF_MATCH)
    assert not has(declared(["batch"]), Ability.IF_MATCH)
    assert has(declared(["batch", 7, None]), Ability.BATCH)


@pytest.mark.parametrize(
    ("found", "whole"),
    [
        (None, False),
        ({"change_feed": False}, False),
        ({"updated_since": False}, False),
        ({"change_feed": False, "updated_since": False}, True),
        ({"change_feed": False, "updated_since": False, "list": False}, False),
    ],
)
def test_a_whole_list_is_read_where_nothing_says_what_changed(found, whole):
    assert reads_whole(found) is whole


@pytest.mark.parametrize(
    ("based_on", "status", "version", "leaping"),
    [
        (3, 200, 4, False),
        (3, 200, 3, False),
        (3, 200, 5, True),
        (3, 204, 5, True),
        (0, 200, 2, True),
        (3, 412, 9, False),
        (3, 300, 9, False),
        (None, 201, 9, False),
        ("*", 200, 9, False),
        (3, 200, "9", False),
        (3, 200, 9.0, False),
        (3, 200, None, False),
        (3, 200, True, False),
    ],
)
def test_a_version_that_leaps(based_on, status, version, leaping):
    request = {} if based_on is None else {"if_match": based_on}
    assert leaps(request, {"status": status, "version": version}) is leaping
