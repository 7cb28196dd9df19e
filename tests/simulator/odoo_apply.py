"""From the pharmacy to Odoo: ``sync_pull.py``, ``sync_apply.py``."""

from odoo.addons.pharmacy_sync.core.exceptions import DependencyMissingError

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
        data = _canonical(record)
        if not mapping and self.matches and not record["deleted"]:
            mapping = self._match_new(record, data)
        if not mapping:
            self._create_new(record, data)
        elif record["deleted"]:
            self._apply_deletion(mapping, record)
        elif not self._is_known(mapping, record, data):
            self._apply_changed(mapping, record, data)

    def _find_mapping(self, record):
        mapping = self._mapping("external_id", record["id"])
        if not mapping and record["external_ref"]:
            mapping = self._mapping("key", record["external_ref"])
            if mapping and mapping.external_id:
                return None
            if mapping:
                mapping.external_id, mapping.uncertain = record["id"], False
        return mapping

    def _match_new(self, record, data):
        res_id = self._match(data)
        if res_id is None:
            return None
        mapping = self._mapping("res_id", res_id) or self._insert(res_id=res_id)
        self.met["matched"] += 1
        self._nothing_agreed(mapping)
        mapping.external_id = record["id"]
        return mapping

    def _nothing_agreed(self, mapping):
        """It was made apart: what was to be created is not what both sides have."""
        mapping.base, mapping.unanswered, mapping.uncertain = None, (), False

    def _is_known(self, mapping, record, data):
        if mapping.deleted:
            return True
        base = mapping.base or {}
        if base and record["version"] < mapping.version:
            return True
        same = all(key in base and base[key] == value for key, value in data.items())
        if same and self._state(mapping) != "conflict" and not mapping.unanswered:
            mapping.version = max(record["version"], mapping.version)
            return True
        return False

    def _apply_changed(self, mapping, record, data):
        odoo = self._serialise(mapping.res_id)
        version = max(record["version"], mapping.version)
        if odoo is None:
            mapping.version = version
            self._enqueue_push(mapping)
            return
        newer = record["version"] > mapping.version
        if newer:
            again = record["version"] > mapping.version + 1
            for hoped in mapping.unanswered:
                mapping.base = self.confirm(mapping.base, hoped, data, again=again)
        known = (mapping.conflict and mapping.conflict.pharmacy) or mapping.base or {}
        pharmacy = {**known, **data}
        resolution = self._resolution(mapping, odoo, pharmacy, record)
        merge = resolution.merge
        if merge.to_odoo:
            self._update(mapping.res_id, merge.to_odoo)
        mapping.base = self.new_base(resolution.base, odoo, pharmacy, merge)
        mapping.version, mapping.uncertain = version, False
        if newer:
            mapping.unanswered = ()
        self._keep_decided(mapping, resolution.decisions)
        self._refresh_conflict(mapping, merge, pharmacy, record["updated_at"])
        if merge.to_pharmacy:
            self._enqueue_push(mapping)

    def _refresh_conflict(self, mapping, merge, pharmacy, told_at):
        paths = list(merge.conflicts)
        mapping.conflict = Conflict(pharmacy, paths, told_at) if paths else None

    def _apply_deletion(self, mapping, record):
        if mapping.deleted:
            return
        if mapping.res_id in self.records:
            self._archive(mapping.res_id)
        mapping.version = record["version"]
        self._gone(mapping)

    def _create_new(self, record, data):
        if record["deleted"]:
            self._insert(
                external_id=record["id"], version=record["version"], deleted=True
            )
            return
        res_id = self.create(self._values(data))
        self.writes += 1
        self._insert(
            res_id=res_id,
            external_id=record["id"],
            version=record["version"],
            base=data,
        )

    # -- sync_pull: what could not be applied ------------------------------------------

    def _keep_failed(self, record):
        operation = self._kept(record)
        if not operation:
            operation = self._queue("apply", self._mapping("external_id", record["id"]))
        elif self._is_older(record, operation):
            return
        self.met["waited"] += 1
        operation.payload = record
        self._park(operation)

    def _make_up_for(self, record):
        operation = self._kept(record)
        if operation and not self._is_older(record, operation):
            self._end(operation)

    def _is_older(self, record, operation):
        """Whether a state that waits is newer than the one that came."""
        return record["version"] < operation.payload["version"]

    def _kept(self, record):
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
        values = self._values(changes)
        self.writes += 1
        self.write(res_id, values)

    def _archive(self, res_id):
        self.writes += 1
        self.archived.add(res_id)
        self.events.append(res_id)


def _canonical(record):
    envelope = ("id", "version", "deleted", "external_ref", "updated_at")
    return {name: value for name, value in record.items() if name not in envelope}
