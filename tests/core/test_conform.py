"""The contract kit against the reference app as it is, with each ability hidden, and
with faults; and against what is no app at all."""

import json
import runpy
import sys

import pytest
from broken_servers import answering, server
from reference_app import KEY, ROOT, started_app

from odoo.addons.pharmacy_sync.client.conform import (
    Finding,
    State,
    as_text,
    command,
    run,
)
from odoo.addons.pharmacy_sync.client.conform.kit import ABILITIES, BASICS, _judged

# An ability that is hidden: what the kit says, and what shows it.
HIDDEN = {
    "batch": ("It answers 404.", "> POST /api/v1/suppliers/batch"),
    "capabilities": ("It answers 404.", "> GET /api/v1/capabilities"),
    "change_feed": ("It answers 404.", "> GET /api/v1/changes?entity=suppliers"),
    "checksums": ("It answers 404.", "> GET /api/v1/suppliers/checksums?buckets=4"),
    "external_ref": ("external_ref is not kept", '"external_ref": "conform-'),
    "idempotency_key": ("created a second record", "> Idempotency-Key: conform-"),
    "if_match": ("If-Match is ignored", '> If-Match: "1"'),
    "reservations": ("It answers 404.", "> POST /api/v1/reservations"),
    "updated_since": ("updated_since is ignored", "?updated_since=9999-12-31"),
    "webhooks": ("It answers 404.", "> POST /api/v1/webhooks"),
}
SUPPLIERS = "/api/v1/suppliers"
# A fault: the check that breaks, and what is said of it.
FAULTS = {
    "a batch that fails": (
        {"kind": "error", "match": {"path": "*/batch"}},
        ("batch", "does not answer 200"),
    ),
    "a feed that cannot be read": (
        {"kind": "corrupt_json", "match": {"path": "*/changes"}},
        ("change_feed", "has no changes"),
    ),
    "sums without records": (
        {"kind": "wrong_schema", "match": {"path": "*/checksums"}},
        ("checksums", "not in the bucket"),
    ),
    "ids that are not reported": (
        {"kind": "wrong_schema", "match": {"path": SUPPLIERS, "method": "POST"}},
        ("records", "no id (text) or"),
    ),
    "an answer that is lost": (
        {"kind": "lost_answer", "match": {"path": SUPPLIERS, "method": "POST"}},
        ("records", "No answer came"),
    ),
    "reservations that hang": (
        {"kind": "reset", "match": {"path": "*/reservations"}},
        ("reservations", "No answer came"),
    ),
}


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    with started_app(tmp_path_factory.mktemp("conform")) as app:
        yield app


@pytest.fixture
def app(started):
    return started.empty()


def states(report):
    return {finding.name: finding.state for finding in report.findings}


def finding_of(report, name):
    (finding,) = (each for each in report.findings if each.name == name)
    return finding


def test_the_reference_app_keeps_the_contract(app):
    own = app.call("POST", SUPPLIERS, json={"name": "Own"})["id"]
    report = run(app.url, KEY)
    assert set(states(report).values()) == {State.HOLDS}, as_text(report)
    assert set(states(report)) >= set(HIDDEN)
    assert report.passed
    assert [record["id"] for record in app.there()] == [own]
    assert KEY not in as_text(report, tuple(State))


def test_all_that_is_created_is_named(app):
    before = {change["id"] for change in app.call("GET", "/api/v1/changes")["changes"]}
    seen = []
    report = run(app.url, KEY, seen=seen.append)
    written = [
        asked
        for finding in seen
        for asked in finding.asked
        if asked.method == "POST" and asked.status == 201
    ]
    bodies = [json.dumps(asked.body) for asked in written]
    assert all(report.name in body for body in bodies if body != "null"), bodies
    changes = app.call("GET", "/api/v1/changes?limit=500")["changes"]
    made = [change for change in changes if change["id"] not in before]
    assert made
    assert all(report.name in json.dumps(change["data"]) for change in made)


@pytest.mark.parametrize("ability", HIDDEN)
def test_a_hidden_ability_is_absent_and_nothing_else(app, ability):
    app.hide(ability)
    report = run(app.url, KEY)
    others = {name: state for name, state in states(report).items() if name != ability}
    assert set(others.values()) == {State.HOLDS}, as_text(report)
    finding = finding_of(report, ability)
    why, shown = HIDDEN[ability]
    assert finding.state is State.ABSENT
    assert why in finding.why
    assert shown in finding.evidence()
    assert finding.cost.startswith("Without it")
    assert report.passed
    assert app.there() == []


