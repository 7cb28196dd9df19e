import re
from collections import defaultdict
from pathlib import Path

import polib

from odoo.tests import BaseCase, tagged

CATALOGUES = Path(__file__).resolve().parents[2] / "i18n"
LABEL = re.compile(
    r"model:ir\.model\.fields,field_description:pharmacy_sync\.field_(.+?)__.+"
)
MARKS = re.compile(r"%\(\w+\)[sd]|%[sd]|</?\w+|\b(?:name|invisible)=\S+")


@tagged("post_install", "-at_install")
class TestTranslations(BaseCase):
    """Whoever works in Spanish reads Spanish throughout."""

    def setUp(self):
        super().setUp()
        self.catalogue = polib.pofile(CATALOGUES / "es.po")

    def test_every_text_is_translated(self):
        missing = [entry.msgid for entry in self.catalogue.untranslated_entries()]
        missing += [entry.msgid for entry in self.catalogue.fuzzy_entries()]
        self.assertEqual(missing, [])

    def test_what_has_two_names_on_a_page_has_two_in_spanish(self):
        """Kind and Type are not both Tipo in one list."""
        labels = defaultdict(lambda: defaultdict(set))
        for entry in self.catalogue:
            for place, __ in entry.occurrences:
                field = LABEL.fullmatch(place)
                if field:
                    labels[field[1]][entry.msgstr].add(entry.msgid)
        for model, names in labels.items():
            for spanish, english in names.items():
                with self.subTest(model, spanish=spanish):
                    self.assertEqual(len(english), 1, english)

    def test_placeholders_and_markup_are_kept(self):
        """Else a sentence cannot be filled in, or a page not be drawn."""
        for entry in self.catalogue:
            with self.subTest(entry.msgid):
                self.assertCountEqual(
                    MARKS.findall(entry.msgstr), MARKS.findall(entry.msgid)
                )

    def test_edges_are_kept(self):
        """A text that is a piece of a sentence does not stick to its neighbour."""
        for entry in self.catalogue:
            with self.subTest(entry.msgid):
                for edge in (str.lstrip, str.rstrip):
                    self.assertEqual(
                        edge(entry.msgid) == entry.msgid,
                        edge(entry.msgstr) == entry.msgstr,
                    )
