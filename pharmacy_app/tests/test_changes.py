"""Whoever follows the feed misses nothing and sees nothing out of order."""

import sqlite3
import threading
from contextlib import closing

from conftest import running


def follow(pharmacy, cursor=None, **options):
    """All changes behind the cursor, page by page, and the cursor then."""
    changes, more = [], True
    while more:
        params = {"cursor": cursor, **options}
        page = pharmacy.get("changes", params=params).json()
        changes += page["changes"]
        cursor, more = page["next_cursor"], page["has_more"]
    return changes, cursor


def test_each_record_is_reported_once_with_its_last_state(pharmacy):
    first = pharmacy.create("suppliers", name="A")
    second = pharmacy.create("suppliers", name="B")
    pharmacy.patch(f"suppliers/{first['id']}", 1, {"name": "A2"})
    changes, cursor = follow(pharmacy, limit=1)
    assert [change["id"] for change in changes] == [second["id"], first["id"]]
    assert changes[-1]["data"]["name"] == "A2"
    assert changes[-1]["version"] == 2
    assert follow(pharmacy, cursor) == ([], cursor)


def test_one_entity_can_be_followed(pharmacy):
    order = pharmacy.order()
    changes, _ = follow(pharmacy, entity="purchase-orders")
    assert [change["id"] for change in changes] == [order["id"]]
    assert pharmacy.get("changes?entity=clinics").status_code == 422


def test_a_cursor_of_another_database_is_gone(pharmacy):
    answer = pharmacy.get("changes?cursor=1000000000000")
    assert answer.status_code == 410
    assert answer.json()["error"]["field"] == "cursor"
    assert pharmacy.get("changes?cursor=x").status_code == 422


def test_a_database_that_was_set_back_knows_its_lost_cursors(tmp_path):
    now, copy = tmp_path / "now.sqlite", tmp_path / "copy.sqlite"
    with running(now, deliver=False) as pharmacy:
        pharmacy.create("suppliers", name="A")
        _, kept = follow(pharmacy)
        with closing(sqlite3.connect(now)) as db, closing(sqlite3.connect(copy)) as to:
            db.backup(to)
        pharmacy.create("suppliers", name="B")
        _, lost = follow(pharmacy)
    with running(copy, deliver=False) as pharmacy:
        for name in "CDE":
            pharmacy.create("suppliers", name=name)
        # As many changes as before, and more; but others.
        assert pharmacy.get(f"changes?cursor={lost}").status_code == 410
        changes, _ = follow(pharmacy, kept)
        assert [change["data"]["name"] for change in changes] == ["C", "D", "E"]


def test_a_reset_does_not_turn_the_sequence_back(pharmacy):
    pharmacy.create("suppliers", name="A")
    _, cursor = follow(pharmacy)
    pharmacy.post("/admin/reset")
    second = pharmacy.create("suppliers", name="B")
    changes, _ = follow(pharmacy, cursor)
    assert [change["id"] for change in changes] == [second["id"]]


def test_concurrent_writers_lose_nothing_for_a_reader(pharmacy):
    writers, each = 4, 40
    finished = threading.Event()
    written = [{} for _ in range(writers)]

    def write(own):
        last = None
        for number in range(each):
            if number % 4 == 3:
                answer = pharmacy.patch(
                    f"suppliers/{last['id']}", last["version"], {"city": str(number)}
                )
                assert answer.status_code == 200
                last = answer.json()
            else:
                last = pharmacy.create("suppliers", name=f"S{number}")
            own[last["id"]] = last["version"]

    read = []

    def read_feed():
        cursor = None
        while True:
            over = finished.is_set()
            changes, cursor = follow(pharmacy, cursor, limit=3)
            read.extend(changes)
            if over:
                return

    threads = [threading.Thread(target=write, args=(own,)) for own in written]
    reader = threading.Thread(target=read_feed)
    for thread in (reader, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    finished.set()
    reader.join()
    sequence = [change["seq"] for change in read]
    assert sequence == sorted(set(sequence))
    expected = {key: version for own in written for key, version in own.items()}
    assert len(expected) == writers * each * 3 // 4
    seen = {change["id"]: change["version"] for change in read}
    assert seen == expected