def test_an_app_without_any_ability_still_keeps_the_rest(app):
    app.hide(*HIDDEN)
    report = run(app.url, KEY)
    found = states(report)
    assert {name for name in found if found[name] is State.ABSENT} == set(HIDDEN)
    assert {found[function.__name__] for function, __ in BASICS} == {State.HOLDS}
    assert app.there() == []


@pytest.mark.parametrize("fault", FAULTS)
def test_what_breaks_is_named_and_shown(app, fault):
    rule, (name, why) = FAULTS[fault]
    app.call("POST", "/admin/faults", json={"rules": [rule]})
    report = run(app.url, KEY)
    finding = finding_of(report, name)
    assert finding.state is State.BROKEN
    assert why in finding.why
    path = rule["match"]["path"].strip("*")
    assert path in finding.evidence()
    assert not report.passed
    app.call("DELETE", "/admin/faults")
    # Also what was created by a request whose answer was not understood.
    assert app.there() == []


def test_a_value_that_the_app_keeps_breaks_the_contract(app):
    app.call("POST", "/admin/settings", json={"keeps": ["name"]})
    finding = finding_of(run(app.url, KEY), "records")
    assert (finding.state, finding.why) == (
        State.BROKEN,
        "The change is not in the answer.",
    )


def test_what_could_not_be_removed_is_reported(app):
    rule = {"kind": "error", "match": {"method": "DELETE", "path": "*/products/*"}}
    app.call("POST", "/admin/faults", json={"rules": [rule]})
    report = run(app.url, KEY)
    left = sorted(f"/products/{record['id']}" for record in app.there())
    assert left
    assert sorted(report.left) == left
    assert not report.passed
    assert left[0] in as_text(report)


def test_abilities_are_what_the_app_says():
    absent = Finding("batch", "", State.ABSENT, "It answers 404.", "Without it")
    assert _judged(absent, None) == absent
    assert _judged(absent, set()) == absent
    lie = _judged(absent, {"batch"})
    assert (lie.state, lie.cost) == (State.BROKEN, "")
    assert lie.why == "The app declares batch. It answers 404."
    holds = Finding("batch", "", State.HOLDS)
    assert _judged(holds, {"batch"}) == holds
    assert _judged(holds, {"webhooks"}).why == "The app does not declare it."


def test_a_run_that_takes_too_long_ends_and_leaves_nothing(app):
    app.call(
        "POST", "/admin/faults", json={"rules": [{"kind": "latency", "seconds": 0.2}]}
    )
    report = run(app.url, KEY, seconds=1)
    assert finding_of(report, "records").state is not State.ABSENT
    late = finding_of(report, "webhooks")
    assert (late.state, late.why) == (
        State.BROKEN,
        "It was not tried: the time was over.",
    )
    app.call("DELETE", "/admin/faults")
    assert app.there() == []


def test_every_absence_has_its_price():
    assert all(cost.startswith("Without it") for __, __, cost in ABILITIES)


def test_what_is_no_app_is_asked_once():
    with server(answering(200, b"<html>")) as url:
        report = run(url, KEY)
    assert states(report) == {"health": State.BROKEN}
    assert not report.passed


@pytest.mark.parametrize(
    ("method", "words"),
    [("basic", ["--user", "odoo"]), ("header", ["--header", "X-Pharmacy-Key"])],
)
def test_it_says_who_it_is_as_the_app_asks(app, capsys, method, words):
    app.call("POST", "/admin/settings", json={"auth": method})
    try:
        assert command.main([app.url, "--key", KEY]) == 1
        assert command.main([app.url, "--key", KEY, *words]) == 0
    finally:
        app.call("POST", "/admin/settings", json={"auth": "bearer"})


def test_it_runs_without_odoo(app, capsys, monkeypatch):
    monkeypatch.setenv("PHARMACY_API_KEY", KEY)
    monkeypatch.setitem(sys.modules, "odoo", None)
    monkeypatch.setitem(sys.modules, "pharmacy_sync", None)
    for hidden, code, word in (([], 0, "0 absent"), (["batch"], 0, "1 absent")):
        app.hide(*hidden)
        for name in [n for n in sys.modules if n.startswith("pharmacy_sync.")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "argv", ["conform", app.url])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(ROOT / "client/conform"), run_name="__main__")
        assert ended.value.code == code
        assert word in capsys.readouterr().out
