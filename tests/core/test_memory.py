"""What a process remembers: for some seconds, and no more than so much."""

from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.call.memory import Memory


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_value_is_there_until_its_time_is_over():
    clock = Clock()
    memory = Memory(2.0, 10, clock)
    memory.put("a", 1)
    clock.now = 1.9
    assert memory.get("a") == 1
    clock.now = 2.0
    assert memory.get("a") is None
    assert len(memory) == 0


def test_putting_it_again_gives_it_its_time_anew():
    clock = Clock()
    memory = Memory(2.0, 10, clock)
    memory.put("a", 1)
    clock.now = 1.5
    memory.put("a", 2)
    clock.now = 3.0
    assert memory.get("a") == 2


@given(st.lists(st.integers(0, 20)), st.integers(1, 5))
def test_no_more_than_the_limit_and_the_latest_stay(keys, limit):
    memory = Memory(60.0, limit, Clock())
    for key in keys:
        memory.put(key, key)
    latest = list(dict.fromkeys(reversed(keys)))[:limit]
    assert len(memory) == len(latest)
    assert all(memory.get(key) == key for key in latest)


@given(st.sets(st.integers(0, 20)))
def test_forgotten_keys_are_gone_and_others_are_not(keys):
    memory = Memory(60.0, 100, Clock())
    for key in keys:
        memory.put(key, str(key))
    memory.forget(lambda key: key % 2)
    assert {key for key in keys if memory.get(key)} == {k for k in keys if not k % 2}
