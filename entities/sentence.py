"""Sentences that are kept in the words of the source, read in the reader's language."""

from odoo import fields

from ..core.said import BETWEEN, NESTED, read


class Sentence(fields.Char):
    """A sentence of :mod:`..core.said`, or what a person or another program wrote.

    Code has it as it is kept; people, and programs that read as a user, have it in
    that user's language.
    """

    def convert_to_read(self, value, record, use_display_name=True):
        kept = super().convert_to_read(value, record, use_display_name)
        return in_language(record.env, kept)


def in_language(env, sentence):
    """A sentence of the core or of an error rule in the reader's language, with its
    values; any other as it is."""
    if not sentence:
        return False
    if BETWEEN in sentence:
        return " ".join(_ended(in_language(env, s)) for s in sentence.split(BETWEEN))
    said = read(sentence)
    if not said:
        return env._(sentence)
    named = dict(said.named)
    for name in named.keys() & NESTED:
        named[name] = in_language(env, named[name])
    return env._(said.sentence, *said.values, **named)


def _ended(sentence):
    return sentence if sentence.endswith((".", ":", "!", "?")) else f"{sentence}."
