from unittest.mock import sentinel

from odoo.tests import TransactionCase, tagged

from ...core.backend.abilities import Ability
from ...core.exchange.listing import Since
from ...core.exchange.rounds import Round
from ...models.call.abilities import (
    READ_AT_ONCE,
    READ_FIRST_COST,
    SINCE_COST,
    SINGLE_COST,
    UNREAD_COST,
    WHOLE_COST,
)

SENDING = ("takes_batches", "reads_first")
READING = ("reads_list", "reads_whole")


@tagged("post_install", "-at_install")
class TestRoads(TransactionCase):
    """Which roads are taken follows from what the app can do, or from what a person
    has chosen; and the page says what that costs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        backend = cls.env["sync.backend"].create(
            {"name": "Roads", "url": "http://127.0.0.1:9"}
        )
        cls.stream = backend.stream_ids.filtered(lambda s: s.entity == "supplier")

    def can(self, *abilities):
        self.stream.abilities_found = {str(a): a in abilities for a in Ability}

    def roads(self, names, **choices):
        choices = {
            **dict.fromkeys(
                ("batch_choice", "match_choice", "reading_choice"), "found"
            ),
            **choices,
        }
        self.stream.write(choices)
        return {name for name in names if self.stream[name]}

    def costs(self):
        return set(map(str, self.stream._roads_costs()))

    def test_what_was_never_found_out_is_as_the_contract_has_it(self):
        self.assertEqual(self.roads(SENDING + READING), {"takes_batches"})
        self.assertFalse(self.stream.roads_cost)

    def test_sending_as_the_app_can(self):
        for abilities, expected in (
            ((Ability.BATCH, Ability.IF_MATCH), {"takes_batches"}),
            ((Ability.BATCH,), {"takes_batches", "reads_first"}),
            ((Ability.IF_MATCH,), set()),
            ((), {"reads_first"}),
        ):
            self.can(*abilities)
            self.assertEqual(self.roads(SENDING), expected, abilities)

    def test_reading_as_the_app_can(self):
        feed, since, whole = Ability.CHANGE_FEED, Ability.UPDATED_SINCE, Ability.LIST
        for abilities, expected in (
            ((feed, since, whole), set()),
            ((feed,), set()),
            ((since, whole), {"reads_list"}),
            ((whole,), {"reads_whole"}),
            ((), set()),
        ):
            self.can(*abilities)
            self.assertEqual(self.roads(READING), expected, abilities)
            self.assertEqual(self.stream._may_delete_unsaid(), bool(expected))
            unread = self.stream._has_no_reading()
            self.assertEqual(unread, not abilities)

    def test_what_a_person_has_chosen_holds_whatever_the_app_can(self):
        for abilities in ((), tuple(Ability)):
            self.can(*abilities)
            for choice, taken in (("batch", True), ("single", False)):
                roads = self.roads(("takes_batches",), batch_choice=choice)
                self.assertEqual(bool(roads), taken, (abilities, choice))
            for choice, taken in (("read", True), ("if_match", False)):
                roads = self.roads(("reads_first",), match_choice=choice)
                self.assertEqual(bool(roads), taken, (abilities, choice))
            for choice, taken in (
                ("since", {"reads_list"}),
                ("whole", {"reads_whole"}),
                ("feed", set()),
            ):
                roads = self.roads(READING, reading_choice=choice)
                self.assertEqual(roads, taken, (abilities, choice))

    def test_an_app_that_has_overwritten_is_read_first(self):
        self.can(*Ability)
        self.assertFalse(self.roads(("reads_first",)))
        self.stream.overwrote_at = self.env.cr.now()
        self.assertTrue(self.roads(("reads_first",)))
        self.assertFalse(self.roads(("reads_first",), match_choice="if_match"))

    def test_how_many_are_sent_in_one_call(self):
        for abilities, most in (
            (tuple(Ability), None),
            ((Ability.BATCH,), READ_AT_ONCE),
            ((Ability.IF_MATCH,), 1),
        ):
            self.can(*abilities)
            self.assertEqual(self.stream._largest_call(), most)

    def test_only_what_the_direction_needs_costs(self):
        self.can(Ability.UPDATED_SINCE)
        sending = {str(SINGLE_COST), str(READ_FIRST_COST)}
        reading = {str(SINCE_COST)}
        for direction, expected in (
            ("both", sending | reading),
            ("push", sending),
            ("pull", reading),
        ):
            self.stream.direction = direction
            self.assertEqual(self.costs(), expected, direction)
        self.can(Ability.LIST)
        self.assertEqual(self.costs(), {str(WHOLE_COST)})
        self.can()
        self.assertEqual(self.costs(), {str(UNREAD_COST)})
        self.assertEqual(self.stream.roads_cost, str(UNREAD_COST))
        self.stream.direction = "push"
        self.assertEqual(self.costs(), sending)

    def test_what_it_can_is_listed(self):
        self.can(Ability.LIST, Ability.BATCH)
        self.assertEqual(
            self.stream.abilities, "many records in one call, a list of all records"
        )

    def test_a_cursor_of_another_road_begins_anew(self):
        """What the feed has is asked for with its own cursors only."""
        asked = []

        class Client:
            def changes(self, collection, cursor, *about):
                asked.append(cursor)
                return sentinel.page

        for cursor in ("c_7", str(Since()), str(Round()), None):
            page = self.stream._read_page(Client(), cursor, 100, "trace")
            self.assertIs(page, sentinel.page)
        self.assertEqual(asked, ["c_7", None, None, None])
