"""Odoo's side in memory: our protocol as the models speak it, on the same core.

Each method says by its name which one of the models it stands for. A worker is a
generator: between two ``yield`` it does what is one transaction in Odoo, so that it
can be killed before and after each commit; a call to the pharmacy is yielded and its
answer sent in, so that anything may happen while it is under way.
"""

from dataclasses import dataclass

from odoo.addons.pharmacy_sync.core.merge import (
    Side,
    advance,
    confirm,
    new_base,
    settle,
    three_way,
)

OK = (200, 201, 204)
FOUND, DUPLICATE, GONE, STALE = 302, 409, 410, 412
STALE_ATTEMPTS = 5
MAX_ATTEMPTS = 4
BATCH = 2
PAGE = 2
EVENTS = 3
OPEN = ("pending", "waiting")
COMMIT = None


class NoAnswer(Exception):
    """A call that failed.

    :param unknown: whether it may have been applied nevertheless
    """

    def __init__(self, unknown):
        super().__init__("no answer" if unknown else "not sent")
        self.unknown = unknown


@dataclass(frozen=True)
class Call:
    """A request of the pharmacy: the method's name and its arguments."""

    method: str
    args: tuple


@dataclass(eq=False)
class Conflict:
    pharmacy: dict
    paths: list


@dataclass(eq=False)
class Mapping:
    key: str
    res_id: int | None = None
    external_id: str | None = None
    version: int = 0
    base: dict | None = None
    uncertain: bool = False
    deleted: bool = False
    unanswered: tuple = ()
    conflict: Conflict | None = None


@dataclass(eq=False)
class Operation:
    id: int
    mapping: Mapping
    state: str = "pending"
    eta: int = 0
    attempts: int = 0
    worker: object = None
    revive: bool = False


@dataclass
class Item:
    operation: Operation
    request: dict
    uncertain: bool
    unanswered: tuple


