"""The simulator is worth what it finds: mistakes built in on purpose, and the bugs that
it found in the product and that stay mended."""

import os

import pytest

from .found import FOUND
from .history import run
from .mistakes import MISTAKES

ENOUGH = 1500  # histories; a full run has many more
FIND = bool(os.environ.get("PHARMACY_SYNC_FIND"))


def find(bug, histories):
    return next((s for s in range(histories) if run(s, bug).broken), None)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found(name):
    assert find(MISTAKES[name], ENOUGH) is not None


@pytest.mark.parametrize(
    ("bug", "seed"),
    [(bug, seed) for bug, seeds in FOUND.items() for seed in seeds],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_bug_that_was_found_stays_mended(bug, seed):
    assert run(seed, bug).broken, "this seed shows the bug no more"
    assert not run(seed).broken


if FIND:

    @pytest.mark.parametrize("bug", FOUND, ids=lambda bug: bug.__name__)
    def test_find_a_seed(bug):
        seed = find(bug, 100_000)
        print(f"\n{bug.__name__}: {seed}")
        assert seed is not None
