"""Known mistakes, each built into the simulated protocol: the simulator has to find
them. Most stood in papers or in published connectors."""

from dataclasses import replace

from odoo.addons.pharmacy_sync.core.breaker import Permit
from odoo.addons.pharmacy_sync.core.merge import Merge, three_way
from odoo.addons.pharmacy_sync.core.policy import Policy

from .odoo import Odoo
from .parts import COMMIT, EVENTS, PAGE, NoAnswerError

MISTAKES = {}


def mistake(cls):
    MISTAKES[cls.__name__] = cls
    return cls


def _whole(odoo, pharmacy, winner):
    """A merge in which one side's record is taken as it is."""
    if winner is odoo:
        changed = {k: v for k, v in odoo.items() if pharmacy.get(k) != v}
        return Merge({}, changed, {}, {})
    changed = {k: v for k, v in pharmacy.items() if odoo.get(k) != v}
    return Merge(changed, {}, {}, {})


@mistake
class WholeRecordLastWriteWins(Odoo):
    """What both sides changed is the pharmacy's record, whole."""

    @staticmethod
    def three_way(base, odoo, pharmacy):
        merge = three_way(base, odoo, pharmacy)
        if (merge.to_odoo and merge.to_pharmacy) or merge.conflicts:
            return _whole(odoo, pharmacy, pharmacy)
        return merge


@mistake
class VersionCountersCompared(Odoo):
    """Odoo counts its own writes and compares the number with the app's version."""

    def __init__(self, *args):
        super().__init__(*args)
        self._counts = {}

    def edit(self, res_id, changes):  # pylint: disable=missing-return
        self._counts[res_id] = self._counts.get(res_id, 1) + 1
        super().edit(res_id, changes)

    def _merge(self, mapping, odoo, pharmacy=None):
        if pharmacy is None:
            return super()._merge(mapping, odoo)
        newer = self._counts.get(mapping.res_id, 1) > mapping.version
        return _whole(odoo, pharmacy, odoo if newer else pharmacy)


@mistake
class LinesByPosition(Odoo):
    """The first line is the first line, whatever its key."""

    @staticmethod
    def three_way(base, odoo, pharmacy):
        sides = [dict(side) for side in (base, odoo, pharmacy)]
        keys = [[li["key"] for li in side.get("lines", ())] for side in sides]
        for side in sides:
            if "lines" in side:
                side["lines"] = [
                    {**line, "key": str(at)} for at, line in enumerate(side["lines"])
                ]
        merge = three_way(*sides)
        for target, names in ((merge.to_odoo, keys[2]), (merge.to_pharmacy, keys[1])):
            if "lines" in target:
                target["lines"] = [
                    {**line, "key": names[at] if at < len(names) else f"new{at}"}
                    for at, line in enumerate(target["lines"])
                ]
        return merge


@mistake
class AdvanceIgnoresConflicts(Odoo):
    """After a push the whole list of lines that was sent counts as agreed."""

    def _advanced(self, mapping, data):
        return self.advance(mapping.base, data)


@mistake
class BaseMovedBeforeTheAnswer(Odoo):
    """What is sent counts as agreed though nobody has answered."""

    def _push_item(self, operation):
        item = super()._push_item(operation)
        if item and item.request["method"] == "update":
            operation.mapping.base = {**operation.mapping.base, **item.request["data"]}
        return item


@mistake
class UncertainCreationNotLookedUp(Odoo):
    """A creation without an answer is sent again, and nothing says whose it is."""

    def _push_item(self, operation):
        item = super()._push_item(operation)
        if item:
            item.uncertain = False
            item.request["external_ref"] = None
        return item


@mistake
class CursorBeforeThePage(Odoo):
    """The cursor is committed, then the page that it belongs to."""

    def pull_job(self, worker):
        cursor, more = self.cursor, True
        while more:
            try:
                page = yield from self._call("pull", "changes", cursor, PAGE)
            except NoAnswerError:
                return
            if self.cursor != cursor:
                return
            cursor = self.cursor = page["next_cursor"]
            yield COMMIT
            self._apply(page["changes"])
            yield COMMIT
            more = page["has_more"]


@mistake
class EchoNotEnded(Odoo):
    """What was taken over from the pharmacy is sent back to it."""

    def _is_known(self, mapping, record, data):
        return mapping.deleted

    def _apply_changed(self, mapping, record, data):  # pylint: disable=missing-return
        super()._apply_changed(mapping, record, data)
        if mapping.res_id in self.records:
            self._update(mapping.res_id, {})

    def _differs(self, mapping, data):
        return True

    def _merge(self, mapping, odoo, pharmacy=None):
        merge = super()._merge(mapping, odoo, pharmacy)
        if pharmacy is None and not merge.to_pharmacy and not merge.conflicts:
            merge.to_pharmacy["notes"] = odoo["notes"]
        return merge