class Odoo:
    """:param ledger: told what a person decides
    :param now: function for the time, in ticks
    """

    three_way = staticmethod(three_way)
    new_base = staticmethod(new_base)
    advance = staticmethod(advance)
    confirm = staticmethod(confirm)
    settle = staticmethod(settle)

    def __init__(self, ledger, now):
        self.ledger = ledger
        self.now = now
        self.records = {}
        self.archived = set()
        self.mappings = []
        self.operations = []  # those that have not ended
        self.events = []
        self.cursor = 0
        self.writes = 0
        self.made = 0
        self._ids = 0

    # -- What a person does -----------------------------------------------------------

    def create(self, values):
        self._ids += 1
        self.records[self._ids] = values
        self.events.append(self._ids)
        return self._ids

    def edit(self, res_id, changes):
        self.records[res_id] = {**self.records[res_id], **changes}
        self.events.append(res_id)

    def delete(self, res_id):
        del self.records[res_id]
        self.events.append(res_id)

    def resolve(self, mapping, winner):
        """``sync.conflict._resolve``: all differences for one side."""
        odoo = self.records.get(mapping.res_id)
        if odoo is None:
            mapping.conflict = None
            return
        name = odoo["name"]
        pharmacy = mapping.conflict.pharmacy
        merge = self._merge(mapping, odoo, pharmacy)
        base = mapping.base
        for path, values in merge.conflicts.items():
            base = self.settle(base, path, values, winner)
            sides = values.odoo, values.pharmacy
            better, worse = sides if winner is Side.ODOO else sides[::-1]
            self.ledger.decided(name, path, better, worse)
        mapping.base = base
        self._take_over(mapping, odoo, pharmacy)
        mapping.conflict = None

    # -- sync_push ---------------------------------------------------------------------

    def push_job(self, worker):
        while self._deliver():
            yield COMMIT
        yield COMMIT
        claimed = True
        while claimed:
            claimed, items = self._claim_push(worker)
            yield COMMIT
            if items:
                answers, failures = yield from self._send(items)
                self._settle_push(items, answers, failures)
                yield COMMIT
                if answers:
                    self._resume()
                    yield COMMIT

    def _send(self, items):
        answers, failures = {}, {}
        try:
            for item in items:
                if item.uncertain:
                    found = yield Call("find", (item.operation.mapping.key,))
                    if found:
                        answers[item.operation] = {"status": FOUND, "current": found}
                    elif not item.request.get("method"):
                        answers[item.operation] = {"status": GONE}
            unsent = [item for item in items if item.operation not in answers]
            if unsent:
                results = yield Call("batch", ([item.request for item in unsent],))
                answers.update(
                    (item.operation, result)
                    for item, result in zip(unsent, results, strict=True)
                )
            refused = {
                operation: answers.pop(operation)
                for operation in list(answers)
                if answers[operation].get("existing_id")
            }
            for operation, answer in refused.items():
                current = yield Call("get", (answer["existing_id"],))
                answers[operation] = {**answer, "current": current}
        except NoAnswer as exc:
            for item in items:
                if item.operation not in answers:
                    failures[item.operation] = exc
        return answers, failures

    def _claim_push(self, worker):
        claimed = self._claim()
        items = []
        for operation in claimed:
            operation.state, operation.worker = "running", worker
        for operation in claimed:
            item = self._push_item(operation)
            if item:
                items.append(item)
        return bool(claimed), items

    def _claim(self):
        running = {o.mapping for o in self.operations if o.state == "running"}
        return [
            operation
            for operation in self.operations
            if operation.state in OPEN
            and operation.eta <= self.now()
            and operation.mapping not in running
        ][:BATCH]

    def _push_item(self, operation):
        mapping = operation.mapping
        data = self.records.get(mapping.res_id)
        request = {"external_ref": mapping.key}
        if data is None:
            if mapping.deleted or not (mapping.external_id or mapping.uncertain):
                return self._end(operation)
            if mapping.external_id:
                request.update(method="delete")
        elif not mapping.external_id:
            request.update(method="create", data=data)
        else:
            changes = self._merge(mapping, data).to_pharmacy
            if not changes or mapping.deleted:
                return self._end(operation)
            request.update(method="update", data=changes)
        if mapping.external_id:
            request.update(id=mapping.external_id, if_match=mapping.version)
        uncertain = mapping.uncertain and not mapping.external_id
        unanswered = mapping.unanswered
        if request.get("method") == "create":
            mapping.base = (uncertain and mapping.base) or data
            mapping.uncertain = True
        if "data" in request:
            self._hope(mapping, request["data"])
        operation.attempts += 1
        request["idempotency_key"] = f"{operation.id}-{operation.attempts}"
        return Item(operation, request, uncertain, unanswered)

    def _hope(self, mapping, data):
        hoped = self._advanced(mapping, data)
        hoped = {name: hoped[name] for name in data if name in hoped}
        if hoped not in mapping.unanswered:
            mapping.unanswered += (hoped,)

    def _advanced(self, mapping, data):
        paths = mapping.conflict.paths if mapping.conflict else ()
        return self.advance(mapping.base, data, paths)

    # -- sync_settle -------------------------------------------------------------------

    def _settle_push(self, items, answers, failures):
        arrived = []
        for item in items:
            operation, mapping = item.operation, item.operation.mapping
            sent_at = item.request.get("if_match", 0)
            answer = answers.get(operation)
            if mapping.version == sent_at and not (
                answer["status"] in OK if answer else failures[operation].unknown
            ):
                mapping.unanswered = item.unanswered  # this one was not applied
            if operation in answers:
                arrived += self._settle_answer(
                    operation, item.request, answers[operation]
                )
                continue
            if not failures[operation].unknown:
                mapping.uncertain = item.uncertain
            self._fail(operation)
        self._apply(arrived)

    def _settle_answer(self, operation, request, answer):
        mapping = operation.mapping
        status, current = answer["status"], answer.get("current")
        if status in OK:
            self._end(operation)
            return self._advance(mapping, request, answer)
        mapping.uncertain = False
        if status == GONE:
            self._end(operation)
            return [current] if current else []
        if status in (FOUND, DUPLICATE) and self._is_ours(mapping, current):
            mapping.external_id, mapping.version = current["id"], 0
            self._leave(operation, "pending")
            return [current]
        if status != STALE or operation.attempts > STALE_ATTEMPTS:
            self._fail(operation)
            return []
        self._leave(operation, "pending")
        return [current]

    def _is_ours(self, mapping, current):
        if mapping.external_id:
            return mapping.external_id == current["id"]
        return current["external_ref"] == mapping.key

    def _advance(self, mapping, request, answer):
        mapping.uncertain = False
        if request["method"] == "delete":
            mapping.version = answer["version"]
            self._gone(mapping)
            return []
        if answer["version"] < mapping.version:
            return []
        mapping.external_id, mapping.version = answer["id"], answer["version"]
        mapping.base = self._advanced(mapping, request["data"])
        mapping.unanswered = ()
        if mapping.conflict:
            mapping.conflict.pharmacy = {**mapping.conflict.pharmacy, **request["data"]}
        return [answer["data"]]

    def _gone(self, mapping):
        mapping.deleted, mapping.conflict = True, None

    # -- sync_outcome ------------------------------------------------------------------

    def _end(self, operation):
        operation.state = "done"
        self.operations.remove(operation)

    def _fail(self, operation):
        if operation.attempts < MAX_ATTEMPTS:
            self._leave(operation, "waiting", self.now() + 2**operation.attempts)
        else:
            operation.revive = True
            self._leave(operation, "dead")

    def _leave(self, operation, state, eta=0):
        newer = self._waiting(operation.mapping, but=operation)
        if not newer:
            operation.state, operation.eta = state, eta
            return
        if state == "waiting":
            newer.state, newer.eta, newer.attempts = "waiting", eta, operation.attempts
        self._end(operation)

    def _waiting(self, mapping, but=None):
        for operation in self.operations:
            if operation.mapping is mapping and operation.state in OPEN:
                if operation is not but:
                    return operation
        return None

    def _resume(self):
        """``_app_is_back``: what died because there was no answer goes on."""
        for operation in [o for o in self.operations if o.state == "dead" and o.revive]:
            operation.attempts, operation.revive = 0, False
            self._leave(operation, "pending")

    def recover(self, living):
        """``_cron_recover``: what a killed worker left behind."""
        for operation in list(self.operations):
            if operation.state == "running" and operation.worker not in living:
                self._leave(operation, "pending")

    # -- sync_event, sync_queue --------------------------------------------------------

    def _deliver(self):
        changed, self.events = self.events[:EVENTS], self.events[EVENTS:]
        self._request_push(dict.fromkeys(changed))
        return len(changed) == EVENTS

    def _request_push(self, changed):
        for res_id in changed:
            mapping, data = self._mapping("res_id", res_id), self.records.get(res_id)
            if data is None:
                if mapping and not mapping.deleted:
                    if mapping.external_id or mapping.uncertain:
                        self._enqueue_push(mapping)
                    mapping.conflict = None
                continue
            if mapping and self._state(mapping) == "conflict":
                self._recheck_conflict(mapping, data)
                data = self.records[res_id]
            if not mapping:
                mapping = self._insert(res_id=res_id)
            elif not self._differs(mapping, data):
                continue
            self._enqueue_push(mapping)

    def _differs(self, mapping, data):
        if mapping.unanswered or not mapping.external_id:
            return True
        return bool(self._merge(mapping, data).to_pharmacy)

    def _enqueue_push(self, mapping):
        if not self._waiting(mapping):
            self.made += 1
            self.operations.append(Operation(self.made, mapping))

    # -- sync_mapping ------------------------------------------------------------------

    def _insert(self, **values):
        mapping = Mapping(key=f"key{len(self.mappings) + 1}", **values)
        self.mappings.append(mapping)
        return mapping

    def _mapping(self, name, value):
        for mapping in self.mappings:
            if getattr(mapping, name) == value:
                return mapping
        return None

    def _state(self, mapping):
        states = {o.state for o in self.operations if o.mapping is mapping}
        if "dead" in states:
            return "dead"
        return "conflict" if mapping.conflict else "pending" if states else "synced"

    def _merge(self, mapping, odoo, pharmacy=None):
        if pharmacy is None:
            conflict = mapping.conflict
            pharmacy = (conflict and conflict.pharmacy) or mapping.base or {}
        return self.three_way(mapping.base or {}, odoo, pharmacy)

    def _take_over(self, mapping, odoo, pharmacy):
        merge = self._merge(mapping, odoo, pharmacy)
        if merge.to_odoo:
            self._update(mapping.res_id, merge.to_odoo)
        mapping.base = self.new_base(mapping.base, odoo, pharmacy, merge)
        if merge.to_pharmacy:
            self._enqueue_push(mapping)
        return merge

    def _recheck_conflict(self, mapping, odoo):
        pharmacy = mapping.conflict.pharmacy
        merge = self._take_over(mapping, odoo, pharmacy)
        self._refresh_conflict(mapping, merge, pharmacy)

    # -- sync_pull ---------------------------------------------------------------------

    def pull_job(self, worker):
        cursor, more = self.cursor, True
        while more:
            try:
                page = yield Call("changes", (cursor, PAGE))
            except NoAnswer:
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
