"""Records that hand codes on to each other: each can be written once those that are
to vacate have done so."""

from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.keys.codes_handed_on import to_vacate

CODES = ("code",)


@given(st.permutations(range(6)), st.data())
def test_codes_in_any_order_never_collide(order, data):
    has = {key: {"code": f"c{key}"} for key in range(6)}
    changes = {key: {"code": f"c{order[key]}"} for key in range(6)}
    vacated = to_vacate(changes, has, CODES)
    now = {key: None if key in vacated else has[key]["code"] for key in has}
    for key in data.draw(st.permutations(range(6))):
        wanted = changes[key]["code"]
        assert wanted not in [code for other, code in now.items() if other != key]
        now[key] = wanted
    assert set(vacated) == {key for key in range(6) if order[key] != key}


def test_what_a_record_keeps_is_not_taken_from_it():
    has = {1: {"code": "a"}, 2: {"code": "b"}}
    assert to_vacate({1: {"name": "x"}, 2: {"code": "a"}}, has, CODES) == {}
    assert to_vacate({1: {"code": "a"}, 2: {"code": "a"}}, has, CODES) == {}


def test_nothing_is_handed_on_where_there_is_nothing():
    has = {1: {"code": None}, 2: {"code": ""}}
    changes = {1: {"code": ""}, 2: {"code": None}}
    assert to_vacate(changes, has, CODES) == {}
