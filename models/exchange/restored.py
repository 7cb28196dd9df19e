import uuid
from contextlib import suppress

from odoo import fields, models

from ...client import FAILURES
from ...client.answers import is_record
from ...core import said
from ...core.check.envelope import as_record
from ...core.check.payload import canonical_datetime
from ...core.check.text_checks import check_id
from ...core.conflict.merge import KEYED, lines_by_key
from ...core.exceptions import InvalidDataError
from ...core.exchange.pushing import GONE, OK
from ...entities.directory import Directory
from ...entities.neutral import neutral
from ..base.own_transaction import apart
from ..base.rights import MANAGER, check_may

# Records of a page that are looked at because their version is low.
LOOKED_AT = 3


class SyncBackend(models.Model):
    """An app that was set back to an earlier state, from a backup for instance.

    It is known by a cursor that it refuses, by a version below one that it gave, or by
    a known record that it does not have. From then on versions begin anew (the epoch),
    all is read again, and what the app has otherwise than agreed is not taken over by
    itself: see :class:`...core.conflict.policy.Restored`.
    """

    _inherit = "sync.backend"

    def action_end_set_back(self):
        """Declare that all is as it should be, whatever the comparison still lists.

        :raises AccessError: the user is no manager
        """
        message = self.env._("Only managers may end this state.")
        check_may(self, MANAGER, message)
        self._as_runner()._end_set_back()
        return True

    def _end_set_back(self):
        self.write({"set_back_at": False, "set_back_reason": False})

    def _went_back(self, reason, epoch=None):
        """The app was set back.

        :param epoch: in which that was seen; nothing is done if it is over
        """
        self.ensure_one()
        if epoch is not None and epoch != self.epoch:
            return
        streams = self.with_context(active_test=False).stream_ids
        self.write(
            {
                "epoch": self.epoch + 1,
                "set_back_at": fields.Datetime.now(),
                "set_back_reason": reason,
                "read_until": max(
                    filter(None, streams.mapped("read_until")), default=""
                ),
            }
        )
        streams.write({"cursor": False})
        # They died of versions or records that the app has no more.
        self.env["sync.operation"].search(
            [
                ("backend_id", "=", self.id),
                ("kind", "=", "push"),
                ("state", "=", "dead"),
                ("error_ids.type", "in", ("version_conflict", "resource_not_found")),
            ]
        )._redrive(reason)
        self._app_went_back()
        self._schedule_push()
        self._schedule_pull()

    def _app_went_back(self):
        """The app was set back. Rooms above add what follows."""

    def _refuse_cursor(self, stream, cursor):
        """The app does not know a cursor that it gave."""
        if (stream.cursor or None) == cursor:
            self._went_back(said.CURSOR_UNKNOWN)

    def _look_behind(self, stream, versions):
        """Records came with versions below the known ones by another road than the
        feed, which the app was not asked about: an old state that comes late, or the
        app was set back. A job asks it.

        :param versions: ``{external id: version}``; empty: none did
        """
        if versions:
            changes = [{"id": i, "version": n} for i, n in sorted(versions.items())]
            self._as_runner().with_delay(
                identity_key=f"pharmacy_sync look {stream.id} {changes[0]}",
                description=self.env._("Read from %s", self.name),
            )._job_look(stream.id, changes[:LOOKED_AT])

    def _job_look(self, stream_id, changes):
        """Job: see whether versions that arrived show that the app was set back."""
        self.ensure_one()
        self = neutral(self, self)
        with self.env["sync.error"]._watch_over("pull job", self):
            stream = self.env["sync.stream"].browse(stream_id).exists()
            if not stream or not self._is_ready():
                return
            self._take_place()
            client = self._client("pull", stream._adapter()._entity_pool)
            # An app that does not answer shows it to the next reading, or comparison.
            with suppress(*FAILURES):
                self._shows_set_back(stream, client, changes, uuid.uuid4().hex)

    def _shows_set_back(self, stream, client, changes, correlation_id):
        """Whether records that the app sent show that it was set back, by versions
        below what is known. A push that was answered meanwhile may be newer than a page
        of the feed: so the records are looked at."""
        epoch, low = apart(self._find_low, stream, changes)
        collection = stream._adapter()._entity_collection
        for external_id, version in low:
            record = client.get_if_there(collection, external_id, correlation_id)
            if record is None and stream._may_delete_unsaid():
                # It may be deleted since.
                continue
            if record is None or record["version"] < version:
                apart(self._went_back, self._why_low(external_id, version), epoch)
                return True
        return False

    def _look_behind_answers(self, stream, items, answers):
        """An app that was set back, and edited since, may have come to the version that
        is known, or beyond: it takes what is sent on top of something else, or answers
        with what came back as if it were news. Before that is taken over the feed is
        asked whether it still knows how far it was read. One that looks at no version
        may write upon an older one."""
        low = [
            {"id": item.state.external_id, "version": answer["version"]}
            for item in items
            if (answer := answers.get(item.operation_id))
            and answer["status"] in OK
            and item.state.is_low(answer["version"])
        ]
        cursor = apart(self._cursor_in_doubt, stream, items, answers)
        if not low and not cursor:
            return
        client = self._client("push", stream._adapter()._entity_pool)
        collection, call_id = stream._adapter()._entity_collection, uuid.uuid4().hex
        try:
            back = low and self._shows_set_back(stream, client, low, call_id)
            if cursor and not back:
                client.changes(collection, cursor, 1, call_id)
        except FAILURES as exc:
            # Whatever else comes of the question, what was answered stands.
            if getattr(exc, "status", None) == GONE:
                apart(self._refuse_cursor, stream, cursor)

    def _cursor_in_doubt(self, stream, items, answers):
        """The stream's cursor, if an answer says more of a known record than was
        sent."""
        if not stream._reads_feed() or not stream.cursor:
            return None
        said = (answers.get(item.operation_id) for item in items)
        for item, answer in zip(items, said, strict=True):
            if answer and _says_unsent(stream, item, answer):
                return stream.cursor
        return None

    def _find_low(self, stream, changes):
        """``(epoch, [(external id, known version), ...])`` of records below that."""
        versions = _versions(changes)
        known = self.env["sync.mapping"].search_fetch(
            [
                ("stream_id", "=", stream.id),
                ("external_id", "in", list(versions)),
                ("epoch", "=", self.epoch),
            ],
            ["external_id", "version"],
        )
        low = [
            (mapping.external_id, mapping.version)
            for mapping in known
            if versions[mapping.external_id] < mapping.version
        ]
        return self.epoch, low[:LOOKED_AT]

    def _why_low(self, external_id, version):
        return said.say(said.VERSION_GONE, version=version, id=external_id)


