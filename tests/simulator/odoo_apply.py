"""From the pharmacy to Odoo: ``sync_pull.py``, ``sync_apply.py``."""

from .parts import COMMIT, PAGE, Call, Conflict, NoAnswerError


class Apply:
    """Pages of the feed, calls of the pharmacy, and what each record becomes."""

    # -- sync_pull ---------------------------------------------------------------------

    def pull_job(self, worker):
        cursor, more = self.cursor, True
        while more:
            try:
                page = yield Call("changes", (cursor, PAGE))
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
        for record in records:
            mapping = self._find_mapping(record)
            data = _canonical(record)
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
        odoo = self.records.get(mapping.res_id)
        version = max(record["version"], mapping.version)
        if odoo is None:
            mapping.version = version
            self._enqueue_push(mapping)
            return
        if record["version"] > mapping.version:
            again = record["version"] > mapping.version + 1
            for hoped in mapping.unanswered:
                mapping.base = self.confirm(mapping.base, hoped, data, again=again)
            mapping.unanswered = ()
        known = (mapping.conflict and mapping.conflict.pharmacy) or mapping.base or {}
        pharmacy = {**known, **data}
        merge = self._merge(mapping, odoo, pharmacy)
        if merge.to_odoo:
            self._update(mapping.res_id, merge.to_odoo)
        mapping.base = self.new_base(mapping.base or {}, odoo, pharmacy, merge)
        mapping.version, mapping.uncertain = version, False
        self._refresh_conflict(mapping, merge, pharmacy)
        if merge.to_pharmacy:
            self._enqueue_push(mapping)

    def _refresh_conflict(self, mapping, merge, pharmacy):
        paths = list(merge.conflicts)
        mapping.conflict = Conflict(pharmacy, paths) if paths else None

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
        res_id = self.create(data)
        self.writes += 1
        self._insert(
            res_id=res_id,
            external_id=record["id"],
            version=record["version"],
            base=data,
        )

    # -- entities ----------------------------------------------------------------------

    def _update(self, res_id, changes):
        self.writes += 1
        self.edit(res_id, changes)

    def _archive(self, res_id):
        self.writes += 1
        self.archived.add(res_id)
        self.events.append(res_id)


def _canonical(record):
    envelope = ("id", "version", "deleted", "external_ref")
    return {name: value for name, value in record.items() if name not in envelope}
