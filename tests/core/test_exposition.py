"""The text that Prometheus reads."""

import math
import re

from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.analytics.exposition import Family, Kind, render

SAMPLE = re.compile(r'pharmacy_sync_calls\{to="((?:[^"\\\n]|\\.)*)"\} (\S+)')


def test_a_family_with_and_without_labels_and_figures():
    samples = [
        ({"to": "app", "of": 3}, 2.0),
        ({}, 0.25),
        ({}, math.nan),
        ({}, True),
        ({"to": "nobody"}, None),
    ]
    assert render([Family("calls_total", Kind.COUNTER, "Calls.", samples)]) == (
        "# HELP pharmacy_sync_calls_total Calls.\n"
        "# TYPE pharmacy_sync_calls_total counter\n"
        'pharmacy_sync_calls_total{of="3",to="app"} 2\n'
        "pharmacy_sync_calls_total 0.25\n"
        "pharmacy_sync_calls_total NaN\n"
        "pharmacy_sync_calls_total 1\n"
    )


@given(
    st.text(alphabet='ab"\\\n{},= ñ'), st.floats(allow_nan=False, allow_infinity=False)
)
def test_whatever_a_name_is_its_line_is_one_and_says_it(name, value):
    text = render([Family("calls", Kind.GAUGE, name, [({"to": name}, value)])])
    meaning, kind, sample = text.removesuffix("\n").split("\n")
    assert meaning.startswith("# HELP pharmacy_sync_calls ")
    assert kind == "# TYPE pharmacy_sync_calls gauge"
    quoted, number = SAMPLE.fullmatch(sample).groups()
    said = {"\\\\": "\\", "\\n": "\n", '\\"': '"'}
    assert re.sub(r"\\.", lambda found: said[found[0]], quoted) == name
    assert float(number) == value
