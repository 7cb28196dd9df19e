from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.texts import shortened


@given(st.text(), st.integers(2, 40))
def test_a_text_that_is_too_long_says_that_it_goes_on(text, most):
    found = shortened(text, most)
    assert len(found) <= most
    if len(text) <= most:
        assert found == text
    else:
        assert found.endswith("…")
        assert text.startswith(found[:-1])


def test_a_text_is_as_long_as_it_may_be():
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"
    assert shortened("abcd efg", 6) == "abcd…"
