"""Every string of up to ten events, against the laws of the breaker.

The laws are in ``breaker_world``. Strings that lead to the same world have the same
future, so each world is left once by each event: that covers all strings without
walking each of them.
"""

from breaker_world import EVENTS, SMALL, World, step

from odoo.addons.pharmacy_sync.core.call.breaker import DEFAULT_CONFIG, Mode, State


def explore(start, length, config):
    """All worlds that up to ``length`` events lead to, and the events that happened."""
    seen, frontier, happened = {start}, {start}, set()
    for _ in range(length):
        reached = set()
        for world in frontier:
            for event in EVENTS:
                after = step(world, event, config)
                if after is not None:
                    happened.add(event)
                    reached.add(after)
        frontier = reached - seen
        seen |= frontier
    return seen, happened


def walk(events, config):
    world = World()
    for event in events:
        world = step(world, event, config)
    return world


NEARLY_OPEN = ["start", "fail"] * 4
OPEN = [*NEARLY_OPEN, "start", "fail"]
HALF_OPEN = [*OPEN, "the open time passes", "start"]


def test_all_strings_of_ten_events():
    worlds, happened = explore(World(), 10, SMALL)
    assert happened == set(EVENTS)
    assert {world.state.state for world in worlds} == set(State)
    assert {world.state.mode for world in worlds} == set(Mode)
    half_open = [w.state for w in worlds if w.state.state is State.HALF_OPEN]
    assert {len(state.leases) for state in half_open} == {0, 1, 2}
    assert max(w.witness.open_for for w in worlds) == SMALL.max_open_seconds
    assert len(worlds) > 10_000


def test_with_the_real_numbers_about_to_open():
    worlds, _ = explore(walk(NEARLY_OPEN, DEFAULT_CONFIG), 8, DEFAULT_CONFIG)
    assert {world.state.state for world in worlds} == set(State)


def test_with_the_real_numbers_half_open():
    worlds, happened = explore(walk(HALF_OPEN, DEFAULT_CONFIG), 8, DEFAULT_CONFIG)
    assert happened == set(EVENTS)
    assert {len(world.state.leases) for world in worlds} == {0, 1, 2, 3}
