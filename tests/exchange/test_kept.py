from odoo.tests import tagged

from ...core import said
from ..common import SyncCase

NOWHERE = "XX"


@tagged("post_install", "-at_install")
class TestKept(SyncCase):
    """A record that could not be applied is kept once, in its latest state, until
    one that can be makes up for it."""

    def setUp(self):
        super().setUp()
        self.stream = self.backend.stream_ids.filtered(lambda s: s.entity == "supplier")

    def arrive(self, *records):
        """Records as they come with a page; those of no known country cannot be
        applied."""
        records = [{"id": "s_1", "name": "Sur", **record} for record in records]
        self.stream._keep_failed(self.stream._apply_apart(records, "page"), "page")
        self.env.invalidate_all()

    def kept(self):
        return self.operations(kind="apply")

    def partner(self, external_id="s_1"):
        mapping = self.env["sync.mapping"].search(
            [("stream_id", "=", self.stream.id), ("external_id", "=", external_id)]
        )
        return mapping and mapping._record()

    def test_one_that_cannot_be_applied_has_had_one_attempt(self):
        self.arrive({"version": 3, "country_code": NOWHERE})
        kept = self.kept()
        self.assertEqual((kept.state, kept.attempts), ("dead", 1))
        self.assertEqual(kept.payload["version"], 3)

    def test_a_later_state_takes_its_place(self):
        self.arrive({"version": 3, "country_code": NOWHERE})
        self.arrive({"version": 4, "country_code": NOWHERE, "city": "Faro"})
        kept = self.kept()
        self.assertEqual(len(kept), 1)
        self.assertEqual(kept.payload["version"], 4)
        self.assertEqual(len(kept.error_ids), 2)

    def test_an_earlier_state_that_comes_late_leaves_it_alone(self):
        for version in (1, 2):
            for country in (NOWHERE, "ES"):
                with self.subTest(version=version, country=country):
                    self.arrive({"version": 3, "country_code": NOWHERE})
                    kept = self.kept()
                    errors = len(kept.error_ids)
                    self.arrive({"version": version, "country_code": country})
                    self.assertEqual(self.kept(), kept)
                    self.assertEqual(kept.state, "dead")
                    self.assertEqual(kept.payload["version"], 3)
                    self.assertEqual(len(kept.error_ids), errors)
                    kept.unlink()

    def test_the_same_state_or_one_without_a_version_makes_up_for_it(self):
        for number, about in enumerate(({"version": 3}, {"version": 4}, {})):
            with self.subTest(about):
                about["id"] = f"s_{number}"
                self.arrive({**about, "version": 3, "country_code": NOWHERE})
                kept = self.kept()
                self.arrive({**about, "country_code": "ES"})
                self.assertEqual(kept.state, "done")
                self.assertEqual(kept.reason, said.NEWER_CAME)
                self.assertEqual(self.partner(about["id"]).country_id.code, "ES")
                kept.unlink()

    def test_one_kept_without_a_version_is_made_up_for_by_any(self):
        self.arrive({"country_code": NOWHERE})
        kept = self.kept()
        self.arrive({"version": 1, "country_code": "ES"})
        self.assertEqual(kept.state, "done")

    def test_its_deletion_makes_up_for_it(self):
        """Nobody has to apply what it said before."""
        self.arrive({"version": 1})
        self.arrive({"version": 2, "country_code": NOWHERE, "city": "Faro"})
        kept = self.kept()
        self.arrive({"version": 3, "deleted": True})
        self.assertEqual(kept.state, "done")
        self.assertEqual(kept.reason, said.NEWER_CAME)
        self.assertFalse(self.partner().active)

    def test_the_same_record_twice_in_a_page(self):
        """What came of the second is what counts."""
        good, bad = {"country_code": "ES"}, {"country_code": NOWHERE}
        self.arrive({"version": 1, **bad}, {"version": 2, **good})
        self.assertEqual(self.kept().state, "done")
        self.assertEqual(self.partner().country_id.code, "ES")
        self.kept().unlink()
        self.arrive({"version": 3, **good}, {"version": 4, **bad})
        self.assertEqual(self.kept().state, "dead")
        self.assertEqual(self.kept().payload["version"], 4)
        self.arrive({"version": 5, **bad}, {"version": 6, **bad})
        self.assertEqual(self.kept().payload["version"], 6)
        self.assertEqual(len(self.kept()), 1)

    def test_each_of_several_without_an_id_is_kept(self):
        self.arrive({"id": None}, {"id": None}, {"version": 1, "country_code": NOWHERE})
        ids = self.kept().mapped("external_id")
        self.assertEqual(sorted(ids, key=str), [False, False, "s_1"])
        self.assertEqual(set(self.kept().mapped("state")), {"dead"})
        self.assertEqual([len(each.error_ids) for each in self.kept()], [1, 1, 1])
