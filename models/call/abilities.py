import uuid

from odoo import api, fields, models
from odoo.tools import LazyTranslate

from ...client import FAILURES
from ...client.abilities import (
    capabilities,
    first_listed,
    has_feed,
    heeds_versions,
    refusal_read_first,
    takes_batches,
    write_one,
)
from ...client.listing import changes_since, lists_by_time, whole_list
from ...core.backend.abilities import Ability, declared, has, leaps, reads_whole
from ...core.exchange.listing import is_since
from ...core.exchange.rounds import is_round

_lt = LazyTranslate(__name__)
FOUND = ("found", "As the connection test found")
# Records that are read before they are sent together. The more, the older is what was
# read of the first when all are sent.
READ_AT_ONCE = 10
NAMES = {
    Ability.BATCH: _lt("many records in one call"),
    Ability.IF_MATCH: _lt("refusal of changes of an old version"),
    Ability.CHANGE_FEED: _lt("changes since a cursor"),
    Ability.UPDATED_SINCE: _lt("a list of what has changed since a time"),
    Ability.LIST: _lt("a list of all records"),
}
# What an app has that calls things otherwise than the contract does.
OF_NO_CONTRACT = {
    Ability.BATCH: False,
    Ability.IF_MATCH: False,
    Ability.CHANGE_FEED: False,
}
SINGLE_COST = _lt(
    "Each record is sent in a call of its own: as many requests as there are records. "
    "Nothing is lost or doubled by that."
)
READ_FIRST_COST = _lt(
    "Each record is read before a change of it is sent, one request more for each: the "
    "app does not refuse a change of an old version. What is entered at the pharmacy "
    "in the instant between, in the same fields, is overwritten; that is noticed, and "
    "listed among the errors."
)
SINCE_COST = _lt(
    "Changes are read from the app's list, by the time of each record's last change: "
    "those of the last ten minutes are listed again with each reading. What the "
    "pharmacy deletes is not seen, nor what it commits more than ten minutes after its "
    "time: a comparison finds both."
)
WHOLE_COST = _lt(
    "Changes are found by reading the app's whole list, in rounds: as many requests as "
    "it has pages, and one more for each record that is linked and not listed. What "
    "the pharmacy changes or deletes is seen in the next round, and not before."
)
UNREAD_COST = _lt(
    "The pharmacy's changes cannot be read: the app has neither a feed of changes nor "
    "a list. It can push them to Odoo itself."
)


