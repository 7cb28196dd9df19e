"""From the pharmacy to Odoo: ``pull.py``, ``apply.py``."""

from dataclasses import replace

from odoo.addons.pharmacy_sync.core.conflict.merge import Side
from odoo.addons.pharmacy_sync.core.exceptions import DependencyMissingError
from odoo.addons.pharmacy_sync.core.exchange.arriving import (
    Move,
    as_known,
    confirmed,
    created,
    deleted,
    gone,
    known_by_key,
    leaves_out,
    merged,
    received,
)
from odoo.addons.pharmacy_sync.core.exchange.declined import Declined, not_taken
from odoo.addons.pharmacy_sync.core.exchange.mapping_state import MappingState
from odoo.addons.pharmacy_sync.core.exchange.pushing import GONE, nothing_agreed

from .parts import COMMIT, DEPENDENCY_WAIT, PAGE, Conflict, NoAnswerError


class Apply:
    """Pages of the feed, calls of the pharmacy, and what each record becomes."""

    # -- sync_pull ---------------------------------------------------------------------

    def pull_job(self, worker):
        if self._apply_due():
            yield COMMIT
        cursor, more = self.cursor, True
        while more:
            try:
                page = yield from self._call("pull", "changes", cursor, PAGE)
            except NoAnswerError:
                return
            if page.get("status") == GONE:
                if self.cursor == cursor:
                    self._went_back()
                yield COMMIT
                cursor = None
                continue
            more = self._store_page(cursor, page) and page["has_more"]
            yield COMMIT
            cursor = page["next_cursor"]
        self._resume()
        yield COMMIT

    def _store_page(self, cursor, page):
        if self.cursor != cursor:
            return False
        self._apply(page["changes"])
        self.cursor = page["next_cursor"]
        self.latest_read = max(
            [self.latest_read, *(r["updated_at"] for r in page["changes"])]
        )
        return True

    # -- sync_apply --------------------------------------------------------------------

    def receive(self, records):
        """``sync.api.push``: the pharmacy calls."""
        self._apply(records)

    def _apply(self, records):
        """:return: the ids of those that have to wait for what they refer to"""
        waiting = set()
        for record in records:
            try:
                self._apply_one(record)
            except DependencyMissingError:
                waiting.add(record["id"])
                self._keep_failed(record)
            else:
                self._make_up_for(record)
        return waiting

    def _apply_one(self, record):
        mapping = self._find_mapping(record)
        data = canonical(record)
        move, data = self._receive(mapping, record, data)
        if move is Move.NEW and self.matches:
            mapping = self._match_new(record, data)
            move = Move.MERGE if mapping else move
        if move in (Move.NEW, Move.TOMBSTONE):
            self._create_new(record, data)
        elif move is Move.DELETED:
            self._apply_deletion(mapping, record)
        elif move is Move.AGAIN and mapping.res_id in self.archived:
            mapping.move(gone(mapping.state, data, record["version"]))
            self._enqueue_push(mapping)
        elif move in (Move.MERGE, Move.AGAIN):
            self._apply_changed(mapping, record, data)

    def _receive(self, mapping, record, data):
        found = received(
            mapping and mapping.state,
            record["version"],
            data,
            deleted=record["deleted"],
            in_conflict=bool(mapping) and self._state(mapping) == "conflict",
        )
        if mapping:
            mapping.move(found.state)
        return found.move, found.data

    def _find_mapping(self, record):
        mapping = self._mapping("external_id", record["id"])
        if not mapping and record["external_ref"]:
            mapping = self._mapping("key", record["external_ref"])
            if mapping and mapping.external_id:
                return None
            if mapping:
                mapping.move(known_by_key(mapping.state, record["id"]))
        return mapping

    def _match_new(self, record, data):
        res_id = self._match(data)
        if res_id is None:
            return None
        mapping = self._mapping("res_id", res_id) or self._insert(res_id)
        self.met["matched"] += 1
        state = self._nothing_agreed(mapping.state)
        mapping.move(replace(state, external_id=record["id"]))
        return mapping

    def _nothing_agreed(self, state):
        return nothing_agreed(state)

    def _apply_changed(self, mapping, record, data):
        odoo, version = self._serialise(mapping.res_id), record["version"]
        if odoo is None:
            mapping.move(gone(mapping.state, data, version))
            self._enqueue_push(mapping)
            return
        mapping.move(self._confirmed(mapping.state, data, version))
        known = mapping.conflict and mapping.conflict.pharmacy
        pharmacy = as_known(mapping.state, known, data)
        comparison = self._decide(mapping, odoo, pharmacy, record)
        stored = self._write(mapping.res_id, comparison.to_odoo)
        mapping.move(self._merged(mapping.state, comparison, stored, data, version))
        self._keep_decided(mapping, comparison.decisions)
        self._refresh_conflict(mapping, comparison, record["updated_at"])
        if comparison.merge.to_pharmacy:
            self._enqueue_push(mapping)

    def _confirmed(self, state, data, version):
        return confirmed(state, data, version, self.directions)

    def _merged(self, state, comparison, stored, data, version):
        refused = self._refused(comparison, stored)
        return merged(state, comparison, stored, data, version, refused)

    def _refused(self, comparison, stored):
        """What Odoo did not take of what a comparison brought."""
        if stored is None:
            return {}
        decided = {decision.path for decision in comparison.decisions}
        return self._by_odoo(comparison.not_taken(stored, self._keeps), decided)

    def _by_odoo(self, paths, decided=()):
        self.met["declined"] += len(paths)
        return {p: Declined(Side.ODOO, unseen=p in decided) for p in paths}

    def _keeps(self, path, value, has):
        return has in (value, self._means(path, value))

    def _refresh_conflict(self, mapping, comparison, changed_at):
        if mapping.declined:
            odoo = self._serialise(mapping.res_id)
            comparison = self._compare(mapping, odoo, comparison.pharmacy)
        paths = list(comparison.merge.conflicts)
        mapping.conflict = (
            Conflict(comparison.pharmacy, paths, changed_at) if paths else None
        )

    def _apply_deletion(self, mapping, record):
        before = self._serialise(mapping.res_id)
        if before is not None:
            self._archive(mapping.res_id)
        mapping.move(self._deleted(mapping.state, {}, record["version"]))

    def _deleted(self, state, changed, version):
        return deleted(state, changed, version)

    def _create_new(self, record, data):
        version, external_id = record["version"], record["id"]
        epoch = {"epoch": self.epoch, "app_epoch": self.epoch}
        state = MappingState(external_id, version, **epoch)
        if record["deleted"]:
            self._insert(state=replace(state, deleted=True))
            return
        wanted = self._values(self.directions.taken(data))
        res_id = self.create(self.takes("odoo", {}, wanted))
        self.writes += 1
        stored = self._serialise(res_id)
        mapping = self._insert(res_id, self._created(state, data, stored, version))
        if mapping.declined:
            comparison = self._compare(mapping, stored, data)
            self._refresh_conflict(mapping, comparison, record["updated_at"])

    def _created(self, state, data, stored, version):
        wanted = self.directions.taken(data)
        paths = not_taken({}, wanted, stored, self._keeps, creating=True)
        paths = self.directions.go_both(paths)
        return created(state, data, stored, version, self._by_odoo(paths))

    # -- sync_pull: what could not be applied ------------------------------------------

    def _keep_failed(self, record):
        operation = self._waits(record)
        if not operation:
            operation = self._queue("apply", self._mapping("external_id", record["id"]))
        elif self._is_older(record, operation):
            return
        self.met["waited"] += 1
        operation.payload = record
        self._park(operation)

    def _make_up_for(self, record):
        operation = self._waits(record)
        if not operation or self._is_older(record, operation):
            return
        if not leaves_out(canonical(operation.payload), canonical(record)):
            self._end(operation)

    def _is_older(self, record, operation):
        """Whether a state that waits is newer than the one that came."""
        return record["version"] < operation.payload["version"]

    def _waits(self, record):
        """The state of a record that waits for what it refers to."""
        for operation in self.operations:
            if operation.kind == "apply" and operation.payload["id"] == record["id"]:
                return operation
        return None

    def _apply_due(self):
        waiting = [o for o in self.operations if o.kind == "apply"]
        due = [o.payload for o in waiting if o.eta <= self.now()]
        self._apply(due)
        return due

    def _park(self, operation):
        operation.state, operation.parked = "waiting", False
        operation.eta = self.now() + DEPENDENCY_WAIT

    # -- entities ----------------------------------------------------------------------

    def _update(self, res_id, changes):
        values = self.takes("odoo", self.records[res_id], self._values(changes))
        self.writes += 1
        self.write(res_id, values)

    def _archive(self, res_id):
        self.writes += 1
        self.archived.add(res_id)
        self.events.append(res_id)


def canonical(record):
    # A deletion says nothing but itself.
    if record["deleted"]:
        return {}
    envelope = ("id", "version", "deleted", "external_ref", "updated_at")
    return {name: value for name, value in record.items() if name not in envelope}
