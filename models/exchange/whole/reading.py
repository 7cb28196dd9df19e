from odoo import models
from odoo.tools import SQL

from ....client.listing import ask_for
from ....core import said
from ....core.exceptions import HttpError, SchemaMismatchError
from ....core.exchange.course import CircleError, Course
from ....core.exchange.listing import Since
from ....core.exchange.rounds import (
    GONE,
    UNKNOWN,
    ImplausibleListError,
    Round,
    Step,
    check_plausible,
    is_round,
    shows_set_back,
    sums,
)
from ...base.own_transaction import apart

# Records that are asked for before their answers are kept.
ASKED = 20
# What an app says of one record, and not of all that it is asked for.
_OF_ONE = (400, 403, 405, 409, 422)
# How an app refuses a place in its list that it gave, once its rows have changed.
_NO_PLACE = (400, 404, 410, 422)


class SyncStream(models.Model):
    """Pages of a round: those of the app's list, then what they lack."""

    _inherit = "sync.stream"

    def _pull_page(self, client, cursor, correlation_id, tries=0):
        """The next page of what has changed at the pharmacy.

        :return: see :meth:`_read_page`; of a round with what it met as ``listed``,
            ``{external id: checksum}``
        """
        if not self.reads_whole:
            size = self.batch_size
            return self._read_page(client, cursor, size, correlation_id, tries)
        place = apart(self._round_at, cursor)
        if place.step is Step.LIST:
            return self._list_page(client, place, correlation_id, tries)
        known, missing, first = apart(
            self.env["sync.listed"]._missing, self, place.began, ASKED
        )
        try:
            check_plausible(known, missing)
            if first:
                return self._ask_page(client, place, first, correlation_id, tries)
            return self._last_page(client, place, correlation_id)
        except ImplausibleListError:
            # The next round may be as it should be.
            apart(self._end_round, cursor)
            raise

    def _round_at(self, cursor):
        """Where the round stands; the next one, if that is to begin."""
        place = Round.parse(cursor)
        if not is_round(cursor):
            # All is read anew: what was agreed on may be of another app, or epoch.
            self.env["sync.listed"]._forget(self)
        if place.began and place.step is not Step.REST:
            return place
        return Round(self._database_time())

    def _database_time(self):
        query = SQL("SELECT clock_timestamp() at time zone 'UTC'")
        ((now,),) = self.env.execute_query(query)
        return now

    def _list_page(self, client, place, correlation_id, tries):
        """A page of the list, without the records that are listed as they were."""
        size = self.batch_size
        page = self._read_page(client, str(place), size, correlation_id, tries)
        # What is missing is still to be asked for.
        return {**page, **self._unlisted(page["changes"]), "has_more": True}

    def _unlisted(self, changes):
        listed = sums(changes)
        ids = [external_id for external_id, __ in listed]
        known = apart(self.env["sync.listed"]._known, self, ids)
        return {
            "changes": [
                change
                for change, (external_id, checksum) in zip(changes, listed, strict=True)
                if known.get(external_id) != checksum
            ],
            "listed": dict(listed),
        }

    def _ask_page(self, client, place, external_ids, correlation_id, tries):
        """Records that the list lacks, as the app has each by its id. One that it says
        it does not have is noted, for if that are many they are not deleted."""
        changes, listed = [], {}
        for external_id in external_ids:
            try:
                change = self._ask_for(client, external_id, correlation_id)
            except (HttpError, SchemaMismatchError) as exc:
                if not _is_of_one(exc, tries):
                    raise
                # It keeps no other one from being read; the next round asks again.
                self._note_unknown(exc, external_id, correlation_id)
                listed[external_id] = UNKNOWN
                continue
            if change is None:
                listed[external_id] = GONE
            else:
                changes.append(change)
        page = self._unlisted(changes)
        return {
            "changes": page["changes"],
            "listed": {**page["listed"], **listed},
            "next_cursor": str(place),
            "has_more": True,
        }

    def _ask_for(self, client, external_id, correlation_id):
        collection = self._adapter()._entity_collection
        return ask_for(client, collection, external_id, correlation_id)

    def _note_unknown(self, exception, external_id, correlation_id):
        exception.record = exception.record or f"{self.entity}/{external_id}"
        self.env["sync.error"]._record(
            exception,
            operation="pull",
            backend_id=self.backend_id.id,
            stream_id=self.id,
            correlation_id=correlation_id,
        )

    def _last_page(self, client, place, correlation_id):
        """The end of a round: what the app does not have any more is deleted, or shows
        that the app was set back.

        :raises ImplausibleListError: it does not have by its id what it lists
        """
        gone, met = apart(self.env["sync.listed"]._gone, self, place.began)
        epoch = apart(self._get_epoch)
        if gone and not (met and self._ask_for(client, met, correlation_id)):
            raise ImplausibleListError(
                "The app does not answer for a record by the id that it lists: those "
                "that its list lacks are not taken for deleted."
            )
        if shows_set_back(len(gone)):
            apart(self.backend_id._went_back, self._why_gone(gone), epoch)
            gone = []
        return {
            "changes": [{"id": external_id, "deleted": True} for external_id in gone],
            "next_cursor": str(place.ended()),
            "has_more": False,
            "listed": {},
        }

    def _get_epoch(self):
        return self.backend_id.epoch

    def _why_gone(self, gone):
        return said.say(said.RECORDS_GONE, count=len(gone), id=gone[0])

    # -- Where the reader stands -------------------------------------------------------

    def _get_place(self):
        """How far the app was read, how often to read on from there has failed, and
        how its pages led there."""
        operation = self._pull_operation()
        failed = operation.state in ("waiting", "dead")
        course = Course.of_kept(self.cursor_course or "", self.cursor or "")
        return self.cursor, operation.attempts if failed else 0, course

    def _gone_on(self, course, cursor):
        """The course of a feed once its reader goes on to a cursor; the two roads of a
        list have theirs in the cursor.

        :raises CircleError: the reader was there before
        """
        return course.moved(cursor, "next_cursor") if self._reads_feed() else course

    def _reads_feed(self):
        return not self.reads_list and not self.reads_whole

    # -- Written with the page, or in its place ----------------------------------------

    def _note_page(self, page):
        """Write down what a page of a round has, in the transaction that applies it."""
        if "listed" not in page:
            return
        Listed = self.env["sync.listed"]
        place = Round.parse(page["next_cursor"])
        Listed._note(self, place.began, page["listed"])
        if place.step is Step.REST:
            Listed._end(self, place.began)

    def _note_decided(self, changes, linked):
        """What an initial synchronisation has read, before the first round: people
        decide there about what is not linked, and a round leaves it alone until it
        changes.

        :param linked: ids of those that are
        """
        if not self.reads_whole or self.cursor:
            return
        read = {i: checksum for i, checksum in sums(changes) if i not in linked}
        self.env["sync.listed"]._note(self, self._database_time(), read)

    def _end_round(self, cursor):
        """Wait for the next round, unless somebody else has moved on."""
        if self.cursor == cursor:
            self.cursor = str(Round.parse(cursor).ended())

    def _begin_round(self):
        """Do not wait for the time of the next round."""
        for stream in self.filtered("reads_whole"):
            if Round.parse(stream.cursor).step is Step.REST:
                stream.cursor = str(Round())

    def _refuses_place(self, exception, cursor):
        """The app may not know a place in its list any more, or its pages lead in a
        circle: begin with the first, the next time it is asked. A feed is read on from
        its cursor."""
        circle = isinstance(exception, CircleError)
        known = getattr(exception, "status", None) not in _NO_PLACE
        if self.cursor != cursor or (known and not circle):
            return
        if Round.parse(cursor).after:
            self.cursor = str(Round())
        elif circle and self.reads_list:
            self.cursor = str(Since.parse(cursor).anew())

    # -- Between two rounds ------------------------------------------------------------

    def _round_rests(self):
        """Whether nothing is asked now: a round is over, and the next one not due."""
        if not self.reads_whole:
            return False
        place, now = Round.parse(self.cursor), self._database_time()
        return place.rests(now, self.list_minutes)

    def _next_round_at(self):
        """When the next round begins, if one is waited for."""
        if not self.reads_whole:
            return None
        due = Round.parse(self.cursor).next_at(self.list_minutes)
        return due and due.replace(microsecond=0)


def _is_of_one(exception, tries):
    """Whether an answer says something of the record that was asked for alone.

    :param tries: how often the app was asked before, in vain
    """
    if isinstance(exception, SchemaMismatchError) or exception.status in _OF_ONE:
        return True
    # A server's failure that stays is one over this record, or the breaker opens.
    return tries > 0 and exception.status >= 500
