"""An app's own names: what is written in them is read as it was."""

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.backend.naming import (
    Kind,
    Name,
    Names,
    collisions,
)
from odoo.addons.pharmacy_sync.core.backend.naming_text import (
    apart_of_lines,
    parse_constants,
    parse_path,
    parse_query,
    parse_value,
    parse_values,
)
from odoo.addons.pharmacy_sync.core.exceptions import (
    InvalidDataError,
    SchemaMismatchError,
)

KNOWN = frozenset(
    {"id", "version", "name", "price", "state", "lines", "lines.key", "lines.quantity"}
)
keys = st.sampled_from(["a", "b", "c", "d", "e"])
texts = st.text(max_size=8)
amounts = st.decimals(0, 10**6, places=2).map(lambda number: f"{number:f}")


def shop(**options):
    return Names("articles", known=KNOWN, **options)


@st.composite
def namings(draw):
    """Fields of the contract, each somewhere else at the app."""
    fields = draw(st.permutations(["name", "price", "state"]))
    places = (
        [("x", key) for key in "abc"]
        if draw(st.booleans())
        else [("a",), ("b",), ("c", "d")]
    )
    kinds = {"price": Kind.NUMBER}
    values = {
        "state": ((20, "confirmed"), ("20", "draft"), (True, "sent"), (1, "cancelled"))
    }
    return Names(
        "articles",
        {
            field: Name(place, kinds.get(field, Kind.SAME), values.get(field, ()))
            for field, place in zip(fields, places, strict=True)
        }
        | {"lines": Name(("rows",)), "lines.quantity": Name(("n", "qty"), Kind.NUMBER)},
        KNOWN,
    )


@given(
    namings(),
    st.fixed_dictionaries(
        {},
        optional={
            "name": texts,
            "price": amounts,
            "state": st.sampled_from(["draft", "confirmed", "sent", "cancelled"]),
            "lines": st.lists(
                st.fixed_dictionaries({"key": texts}, optional={"quantity": amounts}),
                max_size=3,
            ),
        },
    ),
)
def test_what_is_written_is_read_as_it_was(names, data):
    read = names.from_app(names.to_app(data))
    for field, value in data.items():
        if field == "price":
            assert float(read[field]) == float(value)
        elif field != "lines":
            assert read[field] == value and type(read[field]) is type(value)
    assert read.keys() == data.keys()
    for line, was in zip(read.get("lines", ()), data.get("lines", ()), strict=True):
        assert line["key"] == was["key"]
        assert ("quantity" in line) == ("quantity" in was)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | texts,
        lambda v: st.lists(v, max_size=3) | st.dictionaries(keys, v, max_size=3),
        max_leaves=8,
    ),
    namings(),
)
def test_whatever_comes_is_read_without_an_error(value, names):
    names.from_app(value)
    names.read_said(value)
    names.read_one(value)


def test_by_default_nothing_is_renamed():
    names = Names("suppliers", known=KNOWN)
    record = {"id": "1", "version": 2, "whatever": {"a": [1]}}
    assert not names.own
    assert names.from_app(record) is record
    assert names.to_app(record) == record
    assert names.asking(5, "x") == {"limit": 5, "after": "x"}
    assert names.asking_for("k") == {"external_ref": "k"}


def test_what_the_app_calls_by_a_name_of_ours_is_not_taken_for_ours():
    names = shop(fields={"name": Name(("title",)), "state": Name()})
    record = {"title": "Gauze", "name": "internal", "state": "odd", "colour": "red"}
    assert names.from_app(record) == {"name": "Gauze"}
    assert names.to_app({"name": "Gauze", "state": "draft"}) == {"title": "Gauze"}


def test_what_is_absent_is_not_said_unless_a_value_stands_for_it():
    names = shop(
        fields={"price": Name(("p",)), "state": Name(("s",), fallback="draft")}
    )
    assert names.from_app({"id": "1"}) == {"id": "1", "state": "draft"}
    assert names.from_app({"p": None, "s": None}) == {"price": None, "state": None}


def test_numbers():
    name = Name(("n",), Kind.NUMBER)
    assert [name.from_app(v) for v in (17, 0.1, 1e21, 1e-7, True, "x", None)] == [
        *("17", "0.1", "1000000000000000000000", "0.0000001"),
        *(True, "x", None),
    ]
    assert [name.to_app(v) for v in ("17", "0.10", "", "007", None, "1e5")] == [
        *(17, 0.1, "", "007", None, "1e5"),
    ]
    assert type(name.to_app("17")) is int


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("1970-01-01T00:00:10Z", 10),
        ("2026-11-29 09:00:00", 1795942800),
        ("2026-11-29T10:00:00+01:00", 1795942800),
        ("2026-11-29T09:00:00.999Z", 1795942800),
        ("soon", "soon"),
        (None, None),
    ],
)
def test_the_time_of_a_change_stands_for_its_version(time, seconds):
    names = shop(fields={"version": Name(("modified",), Kind.MOMENT)})
    assert not names.counts
    assert names.from_app({"modified": time}) == {"version": seconds}


