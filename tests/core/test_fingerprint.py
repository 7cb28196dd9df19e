"""Failures that are the same get one name, others another."""

import re

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.error.fingerprint import (
    fingerprint,
    normalise_message,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Order 17 not found", "Order 4711 not found"),
        ("took 0.5 s", "took 12,5 s"),
        ("took 5 s", "took -12.5 s"),
        ("costs 1 234,56", "costs 12"),
        ("costs 1\u202f234,56", "costs 1'234.56"),
        ("order PO00012 is gone", "order PO00917 is gone"),
        (
            "id 5f0c8a4e-1b2c-4d3e-8f90-0123456789ab",
            "id 00000000-1b2c-4d3e-8f90-ffffffffffff",
        ),
        ("hash 0xdeadbeef", "hash 0x1234abcd"),
        ("hash deadbeef", "hash 12345678"),
        ("record ln_5f0c8a4e1b2c", "record ln_77aa8a4e1b2c"),
        ("record po_8f3a1", "record po_12345"),
        ("pod web-7d9f8b6c5-x2x4z", "pod web-5c6b8f9d7-4kq9w"),
        ("no 'Vetapharm' here", "no 'Animalix' here"),
        ("no «Vetapharm» here", "no «Animalix» here"),
        ("no \u201cVetapharm\u201d here", "no \u201cAnimalix\u201d here"),
        ("no \u2018Vet\u2019s\u2019 here", "no \u2018Animalix\u2019 here"),
        ("no `Vetapharm` here", "no `Animalix` here"),
        ("no 'Vet's best' here", "no 'Animalix' here"),
        ('name "a b" is bad', 'name "" is bad'),
        ("mail to a.b@example.com failed", "mail to c@example.org failed"),
        ("GET https://a.example/x?y=1 failed", "GET http://b.example/ failed"),
        ("at 2026-11-22T08:00:00Z", "at 2025-01-01 17:30:01.25+02:00"),
        ("at 2026-11-22 08:00:00,123 gone", "at 2025-01-01 17:30:01 gone"),
        ("at 28.11.2026 14:05 gone", "at 1.2.2025 9:30 gone"),
        ("at 14:05:00,123 gone", "at 09:30 gone"),
        ("no file /opt/odoo/a.py there", "no file /home/x/y/b.py there"),
        ("Key (code)=(A) exists", "Key (code)=(B c) exists"),
        ("Key (code)=(A) exists", "Key (code)=(B (c)) exists"),
        ("at 10.0.0.1:8069 gone", "at 192.168.1.22 gone"),
        ("at fe80::1 gone", "at 2001:db8::ff00:42:8329 gone"),
        ("from 10.0.0.1.", "from 192.168.1.22."),
        (
            "since Mon, 30 Nov 2026 10:00:00 GMT",
            "since Tuesday, 1 December 2026 9:30 gmt",
        ),
        ("since 30 Nov 2026", "since Dec 1, 2026"),
        ("since Sun Nov  6 08:49:37 1994", "since 2026-11-30"),
        ("at 10:00 AM", "at 11:30pm"),
        ("product.product(5,) is gone", "product.product(17, 18) is gone"),
        ("records [1, 2] are", "records [4] are"),
        ("Failing row contains (1, A, null).", "Failing row contains (2, (b), x)."),
        ("Not  found\n", "not found"),
    ],
)
def test_the_same_failure_reported_twice(one, other):
    assert normalise_message(one) == normalise_message(other)
    name = fingerprint(1, "push", "resource_not_found", None, one)
    assert name == fingerprint(1, "push", "resource_not_found", None, other)


def test_different_failures_differ():
    messages = [
        "Order not found",
        "Order refused",
        "Supplier not found",
        "Key (code)=(A) exists",
        "Key (name)=(A) exists",
        "state and/or supplier",
        'null value in column "a" of relation "t" violates not-null constraint',
        'null value in column "b" of relation "t" violates not-null constraint',
        'violates unique constraint "a_uniq"',
        'violates unique constraint "b_uniq"',
        "field 'name' is required",
        "field 'vat' is required",
        "el valor nulo en la columna «a»",
        "el valor nulo en la columna «b»",
        "",
    ]
    assert len({normalise_message(message) for message in messages}) == len(messages)


def test_faults_of_a_program_that_differ_in_a_name_differ():
    def names(messages, error_type):
        return {fingerprint(1, "push", error_type, None, text) for text in messages}

    keys = [str(KeyError("name")), str(KeyError("vat")), str(KeyError("partner_id"))]
    attributes = [
        f"'NoneType' object has no attribute '{name}'" for name in ("x", "y", "_z")
    ]
    assert len(names(keys, "unexpected")) == len(names(attributes, "unexpected")) == 3
    assert len(names(keys, "data_validation_failed")) == 1
    # What is no name but a value is folded there as well.
    values = [str(KeyError("po_8f3a1")), str(KeyError("17")), str(KeyError("a b"))]
    assert len(names(values, "unexpected")) == 1


@given(
    st.text(alphabet=st.sampled_from("ab1f0x'\"@.:/-_<># \n\u2019«»")) | st.text(),
    st.booleans(),
)
def test_normalising_is_idempotent(message, program):
    once = normalise_message(message, program=program)
    assert normalise_message(once, program=program) == once


words = st.text(st.characters(), max_size=5)  # half characters and NUL included


@given(st.tuples(words, words, words, st.none() | words, st.text(st.characters())))
def test_a_fingerprint_is_versioned_and_stable(parts):
    reported = fingerprint(*parts)
    assert re.fullmatch(r"v2:[0-9a-f]{32}", reported)
    assert reported == fingerprint(*parts)


def test_each_part_counts():
    parts = ["1", "push", "network_timeout", "timeout", "no answer"]
    names = {fingerprint(*parts)}
    for index in range(5):
        names.add(fingerprint(*parts[:index], "other", *parts[index + 1 :]))
    names.add(fingerprint("1p", "ush", *parts[2:]))
    assert len(names) == 7


def test_half_a_character_has_a_fingerprint():
    assert fingerprint(1, "push", "unexpected", "\ud83d", "cut \ud83d\x00") != (
        fingerprint(1, "push", "unexpected", "\ud83c", "cut \ud83d\x00")
    )


def test_the_rule_of_version_2_does_not_change():
    reported = fingerprint(3, "push", "network_timeout", None, "Order 17: no answer")
    assert reported == "v2:10ae766292ae78dccb1caaed4b09a402"


@pytest.mark.parametrize(
    "message, reported",
    [
        # The part behind a hyphen that follows a word is an identifier of something.
        ("web-7d down", "web-<#> down"),
        ("po_7x gone", "po_<#> gone"),
        ("-7d down", "<#>d down"),
        ("web--7d down", "web--<#>d down"),
        ("a-7d down", "a-<#> down"),
        ("(-7d down", "(-<#>d down"),
        # What one fold brings together another finds.
        ("7/x/y is gone", "<#><path> is gone"),
    ],
)
def test_an_identifier_with_digits_is_one_place(message, reported):
    assert normalise_message(message) == reported
