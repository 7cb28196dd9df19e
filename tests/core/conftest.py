"""Hypothesis: no deadline (the machine may be busy), the same examples each time under
CI, so that a red run can be repeated.
"""

import os
import random

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture
def rng():
    return random.Random(20261122)


pytest.register_assert_rewrite("breaker_world")