@mistake
class SentWithoutIfMatch(Odoo):
    """Odoo's push overwrites whatever the pharmacy has by now."""

    def _push_item(self, operation):
        item = super()._push_item(operation)
        if item and "if_match" in item.request:
            item.request["if_match"] = "*"
        return item


@mistake
class FieldRuleTakesTheRecord(Odoo):
    """A rule for one field, the pharmacy's notes win, returns the whole record."""

    @staticmethod
    def three_way(base, odoo, pharmacy):
        merge = three_way(base, odoo, pharmacy)
        if "notes" in merge.conflicts:
            return Merge(dict(pharmacy), {}, {}, {})
        return merge


@mistake
class OldStatesTakenForNew(Odoo):
    """A record that arrives late is applied over what came after it."""

    def _is_known(self, mapping, record, data):
        return mapping.deleted


@mistake
class EditWhileUnderWayForgotten(Odoo):
    """A record that is being sent is not queued again."""

    def _enqueue_push(self, mapping):  # pylint: disable=missing-return
        if all(operation.mapping is not mapping for operation in self.operations):
            super()._enqueue_push(mapping)


@mistake
class ConflictingValueTakenForAgreed(Odoo):
    """While a conflict is open the pharmacy is thought to have the base."""

    def _merge(self, mapping, odoo, pharmacy=None):
        return super()._merge(mapping, odoo, pharmacy or mapping.base or {})


@mistake
class EventDoneBeforeItsOperation(Odoo):
    """Events are marked as delivered in a transaction of their own."""

    def push_job(self, worker):
        while self.events:
            changed, self.events = self.events[:EVENTS], self.events[EVENTS:]
            yield COMMIT
            self._request_push(dict.fromkeys(changed))
            yield COMMIT
        yield from super().push_job(worker)


@mistake
class KilledWorkerNotTakenUp(Odoo):
    """What a killed worker left running runs for ever."""

    def recover(self, living):
        pass


# -- Records that are made on both sides -----------------------------------------------


@mistake
class TwinMadeAnew(Odoo):
    """What arrives and is not linked is new, whatever number it has."""

    def _match(self, data):
        return None


# -- Suppliers -------------------------------------------------------------------------


@mistake
class DefaultSupplierMadeUp(Odoo):
    """An order whose supplier is not there gets another one."""

    def _values(self, data):
        known = self._mapping("external_id", data.get("supplier"))
        if not known and "supplier" in data and self.records:
            return {**data, "supplier": min(self.records)}
        return super()._values(data)


@mistake
class SentWithoutItsSupplier(Odoo):
    """An order is sent before the supplier that it refers to."""

    def _unmapped(self, data):
        return None


@mistake
class WaitingOrderForgotten(Odoo):
    """What arrives before its supplier is left to the next change of it."""

    def _keep_failed(self, record):
        pass


# -- The breaker -----------------------------------------------------------------------


@mistake
class BreakerNotAsked(Odoo):
    """Calls are counted, and made all the same."""

    def _permit(self, kind):
        return Permit(self.breakers[kind].epoch) if self.breakers else None


@mistake
class EachWorkerProbes(Odoo):
    """Each worker counts its own probes, and not those of all together."""

    def _permit(self, kind):
        known = self.breakers.get(kind)
        leave = super()._permit(kind)
        if known and self.breakers[kind].epoch == known.epoch:
            self.breakers[kind] = known
        return leave


@mistake
class ParkedNotReleased(Odoo):
    """What waits for the app waits for its time, though the app is back."""

    def _resume(self):
        times = {o: (o.parked, o.eta) for o in self.operations}
        super()._resume()
        for operation, (parked, eta) in times.items():
            if parked:
                operation.parked, operation.eta = parked, eta


@mistake
class ParkingCostsAnAttempt(Odoo):
    """An attempt with which the breaker opens counts, and so does each probe."""

    def _fail(self, operation, classification):
        operation.attempts += bool(self._rejection("push"))
        super()._fail(operation, classification)


# -- Rules and policies ----------------------------------------------------------------


@mistake
class LoserNotKept(Odoo):
    """What a rule or a policy decided is written, and the other value gone."""

    def _keep_decided(self, mapping, decisions):
        pass


@mistake
class DecisionTakesTheRecord(Odoo):
    """A policy decides on one field, and the side that wins has the record."""

    def _resolution(self, mapping, odoo, pharmacy, record):
        found = super()._resolution(mapping, odoo, pharmacy, record)
        strategies = {decision.strategy for decision in found.decisions}
        if "pharmacy" in strategies:
            return found._replace(merge=_whole(odoo, pharmacy, pharmacy))
        return found


@mistake
class RulesAgainstTheirOrder(Odoo):
    """Odoo's value wins before any rule is asked."""

    def _resolution(self, mapping, odoo, pharmacy, record):
        policies = self.policies
        if policies:
            self.policies = replace(policies, rules=(), default=Policy.ODOO)
        try:
            return super()._resolution(mapping, odoo, pharmacy, record)
        finally:
            self.policies = policies
