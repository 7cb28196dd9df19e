"""From Odoo to the pharmacy: ``sync_push.py``, ``sync_settle.py``."""

from .parts import (
    BATCH,
    COMMIT,
    DUPLICATE,
    FOUND,
    GONE,
    NO_ANSWER,
    OK,
    OPEN,
    REFUSED,
    STALE,
    STALE_ATTEMPTS,
    Item,
    NoAnswerError,
    NotMadeError,
)


class Push:
    """A batch in three steps: claimed, sent, settled."""

    # -- sync_push ---------------------------------------------------------------------

    def push_job(self, worker):
        while self._deliver():
            yield COMMIT
        yield COMMIT
        claimed = True
        while claimed and not self._rejection("push"):
            claimed, items = self._claim_push(worker)
            yield COMMIT
            if items:
                answers, failures = yield from self._send(items)
                self._settle_push(items, answers, failures)
                yield COMMIT
                if answers:
                    self._resume()
                    yield COMMIT
        yield from self._probe("push")

    def _send(self, items):
        answers, failures = {}, {}
        try:
            for item in items:
                if item.uncertain:
                    found = yield from self._call(
                        "push", "find", item.operation.mapping.key
                    )
                    if found:
                        answers[item.operation] = {"status": FOUND, "current": found}
                    elif not item.request.get("method"):
                        answers[item.operation] = {"status": GONE}
            unsent = [item for item in items if item.operation not in answers]
            if unsent:
                results = yield from self._call(
                    "push", "batch", [item.request for item in unsent]
                )
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
                current = yield from self._call("push", "get", answer["existing_id"])
                answers[operation] = {**answer, "current": current}
        except NoAnswerError as exc:
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
            if operation.kind == "push"
            and operation.state in OPEN
            and operation.eta <= self.now()
            and operation.mapping not in running
        ][:BATCH]

    def _push_item(self, operation):
        mapping = operation.mapping
        data = self._serialise(mapping.res_id)
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
        missing = self._unmapped(request.get("data", {}))
        if missing:
            self._request_dependency(missing)
            return self._park(operation)
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
        request["idempotency_key"] = self._new_key(operation)
        return Item(operation, request, uncertain, unanswered)

    def _new_key(self, operation):
        self._keys += 1
        return self._keys

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
            if isinstance(failures[operation], NotMadeError):
                self._give_back(operation, failures[operation].retry_after)
            else:
                self._fail(operation, NO_ANSWER)
        waiting = self._apply(arrived)
        for item in items:
            operation = item.operation
            if (
                operation.state == "pending"
                and operation.mapping.external_id in waiting
            ):
                self._park_unmerged(operation)

    def _park_unmerged(self, operation):
        """What it has to be merged with waits for a supplier, and so does it."""
        operation.attempts -= 1
        self._park(operation)

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
            self._link(mapping, current)
            self._leave(operation, "pending")
            return [current]
        if status != STALE or self._is_stuck(operation):
            self._fail(operation, REFUSED)
            return []
        operation.stale += 1
        self._leave(operation, "pending")
        return [current]

    def _is_stuck(self, operation):
        return min(operation.attempts - 1, operation.stale) >= STALE_ATTEMPTS

    def _link(self, mapping, current):
        if mapping.external_id:
            return  # a pull came first, and may have read what came after this
        if current["external_ref"] != mapping.key:
            self._nothing_agreed(mapping)
        mapping.external_id, mapping.version = current["id"], 0

    def _is_ours(self, mapping, current):
        if mapping.external_id:
            return mapping.external_id == current["id"]
        if current["external_ref"] == mapping.key:
            return True
        taken = self._mapping("external_id", current["id"])
        return not taken and not current["external_ref"]

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