class SyncStream(models.Model):
    """What the app can do for an entity, and the road that is taken for it."""

    _inherit = "sync.stream"

    abilities_found = fields.Json(
        readonly=True,
        copy=False,
        help="What the app can do, by the name of the ability, as the connection test "
        "found it.",
    )
    abilities = fields.Char(
        "The App Can",
        compute="_compute_abilities",
        help="What the connection test found.",
    )
    roads_cost = fields.Text(compute="_compute_roads_cost")
    batch_choice = fields.Selection(
        [
            FOUND,
            ("batch", "Many records in one call"),
            ("single", "Each record in a call of its own"),
        ],
        "Sends",
        default="found",
        required=True,
        help="How records are sent. One call for each record costs as many requests as "
        "there are records; nothing else changes: a record whose answer was lost is "
        "looked up before it is sent again.",
    )
    takes_batches = fields.Boolean("Batches in Use", compute="_compute_roads")
    match_choice = fields.Selection(
        [
            FOUND,
            ("if_match", "The app refuses a change of an old version"),
            ("read", "Each record is read before it is sent"),
        ],
        "Overwrites Nothing Because",
        default="found",
        required=True,
        help="How a change that the pharmacy has made meanwhile is noticed. To read "
        "first costs a request for each record, and leaves an instant between.",
    )
    reads_first = fields.Boolean(compute="_compute_roads")
    reading_choice = fields.Selection(
        [
            FOUND,
            ("feed", "The app's feed of changes"),
            ("since", "The app's list, since a time"),
            ("whole", "The app's whole list"),
        ],
        "Reads",
        default="found",
        required=True,
        help="Where changes of the pharmacy are read. By the list since a time "
        "deletions are not seen: a comparison finds them. The whole list is read in "
        "rounds. With another choice all is read once more; what did not change is "
        "left alone.",
    )
    reads_list = fields.Boolean(compute="_compute_roads")
    reads_whole = fields.Boolean(compute="_compute_roads")
    overwrote_at = fields.Datetime(
        "Overwrote a Change",
        readonly=True,
        copy=False,
        help="When an answer showed that the app does not refuse a change of an old "
        "version, whatever it says of itself.",
    )

    def _found(self):
        """What is known of what the app can do."""
        found = self.abilities_found or {}
        return {**OF_NO_CONTRACT, **found} if self.calls_otherwise else found

    @api.depends("abilities_found", "calls_otherwise")
    def _compute_abilities(self):
        for stream in self:
            found = stream._found()
            names = [str(self.env._(NAMES[a])) for a in Ability if has(found, a)]
            stream.abilities = ", ".join(names)

    @api.depends(
        "abilities_found",
        "calls_otherwise",
        "batch_choice",
        "match_choice",
        "overwrote_at",
        "reading_choice",
    )
    def _compute_roads(self):
        for stream in self:
            found, choice = stream._found(), stream.match_choice
            stream.takes_batches = stream.batch_choice == "batch" or (
                stream.batch_choice == "found" and has(found, Ability.BATCH)
            )
            heeds = has(found, Ability.IF_MATCH) and not stream.overwrote_at
            stream.reads_first = choice == "read" or (choice == "found" and not heeds)
            stream.reads_list = stream.reading_choice == "since" or (
                stream.reading_choice == "found"
                and not has(found, Ability.CHANGE_FEED)
                and has(found, Ability.UPDATED_SINCE)
            )
            stream.reads_whole = stream.reading_choice == "whole" or (
                stream.reading_choice == "found" and reads_whole(found)
            )

    @api.depends(
        "abilities_found",
        "takes_batches",
        "reads_first",
        "reads_list",
        "reads_whole",
        "direction",
    )
    def _compute_roads_cost(self):
        for stream in self:
            costs = stream._roads_costs()
            stream.roads_cost = "\n".join(str(self.env._(cost)) for cost in costs)

    def _roads_costs(self):
        """What it costs that the app lacks abilities, in words."""
        sends, reads = self.direction != "pull", self.direction != "push"
        roads = (
            (SINGLE_COST, sends and not self.takes_batches),
            (READ_FIRST_COST, sends and self.reads_first),
            (SINCE_COST, reads and self.reads_list),
            (WHOLE_COST, reads and self.reads_whole),
            (UNREAD_COST, reads and self._has_no_reading()),
        )
        return [cost for cost, taken in roads if taken]

    def _has_no_reading(self):
        """Whether the app has none of the roads by which changes are read."""
        roads = (Ability.CHANGE_FEED, Ability.UPDATED_SINCE, Ability.LIST)
        return not any(has(self._found(), road) for road in roads)

    def _read_page(self, client, cursor, limit, correlation_id, tries=0):
        """One page of what has changed at the pharmacy, by the road that is taken. A
        cursor of another road begins anew.

        :param tries: how often this page was asked for before, in vain
        :return: see :meth:`...client.PharmacyClient.changes`; with ``repeats`` if it
            has again what was read before
        """
        about = (limit, correlation_id, tries)
        collection = self._adapter()._entity_collection
        if self.reads_list:
            return changes_since(client, collection, cursor, *about)
        if self.reads_whole:
            return whole_list(client, collection, cursor, *about)
        anew = is_since(cursor) or is_round(cursor)
        return client.changes(collection, None if anew else cursor, *about)

    def _may_delete_unsaid(self):
        """Whether the app never says what it has deleted: its lists leave it out."""
        return self.reads_list or self.reads_whole

    def _largest_call(self):
        """How many records may be sent in one call; None: all of a batch."""
        if not self.takes_batches:
            return 1
        return READ_AT_ONCE if self.reads_first else None

    def _read_first(self, client, collection, items):
        """Read the records of an app that does not refuse changes of an old version.

        :param items: as for :meth:`_write_each`
        :return: what it would have refused: ``{operation id: result}``
        """
        if not self.reads_first:
            return {}
        refused = {
            item.operation_id: refusal_read_first(
                client, collection, item.request, item.correlation_id
            )
            for item in items
        }
        return {number: result for number, result in refused.items() if result}

    def _write_each(self, client, collection, items):
        """Have the app write each of these, in a batch or in calls of their own.

        :param items: with ``operation_id``, ``request``, ``correlation_id``, ``retry``
        :return: a list of results, see :meth:`...client.PharmacyClient.batch`; one has
            ``overwrote`` if another change was overwritten by it, unseen
        """
        if self.takes_batches:
            results = client.batch(
                collection,
                [item.request for item in items],
                items[0].correlation_id,
                retry=any(item.retry for item in items),
            )
        else:
            results = [
                write_one(
                    client, collection, item.request, item.correlation_id, item.retry
                )
                for item in items
            ]
        self._mark_overwriting(client, collection, items, results)
        return results

    def _mark_overwriting(self, client, collection, items, results):
        """Notice that the app carries out changes of an old version: nothing but the
        version in its answer shows it."""
        if not client.names(collection).counts:
            # A time says nothing of how many changes came before it.
            return
        leaping = [
            (item, result)
            for item, result in zip(items, results, strict=False)
            if isinstance(result, dict) and leaps(item.request, result)
        ]
        if not leaping:
            return
        try:
            heeds = self._heeds(client, collection, leaping[0][0])
        except FAILURES:
            # What was written is written, whatever comes of a question.
            return
        if heeds is False:
            for __, result in leaping:
                result["overwrote"] = True

    def _heeds(self, client, collection, item):
        """Whether the app refuses a change of the version that this one was based on,
        which the record has no more; else its versions grow by more than one. None: its
        answer does not say."""
        if self.overwrote_at or not has(self._found(), Ability.IF_MATCH):
            return False
        about = item.request["id"], item.request["if_match"], item.correlation_id
        return heeds_versions(client, collection, *about)

    def _try_abilities(self, client, correlation_id):
        """What the app can do, found by trying: ``{ability: bool}``."""
        collection = self._adapter()._entity_collection
        listed = first_listed(client, collection, correlation_id)
        lists = listed is not None
        by_time = lists and lists_by_time(client, collection, correlation_id)
        listing = {Ability.UPDATED_SINCE: by_time, Ability.LIST: lists}
        if client.names(collection).own:
            # What only the contract has is not asked for, least of all by writing.
            return {**OF_NO_CONTRACT, **listing}
        batches = takes_batches(client, collection, correlation_id)
        found = {
            Ability.BATCH: batches,
            Ability.CHANGE_FEED: has_feed(client, collection, correlation_id),
            **listing,
        }
        for record in (listed or ()) if self.pushes else ():
            # No record has this version.
            heeds = heeds_versions(client, collection, record["id"], 0, correlation_id)
            if heeds is not None:
                found[Ability.IF_MATCH] = heeds
            if heeds and self.overwrote_at:
                self.overwrote_at = False
        return found


class SyncBackend(models.Model):
    """Finds out what the app can do."""

    _inherit = "sync.backend"

    def _find_abilities(self, client):
        """Ask the app what it can do; where it does not say, try. What cannot be found
        stays as it was."""
        correlation_id = uuid.uuid4().hex
        streams = self.sudo().with_context(active_test=False).stream_ids
        try:
            names = capabilities(client, correlation_id)
            for stream in streams:
                if names is None:
                    found = stream._try_abilities(client, correlation_id)
                else:
                    found = declared(names)
                if found.items() - (stream.abilities_found or {}).items():
                    stream.abilities_found = {**(stream.abilities_found or {}), **found}
        except FAILURES:
            # The connection test reports that; the next test asks for abilities again.
            return

    def _connection_changed(self):
        result = super()._connection_changed()
        # It may be another app.
        self.sudo().with_context(active_test=False).stream_ids.overwrote_at = False
        return result