def test_pages_by_what_the_list_says():
    names = shop(items=("data", "list"), following=("meta", "next"), after="cursor")
    answer = {"data": {"list": [{"id": "1"}]}, "meta": {"next": 5}}
    assert names.page(answer, 1, None) == {"items": [{"id": "1"}], "next_after": "5"}
    for said, after in (
        ("abc", "abc"),
        ("https://x.example/list?limit=1&cursor=q%2F1", "q/1"),
        ("/list?cursor=z", "z"),
        ("https://x.example/list?page=2", None),
        (None, None),
        ("", None),
    ):
        answer["meta"]["next"] = said
        assert names.page(answer, 1, None)["next_after"] == after
    answer["meta"]["next"] = [1]
    with pytest.raises(SchemaMismatchError, match=r"no meta\.next"):
        names.page(answer, 1, None)


def test_pages_with_numbers():
    names = shop(
        items=(), following=(), after="page", limit="size", query="a=1&b=x%20y"
    )
    assert names.asking(2) == {"a": "1", "b": "x y", "size": 2}
    first = names.page([{"id": "1"}, {"id": "2"}], 2, None)
    assert names.asking(2, first["next_after"])["page"] == "2"
    second = names.page([{"id": "3"}, {"id": "4"}], 2, first["next_after"])
    assert names.asking(2, second["next_after"])["page"] == "3"
    with pytest.raises(SchemaMismatchError, match="does not go on"):
        names.page([{"id": "3"}, {"id": "4"}], 2, second["next_after"])
    third = names.page([{"id": "5"}], 2, second["next_after"])
    # It may give fewer than it is asked for: that is not the end.
    assert names.asking(2, third["next_after"])["page"] == "4"
    assert names.page([], 2, third["next_after"]) == {"items": [], "next_after": None}
    # One that knows no pages says the same few once more.
    again = names.page([{"id": "5"}], 2, third["next_after"])
    assert again == {"items": [], "next_after": None}
    # An app that does not heed the number of records has reported all of them.
    assert names.page([{"id": "1"}] * 3, 2, None)["next_after"] is None


def test_pages_with_numbers_from_another_one_than_one():
    names = shop(items=(), following=(), after="page", limit="size", first=0)
    assert names.asking(2) == {"size": 2}
    first = names.page([{"id": "1"}, {"id": "2"}], 2, None)
    assert names.asking(2, first["next_after"]) == {"page": "1", "size": 2}


@pytest.mark.parametrize("answer", [None, {}, {"items": {}}, "x", {"data": []}])
def test_what_is_no_page_is_refused(answer):
    with pytest.raises(SchemaMismatchError, match="no items that is a list"):
        Names("x").page(answer, 1, None)


def test_an_app_without_a_key_of_ours_is_not_asked_for_one():
    with pytest.raises(SchemaMismatchError, match="keeps no key"):
        shop(fields={"external_ref": Name()}).asking_for("k")


def test_a_key_is_asked_for_as_the_app_wants_it():
    names = shop(fields={"external_ref": Name(("ref_ext",))})
    assert names.asking_for("k") == {"ref_ext": "k"}
    query = parse_query(" filters=(t.ref_ext:=:'{}') ")
    names = shop(fields={"external_ref": Name(("ref_ext",))}, by_key=query)
    assert names.own
    assert names.asking_for("k") == {"filters": "(t.ref_ext:=:'k')"}
    assert parse_query("  ") == ""


@pytest.mark.parametrize("text", ["ref", "ref=", "=x{}", "ref=x", "{}=x"])
def test_how_a_key_is_asked_for_has_a_place_for_it(text):
    with pytest.raises(InvalidDataError):
        parse_query(text)


def test_two_fields_in_one_place_are_found():
    names = {
        "name": Name(("state",)),
        "price": Name(("a", "b")),
        "lines.key": Name(("quantity",)),
    }
    assert collisions(names, KNOWN) == [
        ("lines.key", "lines.quantity"),
        ("name", "state"),
    ]
    assert collisions({**names, "state": Name(("a",))}, KNOWN - {"lines"}) == [
        ("lines.key", "lines.quantity"),
        ("price", "state"),
    ]
    assert collisions({"name": Name(), "state": Name()}, KNOWN) == []


def test_what_people_write():
    assert parse_path(" vendor . id ") == ("vendor", "id")
    assert parse_path("") == ()
    for text in (".", "a.", ".a", "a..b"):
        with pytest.raises(InvalidDataError, match="a key is missing"):
            parse_path(text)
    assert parse_values(' 20 = confirmed\n\n"20"=draft\ntrue = x = y\n1.5=') == (
        *((20, "confirmed"), ("20", "draft"), (True, "x = y"), (1.5, "")),
    )
    with pytest.raises(InvalidDataError, match="20 confirmed: write"):
        parse_values("20 confirmed")
    assert [parse_value(t) for t in ("null", "false", " a b ", '"', "007", "-3")] == [
        *(None, False, "a b", '"', "007", -3),
    ]


