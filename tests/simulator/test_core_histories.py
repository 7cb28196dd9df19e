"""Ten thousand histories of both sides; see ``docs/developer/workshop.rst``."""

import os

import pytest

from .history import run

HISTORIES = int(os.environ.get("PHARMACY_SYNC_HISTORIES") or 10_000)
SEED = os.environ.get("PHARMACY_SYNC_SEED")
SHARES = 10


def check(seeds):
    """:raise AssertionError: with the shortest history that breaks a law"""
    bad = [result for result in map(run, seeds) if result.broken]
    if bad:
        shortest = min(bad, key=lambda result: len(result.log))
        pytest.fail(
            f"{len(bad)} of {len(seeds)} histories break a law; to replay the shortest:"
            f" PHARMACY_SYNC_SEED={shortest.seed}\n{shortest.story()}",
            pytrace=False,
        )


if SEED is None:

    @pytest.mark.parametrize("share", range(SHARES))
    def test_no_law_is_broken(share):
        check(range(share, HISTORIES, SHARES))

else:

    def test_replay():
        result = run(int(SEED))
        assert not result.broken, result.story()


def test_the_same_seed_is_the_same_history():
    assert run(20261122).story() == run(20261122).story()


def test_histories_meet_what_they_are_about():
    """They are worth little if nobody ever disagrees, or nothing ever fails."""
    results = [run(seed) for seed in range(300)]
    words = [" ".join(str(entry[1]) for entry in result.log) for result in results]
    assert sum(bool(result.conflicts) for result in results) > 30
    for word in ("lost", "late", "doubled", "kill", "deletes", "decides", "receive"):
        assert sum(word in text for text in words) > 15, word
    rooms = ("matched", "waited", "open", "half_open", "closed", "parked", "decided")
    rooms += ("past", "declined", "poisoned")
    for word in rooms:
        assert sum(bool(result.met[word]) for result in results) > 3, word
    assert sum("Odoo refuses" in text for text in words) > 3
    assert sum("received or locked" in text for text in words) > 15