def _says_unsent(stream, item, answer):
    """Whether the app answers with other values of a known record than it had and than
    were sent."""
    current = answer.get("current")
    record, sent = (current, {}) if current else (answer.get("data"), item.plan.data)
    if not item.state.external_id or not is_record(record):
        return False
    half = item.state.base.pharmacy
    names = half.keys() & record.keys() - (sent or {}).keys()
    if all(record[name] == half[name] for name in names):  # nearly always
        return False
    known = {name: record[name] for name in names}
    directory = Directory(stream.backend_id)
    try:
        said = stream._adapter()._canonical(known, directory, partial=True)
    except InvalidDataError:
        return False
    return not all(_is_still(name, half[name], said[name]) for name in said)


def _is_still(name, had, now):
    """Whether a field is as it was, as far as that is known."""
    if name not in KEYED:
        return had == now
    had, now = (lines_by_key(name, lines) for lines in (had, now))
    return had.keys() == now.keys() and all(
        line.items() <= now[key].items() for key, line in had.items()
    )


def _versions(changes):
    """Versions by id, of those that can be records."""
    versions = {}
    for record in filter(is_record, map(as_record, changes)):
        with suppress(InvalidDataError):
            versions[check_id(record["id"], "id")] = record["version"]
    return versions


def how_far(stream, cursor, records):
    """Values of a stream that was read up to a cursor.

    With it goes the time of the latest change that was read, by the app's clock as far
    as that is not ahead: what has a later one was changed since.
    """
    now = fields.Datetime.now()
    values, times = {"cursor": cursor}, [stream.read_until or ""]
    if records:
        values["pulled_at"] = now
    for record in records:
        try:
            times.append(canonical_datetime(record["updated_at"]))
        except (InvalidDataError, KeyError, TypeError):
            continue
    return {**values, "read_until": min(max(times), canonical_datetime(now))}
