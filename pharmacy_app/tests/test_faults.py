"""Each fault is what it says, as a client sees it."""

import time
from datetime import datetime
from email.utils import parsedate_to_datetime

import pytest
import requests


def names(pharmacy):
    return [item["name"] for item in pharmacy.get("suppliers").json()["items"]]


@pytest.mark.parametrize(
    ("rule", "status", "code"),
    [
        ({"kind": "refuse_auth"}, 401, "unauthorized"),
        ({"kind": "forbid"}, 403, "forbidden"),
        ({"kind": "rate_limit", "retry_after": 3}, 429, "rate_limited"),
        ({"kind": "error"}, 503, "unavailable"),
        ({"kind": "error", "status": 500}, 500, "internal"),
    ],
)
def test_refusals_apply_nothing(pharmacy, rule, status, code):
    pharmacy.fault(rule | {"count": 1})
    answer = pharmacy.post("suppliers", {"name": "A"})
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    retry_after = rule.get("retry_after")
    assert answer.headers.get("Retry-After") == (retry_after and str(retry_after))
    assert names(pharmacy) == []


def test_a_reset_is_a_reset_and_applies_nothing(pharmacy):
    pharmacy.fault({"kind": "reset", "count": 1})
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        pharmacy.post("suppliers", {"name": "A"})
    assert names(pharmacy) == []


def test_a_lost_answer_was_applied(pharmacy):
    pharmacy.fault({"kind": "lost_answer", "match": {"method": "POST"}})
    with pytest.raises(requests.ConnectionError, match="without response"):
        pharmacy.post("suppliers", {"name": "A"})
    assert names(pharmacy) == ["A"]


def test_a_hanging_application_answers_nothing(pharmacy):
    pharmacy.fault({"kind": "hang", "seconds": 1, "count": 2})
    with pytest.raises(requests.ReadTimeout):
        pharmacy.post("suppliers", {"name": "A"}, timeout=0.3)
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError, match="without response"):
        pharmacy.post("suppliers", {"name": "A"})
    assert time.monotonic() - started >= 1
    assert names(pharmacy) == []


def test_a_dripping_answer_outlasts_the_read_timeout(pharmacy):
    pharmacy.fault({"kind": "drip", "bytes_per_second": 200, "count": 1})
    started = time.monotonic()
    answer = pharmacy.post("suppliers", {"name": "A"}, timeout=0.5)
    duration = time.monotonic() - started
    assert answer.json()["name"] == "A"
    assert duration >= 0.9 * len(answer.content) / 200 > 0.5


def test_corrupt_json_cannot_be_read(pharmacy):
    pharmacy.fault({"kind": "corrupt_json", "count": 1})
    answer = pharmacy.post("suppliers", {"name": "A"})
    assert answer.status_code == 201
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert names(pharmacy) == ["A"]


def test_a_wrong_schema_is_json_without_what_was_promised(pharmacy):
    pharmacy.fault({"kind": "wrong_schema", "count": 1})
    record = pharmacy.post("suppliers", {"name": "A"}).json()
    assert "id" not in record
    assert record["version"] == "v1"


def test_a_wrong_clock_shows_in_the_date_and_the_record(pharmacy):
    pharmacy.fault({"kind": "clock_skew", "seconds": 7200, "count": 1})
    answer = pharmacy.post("suppliers", {"name": "A"})
    for moment in (
        parsedate_to_datetime(answer.headers["Date"]).timestamp(),
        datetime.fromisoformat(
            answer.json()["updated_at"].replace("Z", "+00:00")
        ).timestamp(),
    ):
        assert moment - time.time() == pytest.approx(7200, abs=5)
    right = parsedate_to_datetime(pharmacy.get("suppliers").headers["Date"])
    assert right.timestamp() == pytest.approx(time.time(), abs=5)


def test_latency_delays_the_answer(pharmacy):
    pharmacy.fault({"kind": "latency", "seconds": 0.4})
    started = time.monotonic()
    assert pharmacy.post("suppliers", {"name": "A"}).status_code == 201
    assert time.monotonic() - started >= 0.4


def test_a_rule_hits_only_what_it_matches(pharmacy):
    match = {"method": "POST", "path": "/api/v1/purchase-orders*", "contains": "POISON"}
    pharmacy.fault({"kind": "error", "match": match})
    order = pharmacy.order(notes="healthy")
    item = {"method": "create", "data": {"supplier_id": order["supplier_id"]}}
    poisoned = item | {"data": item["data"] | {"notes": "POISON"}}
    path = "purchase-orders/batch"
    assert pharmacy.post(path, {"items": [item]}).status_code == 200
    assert pharmacy.post(path, {"items": [item, poisoned]}).status_code == 503
    assert pharmacy.get("purchase-orders?q=POISON").status_code == 200


def test_one_item_is_refused_and_the_others_are_applied(pharmacy):
    match = {"path": "*/batch", "contains": "POISON"}
    pharmacy.fault({"kind": "refuse_item", "status": 403, "match": match})
    items = [
        {"method": "create", "data": {"name": name}} for name in ("A", "POISON", "B")
    ]
    answer = pharmacy.post("suppliers/batch", {"items": items})
    statuses = [result["status"] for result in answer.json()["results"]]
    assert statuses == [201, 403, 201]
    assert answer.json()["results"][1]["error"]["code"] == "forbidden"
    names = {item["name"] for item in pharmacy.get("suppliers").json()["items"]}
    assert {"A", "B"} <= names and "POISON" not in names
    # Alone it is refused too, and what is no batch is not looked at.
    answer = pharmacy.post("suppliers/batch", {"items": items[1:2]})
    assert [result["status"] for result in answer.json()["results"]] == [403]
    assert pharmacy.post("suppliers", {"name": "POISON"}).status_code == 201


def test_counts_and_hits_are_shown(pharmacy):
    pharmacy.fault({"kind": "error", "count": 2}, seed=5)
    statuses = [pharmacy.get("suppliers").status_code for _ in range(4)]
    assert statuses == [503, 503, 200, 200]
    shown = pharmacy.get("/admin/faults").json()
    assert shown["seed"] == 5
    assert (shown["rules"][0]["hits"], shown["rules"][0]["count"]) == (2, 0)
    assert [entry["faults"] for entry in pharmacy.requests_seen()] == [
        ["error"],
        ["error"],
        [],
        [],
    ]
    pharmacy.fault({"kind": "error"})
    pharmacy.call("DELETE", "/admin/faults")
    assert pharmacy.get("suppliers").status_code == 200


def test_the_same_seed_repeats_the_same_faults(pharmacy):
    def statuses(seed):
        rules = (
            {"kind": "rate_limit", "probability": 0.3},
            {"kind": "error", "probability": 0.4},
        )
        pharmacy.fault(*rules, seed=seed)
        return [pharmacy.get("suppliers").status_code for _ in range(40)]

    first = statuses(7)
    assert set(first) == {200, 429, 503}
    assert statuses(7) == first
    assert statuses(8) != first
