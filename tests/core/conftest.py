"""Hypothesis: no limits of time (the machine may be busy), the same examples each time
under CI, so that a red run can be repeated.
"""

import os
import random

import pytest
from hypothesis import HealthCheck, settings

UNHURRIED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", **UNHURRIED)
settings.register_profile("ci", **UNHURRIED, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture
def rng():
    return random.Random(20261122)


pytest.register_assert_rewrite("breaker_world")
