"""Pages that lead in a circle, of whatever length and wherever it begins, are noticed
soon; those that do not, never.
"""

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.exceptions import SchemaMismatchError
from odoo.addons.pharmacy_sync.core.exchange.course import Course


def follow(places, course=None):
    """How many places were gone to until the circle was noticed; None: it was not."""
    course = course or Course()
    for number, place in enumerate(places, 1):
        # As each page is read by another job.
        course = Course.parse(str(course))
        try:
            course = course.moved(place)
        except SchemaMismatchError:
            return number
    return None


def led(tail, circle, count):
    """Texts of the places that a list leads to."""
    first = [f"before {n}" for n in range(tail)]
    return first + [f"within {n % circle}" for n in range(count)]


@given(st.integers(0, 60), st.integers(1, 60))
def test_a_circle_is_noticed_soon(tail, circle):
    most = 3 * (tail + circle) + 3
    number = follow(led(tail, circle, most))
    # Not before it has been gone round once.
    assert tail + circle < number <= most


@given(st.lists(st.text(min_size=1), unique=True, max_size=80))
def test_a_list_that_ends_is_read_to_its_end(places):
    assert follow(places) is None


@given(st.lists(st.text(min_size=1), unique=True, max_size=40))
def test_a_course_is_read_as_it_was_written(places):
    course = Course()
    for place in places:
        course = course.moved(place)
        assert Course.parse(str(course)) == course


@pytest.mark.parametrize("text", ["x", "1.0", "1.0.0123456789ABCDEF", "1.0.0123 ", "|"])
def test_what_says_no_course_is_none(text):
    assert Course.parse(text) is None


def test_what_is_said_of_a_circle():
    with pytest.raises(SchemaMismatchError, match="circle") as caught:
        Course().moved("a").moved("a")
    assert caught.value.field == "next_after"
    with pytest.raises(SchemaMismatchError) as caught:
        Course().moved("a").moved("a", "next_cursor")
    assert caught.value.field == "next_cursor"


@given(st.lists(st.text(min_size=1), unique=True, min_size=1, max_size=40))
def test_a_course_that_was_kept_is_that_of_its_place(places):
    course = Course()
    for place in places:
        course = course.moved(place)
    assert Course.of_kept(course.kept(places[-1]), places[-1]) == course
    for other in ("", f"{places[-1]}x", *places[:-1]):
        anew = Course().moved(other) if other else Course()
        assert Course.of_kept(course.kept(places[-1]), other) == anew


@pytest.mark.parametrize("text", ["", "x", "1.0.0123456789abcdef", "/", "//"])
def test_nothing_that_was_kept_is_a_beginning_at_the_place(text):
    assert Course.of_kept(text, "here") == Course().moved("here")
    assert Course.of_kept(text, "") == Course()
