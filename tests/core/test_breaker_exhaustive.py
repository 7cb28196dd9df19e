"""Every string of up to ten events, against the laws of the breaker.

Strings that lead to the same world have the same future, so each world is left once
per event: all strings are covered without walking each of them.
"""

import pytest

from odoo.addons.pharmacy_sync.core.breaker import (
    DEFAULT_CONFIG,
    BreakerConfig,
    State,
)

from .breaker_world import EVENTS, SMALL, World, step


def explore(worlds, length, config):
    """All worlds that up to ``length`` events lead to, and how many steps were made."""
    seen, frontier, steps = set(worlds), set(worlds), 0
    for _ in range(length):
        reached = set()
        for world in frontier:
            for event in EVENTS:
                after = step(world, event, config)
                steps += after is not None
                if after is not None and after not in seen:
                    reached.add(after)
        seen |= reached
        frontier = reached
    return seen, steps
