import pytest

from odoo.addons.pharmacy_sync.core.counted import counted


@pytest.mark.parametrize(
    ("count", "sentence"),
    [(0, "0 are left."), (1, "One is left."), (2, "2 are left."), (11, "11 are left.")],
)
def test_one_has_a_sentence_of_its_own(count, sentence):
    assert counted(count, "One is left.", f"{count} are left.") == sentence
