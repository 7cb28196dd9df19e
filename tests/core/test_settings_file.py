from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.settings_file import differing, unknown

VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
SETTINGS = st.dictionaries(
    st.sampled_from("abcd"),
    VALUES | st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3),
    max_size=4,
)


def carried_over(now, changes):
    """The settings once the changes were made."""
    result = {k: dict(v) if isinstance(v, dict) else v for k, v in now.items()}
    for path, before, value in changes:
        place = result
        for name in path[:-1]:
            place = place[name]
        assert place[path[-1]] == before
        place[path[-1]] = value
    return result


@given(SETTINGS)
def test_settings_do_not_differ_from_themselves(settings):
    assert not list(unknown(settings, settings))
    assert not list(differing(settings, settings))


@given(SETTINGS, SETTINGS)
def test_what_is_not_refused_is_what_is_set_afterwards(now, file):
    if list(unknown(now, file)):
        return
    then = carried_over(now, differing(now, file))
    for name, value in file.items():
        for part in value if isinstance(value, dict) else ():
            assert repr(then[name][part]) == repr(value[part])
        if not isinstance(value, dict):
            assert repr(then[name]) == repr(value)
    kept = now.keys() - file.keys()
    assert {name: then[name] for name in kept} == {name: now[name] for name in kept}


def test_what_is_not_there_is_named():
    now = {"streams": {"product": {"batch_size": 50}}, "deadline": 60.0}
    assert list(unknown(now, {"streams": {"product": {"colour": 1}}})) == [
        ("streams", "product", "colour")
    ]
    assert list(unknown(now, {"streams": {"shelf": {}}})) == [("streams", "shelf")]
    assert list(unknown(now, {"streams": 5, "deadline": {}})) == [
        ("streams",),
        ("deadline",),
    ]
    assert list(unknown(now, [])) == [()]
    assert list(unknown(now, {"deadline": [60.0]})) == [("deadline",)]


def test_a_tick_is_no_number():
    assert list(differing({"a": True}, {"a": 1})) == [(("a",), True, 1)]
    assert not list(differing({"a": 60.0}, {"a": 60}))