def test_records_in_a_change_or_a_result_are_read_and_nothing_else_of_it():
    names = shop(fields={"name": Name(("title",))})
    change = {
        "type": "updated",
        "title": "of the change",
        "data": {"id": "a", "title": "A"},
        "current": {"id": "a", "title": "B"},
    }
    assert names.read_said(change) == {
        "type": "updated",
        "title": "of the change",
        "data": {"id": "a", "name": "A"},
        "current": {"id": "a", "name": "B"},
    }
    assert shop().read_said(change) == change
    assert names.read_said("gone") == "gone"


# -- What an app wants besides ---------------------------------------------------------


def katana(**options):
    """An app that gives lines their keys and has no single records but in its list."""
    fields = {
        "id": Name(("id",), Kind.NUMBER),
        "deleted": Name(("deleted_at",), Kind.SAID),
        "lines.key": Name(("id",), Kind.NUMBER),
    }
    known = KNOWN | {"deleted"}
    return Names("orders", fields, known, items=("data",), one="ids", **options)


@pytest.mark.parametrize(
    ("said", "deleted"), [(None, False), ("", False), ("2026-11-29T09:00:00Z", True)]
)
def test_the_time_of_a_deletion_says_that_it_is_deleted(said, deleted):
    assert katana().from_app({"deleted_at": said}) == {"deleted": deleted}


def test_a_single_record_is_asked_for_in_the_list():
    names = katana(query="include_deleted=true")
    assert names.asking_one("7") == {"include_deleted": "true", "ids": "7"}
    assert names.read_listed({"data": [{"id": 7}]}) == {"id": "7"}
    assert names.read_listed({"data": []}) is None
    with pytest.raises(SchemaMismatchError):
        names.read_listed({"id": 7})


def test_a_single_record_is_asked_for_at_its_address():
    assert shop(one_query="expand=rows&x=1").asking_one("7") == {
        "expand": "rows",
        "x": "1",
    }


def test_a_new_record_has_what_the_app_wants_and_nothing_empty():
    names = katana(
        constants=parse_constants("location.id = 1\n\nkind = regular"),
        leaves_out_empty=True,
    )
    data = {"name": "", "price": None, "state": "draft", "lines": []}
    new = {"state": "draft", "lines": [], "location": {"id": 1}, "kind": "regular"}
    assert names.to_app(data, new=True) == new
    assert names.to_app(data) == data


def test_each_new_line_has_what_the_app_wants_of_it():
    constants, of_lines = apart_of_lines(
        parse_constants("kind = a\nrows.kind = 0\nrows.tax.rate = 4"), ("rows",)
    )
    fields = {"lines": Name(("rows",)), "lines.key": Name(("id",), Kind.NUMBER)}
    names = Names(
        "orders",
        fields,
        KNOWN,
        constants=constants,
        line_constants=of_lines,
        gives_keys=True,
        lines_owner=("order",),
    )
    new, wanted = {"quantity": "2"}, {"kind": 0, "tax": {"rate": 4}}
    order = names.to_app({"lines": [{"key": "odoo-1", **new}]}, new=True)
    assert order == {"kind": "a", "rows": [{**new, **wanted}]}
    # A line that comes into an order that is there is as new.
    lines = [{"key": "5", "quantity": "3"}, {"key": "odoo-1", **new}]
    assert names.to_app({"lines": lines}) == {
        "rows": [{"id": 5, "quantity": "3"}, {**new, **wanted}]
    }
    assert names.line_to_app({"quantity": "3"}) == {"quantity": "3"}
    assert names.with_owner(dict(new), "7") == {**new, **wanted, "order": "7"}
    # Where the app has no lines nothing is theirs.
    assert apart_of_lines(((("a", "b"), 1),), ())[1] == ()
    # What stands in the place of the lines themselves is the record's.
    assert apart_of_lines(((("rows",), 1),), ("rows",)) == (((("rows",), 1),), ())


@pytest.mark.parametrize(
    "text, value",
    [
        ('""', ""),
        ('"1"', "1"),
        ('"', '"'),
        ("1", 1),
        ("1.5", 1.5),
        ("true", True),
        ("false", False),
        ("null", None),
        (" a b ", "a b"),
    ],
)
def test_a_value_as_a_person_writes_it(text, value):
    found = parse_value(text)
    assert found == value
    assert type(found) is type(value)


def test_no_key_is_sent_that_the_app_has_not_given():
    names = katana(gives_keys=True)
    lines = [{"key": "odoo-1", "quantity": "2"}, {"key": "5", "quantity": "3"}]
    assert names.to_app({"lines": lines})["lines"] == [
        {"quantity": "2"},
        {"id": 5, "quantity": "3"},
    ]
    assert names.line_to_app({"quantity": "2"}) == {"quantity": "2"}


def test_a_new_line_names_its_record():
    names = katana(lines_place="rows", lines_owner=("order", "id"))
    assert names.with_owner({"quantity": 2}, "7") == {
        "quantity": 2,
        "order": {"id": 7},
    }


@pytest.mark.parametrize("text", ["location_id", "= 1", "a..b = 1", "a = 1\na.b = 2"])
def test_what_a_new_record_is_sent_with_must_have_one_place(text):
    with pytest.raises(InvalidDataError):
        parse_constants(text)
