from odoo import models

from ...core.check.envelope import check_envelope
from ...core.check.text_checks import check_id
from ...core.exceptions import InvalidDataError, SuspectedError
from ...core.exchange.arriving import Move, created, deleted, known_by_key
from ...core.exchange.mapping_state import first_agreed
from ...core.storable import storable_text
from ...entities.directory import Directory
from ...entities.neutral import neutral
from ..backend.sync_mapping import OF_STATE
from ..base.alone import alone, without_sql
from ..error.sync_suspect import in_key
from .arrival import Arrival

# Characters of an unusable id by which its failure is known.
SHOWN_ID = 200


class SyncStream(models.Model):
    """The one function that every arriving record meets, by whichever road it came."""

    _inherit = "sync.stream"

    def _apply(self, records, correlation_id, suspected=False, looked=False):
        """Carry the pharmacy's records into Odoo, by three-way comparison.

        Records are read and created in bulk. One that cannot be applied fails alone;
        nothing of it is written.

        :param records: dicts as the pharmacy app sends them: ``id``, ``version``,
            ``deleted``, ``external_ref`` and the entity's fields
        :param suspected: take the only record although a worker may die of it: nothing
            else is in hand
        :param looked: whether the app was asked already about versions that are too low
        :return: a list of :class:`Arrival` in the order of ``records``
        """
        self.ensure_one()
        # All that is asked of it in most batches: it has a hundred columns.
        self.backend_id.sudo().fetch(["lang", "company_id", "epoch"])
        stream = neutral(self, self.backend_id, sync_correlation_id=correlation_id)
        arrivals = [Arrival(record) for record in records]
        waves = _in_waves(filter(stream._read_envelope, arrivals))
        stream._take_unchanged(waves[0])
        left = [a for wave in waves for a in wave.values() if not a.outcome]
        refused = stream._admit(left, suspected)
        stream._apply_wave(waves[0], correlation_id)
        for wave in waves[1:]:
            stream._find_mappings(wave)
            stream._apply_wave(wave, correlation_id)
        if not looked:
            low = {a.external_id: a.version for a in arrivals if a.low}
            stream.backend_id._look_behind(stream, low)
        if suspected:
            # The worker has survived it, unless it dies before it commits.
            self.env["sync.suspect"].sudo()._clear(self, waves[0].keys() - refused)
        if stream._adapter()._entity_cached:
            self.env["sync.cache"]._refresh(stream, arrivals)
        self.env["sync.event"].sudo()._emit_synced(
            self,
            [
                (arrival.res_id, correlation_id)
                for arrival in arrivals
                if arrival.outcome in ("created", "updated") and arrival.res_id
            ],
        )
        return arrivals

    def _take_unchanged(self, wave):
        """Find mappings, and take what says letter for letter what was agreed on: no
        value of it is read or written, so that no worker can die of it."""
        self._find_mappings(wave)
        for arrival in wave.values():
            if not (arrival.mapping and self._part(arrival)):
                continue
            linked = bool(arrival.mapping.res_id)
            if not arrival.deleted and (arrival.rest or not linked):
                continue
            found = arrival.received()
            if found.move is Move.UNCHANGED and not found.revived:
                arrival.keep(found)
                arrival.set_unchanged()

    def _admit(self, arrivals, suspected):
        """See to it that if the worker dies now, that is known of these.

        :return: ids of those that must not be looked at: they have failed
        """
        keys = [in_key(self.entity, arrival.external_id) for arrival in arrivals]
        Marker, refused = self.env["sync.marker"], []
        if suspected and arrivals:
            if error := Marker._begin_or_refuse(self.backend_id, *keys, "apply"):
                refused = [(arrival, error) for arrival in arrivals]
        else:
            suspects = Marker._begin(self.backend_id, keys, "apply")
            message = "A worker died while it had this record in hand."
            refused = [
                (arrival, SuspectedError(message))
                for key, arrival in zip(keys, arrivals, strict=True)
                if key in suspects
            ]
        for arrival, error in refused:
            self._set_failed(arrival, error)
        return {arrival.external_id for arrival, __ in refused}

    def _apply_apart(self, records, correlation_id, suspected=False, looked=False):
        """Like :meth:`_apply`; what it raises over one record is that one's failure
        alone, found by halving: whatever arrives, its neighbours land."""
        with alone(self.env) as failure:
            return self._apply(records, correlation_id, suspected, looked)
        if len(records) == 1:
            arrival = Arrival(records[0])
            if self._read_envelope(arrival):
                self._set_failed(arrival, failure.error)
            return [arrival]
        half = len(records) // 2
        return [
            *self._apply_apart(records[:half], correlation_id, looked=looked),
            *self._apply_apart(records[half:], correlation_id, looked=looked),
        ]

    def _read_envelope(self, arrival):
        """Check what is around a record's own values, the same for every entity.

        :return: whether the record may be looked at; else the arrival has failed
        """
        record = arrival.record
        try:
            if isinstance(record, dict) and isinstance(record.get("id"), str):
                arrival.external_id = storable_text(record["id"], SHOWN_ID)
            check_envelope(record)
            arrival.external_id = check_id(record.get("id"), "id")
        except InvalidDataError as exc:
            return self._set_failed(arrival, exc)
        arrival.version = record.get("version") or 0
        return True

    def _set_failed(self, arrival, error):
        arrival.outcome, arrival.error = "failed", without_sql(self.env, error)
        return False

    def _apply_wave(self, wave, correlation_id):
        """Apply records that are all different, whose mappings were found:
        ``{external_id: Arrival}``. What is settled already is left as it is."""
        left = [arrival for arrival in wave.values() if not arrival.outcome]
        if not left:
            return
        directory = Directory(self.backend_id)
        self._find_by_key(left)
        self._read_data(left, directory)
        self._take_arriving_keys(left, directory)
        changed, new, unlinked = [], [], []
        for arrival in left:
            if arrival.outcome:
                continue
            move = arrival.keep(arrival.received())
            if move in (Move.NEW, Move.TOMBSTONE):
                new.append(arrival)
            elif move is Move.DELETED:
                self._attempt(arrival, self._apply_deletion, arrival)
            elif move is Move.UNCHANGED:
                arrival.set_unchanged()
            elif not arrival.mapping.res_id and move is not Move.AGAIN:
                unlinked.append(arrival)
            else:
                changed.append(arrival)
        changed += self._match_new(new, directory)
        self._apply_changed(changed, directory, correlation_id)
        new = [a for a in new if not a.outcome and not a.mapping]
        self._create_new(new + unlinked, directory)

    def _find_mappings(self, wave):
        """By the app's id."""
        Mapping = self.env["sync.mapping"]
        found = Mapping.search_fetch(
            [("stream_id", "=", self.id), ("external_id", "in", list(wave))],
            [*OF_STATE, "res_id", "state"],
        )
        for mapping, state in found._states().items():
            arrival = wave[state.external_id]
            arrival.mapping, arrival.state = mapping, state

    def _find_by_key(self, arrivals):
        """Mappings by our key, for a creation that was never answered."""
        Mapping = self.env["sync.mapping"]
        by_key = {
            arrival.record["external_ref"]: arrival
            for arrival in arrivals
            if not arrival.mapping and arrival.record.get("external_ref")
        }
        if by_key:
            for mapping in Mapping.search(
                [("stream_id", "=", self.id), ("key", "in", list(by_key))]
            ):
                if not mapping.external_id:
                    arrival = by_key[mapping.key]
                    state = mapping._state()
                    arrival.state = known_by_key(state, arrival.external_id)
                    mapping._move(state, arrival.state)
                    arrival.mapping = mapping

    def _part(self, arrival):
        """Part a record in what the pharmacy's half has of it, letter for letter, and
        the rest.

        :return: whether it may be looked at; else the arrival has failed
        """
        mapping = arrival.mapping
        half = (mapping and mapping.res_id and mapping.base) or {}
        try:
            agreed, arrival.rest = self._adapter()._part_agreed(arrival.record, half)
        except InvalidDataError as exc:
            return self._set_failed(arrival, exc)
        if not arrival.deleted:
            arrival.data = agreed
        return True

    def _read_data(self, arrivals, directory):
        adapter = self._adapter()
        for arrival in arrivals:
            if arrival.rest is None and not self._part(arrival):
                continue
            linked = bool(arrival.mapping and arrival.mapping.res_id)
            if arrival.deleted or (linked and not arrival.rest):
                continue
            try:
                arrival.warnings += self._warnings_of_unknown(arrival.rest, adapter)
                read = adapter._canonical(arrival.rest, directory, partial=linked)
                arrival.data = {**arrival.data, **read}
            except InvalidDataError as exc:
                self._set_failed(arrival, exc)

    def _warnings_of_unknown(self, record, adapter):
        """Name the fields of an arriving record that Odoo does not know.

        :return: list of warnings
        :raises InvalidDataError: the stream refuses such records
        """
        unknown = adapter._unknown(record)
        if unknown and self.unknown_fields == "refuse":
            message = f"{', '.join(unknown)}: no such field"
            raise InvalidDataError(message, field=unknown[0])
        return (
            [self.env._("Odoo has no field for %s.", ", ".join(unknown))]
            if unknown
            else []
        )

    def _match_new(self, new, directory):
        """Link arriving records to Odoo's that are plainly the same.

        :return: those of ``new`` that now have a mapping
        """
        adapter = self._adapter()
        taken = self._directions().taken
        incoming = {
            arrival.external_id: taken(arrival.data)
            for arrival in new
            if not arrival.deleted
        }
        matches, unclear = adapter._match(self.backend_id, incoming)
        for arrival in new:
            if error := unclear.get(arrival.external_id):
                self._set_failed(arrival, error)
        matched = [arrival for arrival in new if arrival.external_id in matches]
        if not matched:
            return matched
        Mapping = self.env["sync.mapping"]
        known = Mapping.search(
            [("stream_id", "=", self.id), ("res_id", "in", list(matches.values()))]
        )
        # What was agreed on with a counterpart that is deleted still holds.
        buried = {
            mapping.res_id: mapping._base() for mapping in known if mapping.deleted
        }
        known.filtered("deleted")._detach()
        unlinked = known.filtered(lambda mapping: mapping.res_id not in buried)
        unlinked._forget_agreed()
        by_res_id = {mapping.res_id: mapping for mapping in unlinked}
        by_res_id.update(
            (mapping.res_id, mapping)
            for mapping in Mapping._insert(
                self,
                [
                    {"res_id": res_id, "base": buried.get(res_id)}
                    for res_id in matches.values()
                    if res_id not in by_res_id
                ],
            )
        )
        for arrival in matched:
            arrival.mapping = by_res_id[matches[arrival.external_id]]
            arrival.mapping.external_id = arrival.external_id
            adapter._adopt(arrival.mapping._record(), arrival.data, directory)
        return matched

    def _apply_deletion(self, arrival):
        mapping = arrival.mapping
        arrival.res_id = mapping.res_id
        record, changed = mapping._record(), {}
        if record:
            before = mapping._serialise()
            self._adapter()._delete(record)
            after = mapping._serialise()
            changed = {k: v for k, v in after.items() if before[k] != v}
        state = mapping._state()
        mapping._move(state, deleted(state, changed, arrival.version))
        mapping._open_conflict()._close("pharmacy")
        arrival.outcome = "deleted"

    def _create_new(self, arrivals, directory):
        """Create in bulk; if the bulk fails halve it, until the bad one is alone."""
        self._remember_deleted([a for a in arrivals if a.record.get("deleted")])
        arrivals = [arrival for arrival in arrivals if not arrival.outcome]
        if not arrivals:
            return
        if len(arrivals) == 1:
            if not self._attempt(arrivals[0], self._create_bulk, arrivals, directory):
                data = self._directions().taken(arrivals[0].data)
                self._find_fault(arrivals[0], data, directory)
            return
        with alone(self.env) as failure:
            self._create_bulk(arrivals, directory)
        if failure:
            half = len(arrivals) // 2
            self._create_new(arrivals[:half], directory)
            self._create_new(arrivals[half:], directory)

    def _remember_deleted(self, arrivals):
        """Keep in mind what was deleted before Odoo heard of it: an old state of it
        that is still under way must not make it anew."""
        self.env["sync.mapping"]._insert(
            self,
            [
                {
                    "external_id": arrival.external_id,
                    "version": arrival.version,
                    "deleted": True,
                }
                for arrival in arrivals
            ],
        )
        for arrival in arrivals:
            arrival.outcome = "unchanged"

    def _create_bulk(self, arrivals, directory):
        adapter, Mapping = self._adapter(), self.env["sync.mapping"]
        taken = self._directions().taken
        records = adapter._create(
            self.backend_id, [taken(arrival.data) for arrival in arrivals], directory
        )
        # Read back: what both sides agree on is what Odoo really has.
        stored = adapter._serialise(records, directory)
        made = [
            (record, arrival, first_agreed(arrival.data, stored[record.id]))
            for record, arrival in zip(records, arrivals, strict=True)
        ]
        for record, arrival, __ in made:
            if mapping := arrival.mapping:
                mapping._attach(record.id)
                mapping.arrived = True
                state, has = mapping._state(), stored[record.id]
                mapping._move(state, created(state, arrival.data, has, arrival.version))
        inserted = Mapping._insert(
            self,
            [
                {
                    "res_id": record.id,
                    "external_id": arrival.external_id,
                    "version": arrival.version,
                    "base": base,
                    "arrived": True,
                }
                for record, arrival, base in made
                if not arrival.mapping
            ],
        )
        # Written here, so that what PostgreSQL refuses fails in this savepoint.
        self.env.flush_all()
        for record, arrival, __ in made:
            arrival.outcome, arrival.res_id = "created", record.id
            has = stored[record.id]
            not_kept = adapter._not_kept(taken(arrival.data), has, creating=True)
            if not_kept:
                refused = self._keep_declined(arrival, has, inserted, directory)
                self._warn_not_kept(arrival, not_kept, refused)


def _in_waves(arrivals):
    """Records that are all different, wave by wave: ``[{external_id: Arrival}]``. The
    same record twice in one batch: the second meets the first's result."""
    waves = [{}]
    for arrival in arrivals:
        wave = next((w for w in waves if arrival.external_id not in w), None)
        if wave is None:
            wave = {}
            waves.append(wave)
        wave[arrival.external_id] = arrival
    return waves
