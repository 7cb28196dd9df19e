"""Failures that are the same get one name, others another."""

import re

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.fingerprint import fingerprint, normalise_message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Order 17 not found", "Order 4711 not found"),
        ("took 0.5 s", "took 12,5 s"),
        ("order PO00012 is gone", "order PO00917 is gone"),
        (
            "id 5f0c8a4e-1b2c-4d3e-8f90-0123456789ab",
            "id 00000000-1b2c-4d3e-8f90-ffffffffffff",
        ),
        ("hash 0xdeadbeef", "hash 0x1234abcd"),
        ("record ln_5f0c8a4e1b2c", "record ln_77aa8a4e1b2c"),
        ("no 'Vetapharm' here", "no 'Animalix' here"),
        ('name "a b" is bad', 'name "" is bad'),
        ("mail to a.b@example.com failed", "mail to c@example.org failed"),
        ("GET https://a.example/x?y=1 failed", "GET http://b.example/ failed"),
        ("at 2026-11-22T08:00:00Z", "at 2025-01-01 17:30:01.25+02:00"),
        ("Not  found\n", "not found"),
    ],
)
def test_the_same_failure_told_twice(one, other):
    assert normalise_message(one) == normalise_message(other)


def test_different_failures_differ():
    messages = ["Order not found", "Order refused", "Supplier not found", ""]
    assert len({normalise_message(message) for message in messages}) == 4


@given(st.text(alphabet=st.sampled_from("ab1f0x'\"@.:/-<>T \n")) | st.text())
def test_normalising_is_idempotent(message):
    once = normalise_message(message)
    assert normalise_message(once) == once


words = st.text(max_size=5)


@given(st.tuples(words, words, words, st.none() | words, st.text()))
def test_a_fingerprint_is_versioned_and_stable(parts):
    told = fingerprint(*parts)
    assert re.fullmatch(r"v1:[0-9a-f]{32}", told)
    assert told == fingerprint(*parts)


def test_each_part_counts():
    parts = ["1", "push", "network_timeout", "timeout", "no answer"]
    names = {fingerprint(*parts)}
    for index in range(5):
        names.add(fingerprint(*parts[:index], "other", *parts[index + 1 :]))
    names.add(fingerprint("1p", "ush", *parts[2:]))
    assert len(names) == 7


def test_the_rule_of_version_1_does_not_change():
    told = fingerprint(3, "push", "network_timeout", None, "Order 17: no answer")
    assert told == "v1:c85f6ae47be3fea8cbe2d3782920140f"
