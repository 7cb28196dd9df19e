from hypothesis import example, given, reject, settings, strategies as st

from odoo.tests import BaseCase, tagged
from odoo.tools import html2plaintext, plaintext2html

from ...entities.converters import RichText
from ...entities.directory import Directory
from .test_declined import DeclinedCase

NOTES = RichText("notes", "note")
# Of which HTML and its text are most often made.
PIECES = st.sampled_from(
    [
        *("a", "b b", " ", "\n", "\n\n", "\t", "\r", "\xa0", "\u2028", "&", "<", ">"),
        *("&amp;", "<br>", "<b>x</b>", "</p><p>", "http://a.example", "*", "\x01"),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES).map("".join))


@tagged("post_install", "-at_install")
class TestReadBack(DeclinedCase):
    """What Odoo has is read a field at a time, for all records of a batch."""

    def test_many_records_are_read_as_each_of_them_is(self):
        self.arrived("1.00", "2.5000")
        for stream in self.backend.stream_ids:
            adapter = stream._adapter()
            records = self.env[stream.res_model].search(
                adapter._domain(self.backend), limit=50
            )
            self.assertTrue(records)
            read = adapter._serialise(records, Directory(self.backend))
            directory = Directory(self.backend)
            for record in records.with_context(lang=self.backend.lang):
                one = {
                    converter.key: converter.to_json(record, directory)
                    for converter in adapter._converters()
                }
                if adapter._entity_lines:
                    one["lines"] = [
                        {
                            "key": key,
                            **{
                                converter.key: converter.to_json(line, directory)
                                for converter in adapter._line_converters()
                            },
                        }
                        for key, line in adapter._lines_of(record).items()
                    ]
                self.assertEqual(read[record.id], one)


@tagged("post_install", "-at_install")
class TestPlainText(BaseCase):
    @settings(max_examples=200)
    @example("a\xa0b")
    @given(TEXTS)
    def test_the_text_of_a_note_is_what_odoo_reads_in_it(self, text):
        for html in (plaintext2html(text), f"<p>{text}</p>"):
            try:
                read = html2plaintext(html).strip()
            except ValueError:
                reject()  # Odoo cannot read it either
            self.assertEqual(NOTES.from_odoo(html, None), read)
