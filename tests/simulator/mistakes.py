"""Known mistakes, each built into the simulated protocol: the simulator has to find
them. Most stood in papers or in published connectors."""

from dataclasses import replace

from odoo.addons.pharmacy_sync.core.call.breaker import Permit
from odoo.addons.pharmacy_sync.core.conflict.merge import Merge, three_way
from odoo.addons.pharmacy_sync.core.conflict.merge_base import advance
from odoo.addons.pharmacy_sync.core.conflict.policy import Policy
from odoo.addons.pharmacy_sync.core.exceptions import HttpError
from odoo.addons.pharmacy_sync.core.exchange.arriving import Move
from odoo.addons.pharmacy_sync.core.exchange.pair import Base

from .odoo import Odoo
from .parts import COMMIT, EVENTS, PAGE, NoAnswerError

MISTAKES = {}


def mistake(cls):
    MISTAKES[cls.__name__] = cls
    return cls


def _all_is_new(move, mapping):
    known = move is Move.UNCHANGED and not mapping.deleted
    return Move.MERGE if known else move


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

    def _changed(self, comparison):
        merge = comparison.merge
        if (merge.to_odoo and merge.to_pharmacy) or merge.conflicts:
            words, pharmacy = comparison.words, comparison.pharmacy
            return replace(comparison, merge=_whole(words, pharmacy, pharmacy))
        return comparison


@mistake
class VersionCountersCompared(Odoo):
    """Odoo counts its own writes and compares the number with the app's version."""

    def __init__(self, *args):
        super().__init__(*args)
        self._counts = {}

    def edit(self, res_id, changes):  # pylint: disable=missing-return
        self._counts[res_id] = self._counts.get(res_id, 1) + 1
        super().edit(res_id, changes)

    def _decide(self, mapping, odoo, pharmacy, record):
        found = super()._decide(mapping, odoo, pharmacy, record)
        newer = self._counts.get(mapping.res_id, 1) > mapping.version
        merge = _whole(odoo, pharmacy, odoo if newer else pharmacy)
        return replace(found, merge=merge)


@mistake
class LinesByPosition(Odoo):
    """The first line is the first line, whatever its key."""

    def _changed(self, comparison):
        sides = comparison.base.pharmacy, comparison.words, comparison.pharmacy
        return replace(comparison, merge=self._by_position(*sides))

    def _by_position(self, base, odoo, pharmacy):
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

    def _answered(self, state, before, planned, answer, key, taken):
        state = replace(state, conflict_paths=())
        planned = replace(planned, conflicts=())
        return super()._answered(state, before, planned, answer, key, taken)


@mistake
class BaseMovedBeforeTheAnswer(Odoo):
    """What is sent counts as agreed though nobody has answered."""

    def _begun(self, state, planned):
        half = advance(state.base.pharmacy, planned.data or {})
        return super()._begun(replace(state, base=Base.load(half)), planned)


@mistake
class UncertainCreationNotLookedUp(Odoo):
    """A creation without an answer is sent again, and nothing says whose it is."""

    def _push_item(self, operation):
        item = super()._push_item(operation)
        if item:
            item.state = replace(item.state, uncertain=False)
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

    def _receive(self, mapping, record, data):
        move, __ = super()._receive(mapping, record, data)
        return _all_is_new(move, mapping), data

    def _apply_changed(self, mapping, record, data):  # pylint: disable=missing-return
        super()._apply_changed(mapping, record, data)
        if mapping.res_id in self.records:
            self._update(mapping.res_id, {})

    def _is_due(self, mapping, data):
        return True

    def _compare(self, mapping, odoo, pharmacy=None, decided=False):
        found = super()._compare(mapping, odoo, pharmacy, decided)
        merge = found.merge
        if pharmacy is None and not merge.to_pharmacy and not merge.conflicts:
            merge.to_pharmacy["notes"] = odoo["notes"]
        return found


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

    def _changed(self, comparison):
        if "notes" in comparison.merge.conflicts:
            merge = Merge(dict(comparison.pharmacy), {}, {}, {})
            return replace(comparison, merge=merge)
        return comparison


@mistake
class OldStatesTakenForNew(Odoo):
    """A record that arrives late is applied over what came after it."""

    def _receive(self, mapping, record, data):
        move, __ = super()._receive(mapping, record, data)
        return _all_is_new(move, mapping), data


@mistake
class EditWhileUnderWayForgotten(Odoo):
    """A record that is being sent is not queued again."""

    def _enqueue_push(self, mapping):  # pylint: disable=missing-return
        if all(operation.mapping is not mapping for operation in self.operations):
            super()._enqueue_push(mapping)


@mistake
class ConflictingValueTakenForAgreed(Odoo):
    """While a conflict is open the pharmacy is thought to have the base."""

    def _compare(self, mapping, odoo, pharmacy=None, decided=False):
        return super()._compare(mapping, odoo, pharmacy or mapping.base.pharmacy)


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
        return ()


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
class AnOutageGivesUp(Odoo):
    """What the app's absence has used up is given up, as if it were the work's own."""

    def _next_attempt(self, classification, standing):
        standing = replace(standing, breaker_open=False, revivals_left=0)
        return super()._next_attempt(classification, standing)


# -- Rules and policies ----------------------------------------------------------------


@mistake
class LoserNotKept(Odoo):
    """What a rule or a policy decided is written, and the other value gone."""

    def _keep_decided(self, mapping, decisions):
        pass


@mistake
class DecisionTakesTheRecord(Odoo):
    """A policy decides on one field, and the side that wins has the record."""

    def _decide(self, mapping, odoo, pharmacy, record):
        found = super()._decide(mapping, odoo, pharmacy, record)
        strategies = {decision.strategy for decision in found.decisions}
        if "pharmacy" in strategies:
            return replace(found, merge=_whole(odoo, pharmacy, pharmacy))
        return found


@mistake
class RulesAgainstTheirOrder(Odoo):
    """Odoo's value wins before any rule is asked."""

    def _decide(self, mapping, odoo, pharmacy, record):
        policies = self.policies
        if policies:
            self.policies = replace(policies, rules=(), default=Policy.ODOO)
        try:
            return super()._decide(mapping, odoo, pharmacy, record)
        finally:
            self.policies = policies


# -- A pharmacy that was set back ------------------------------------------------------


@mistake
class OldOverNew(Odoo):
    """What a pharmacy that was set back has is taken for its latest changes."""

    def _restored(self, state, record):
        return None


@mistake
class LowVersionsIgnored(Odoo):
    """Versions of before count on after the pharmacy was set back."""

    def _receive(self, mapping, record, data):
        low = mapping and record["version"] < mapping.version
        if low and mapping.state.set_back:
            return Move.UNCHANGED, data
        return super()._receive(mapping, record, data)


@mistake
class EditSentOver(Odoo):
    """Whatever differs after the pharmacy was set back is sent again."""

    def _restored(self, state, record):
        return state.restored(touched=False)


@mistake
class AnswerOutlivesTheDatabase(Odoo):
    """What the pharmacy answered before it was set back counts as what it has."""

    def _answered(self, state, before, planned, answer, key, taken):
        before = replace(before, app_epoch=state.app_epoch)
        return super()._answered(state, before, planned, answer, key, taken)


# -- Sides that hold values differently ------------------------------------------------


class _OneBase(Odoo):
    """What the pharmacy said is taken for what Odoo has as well."""

    def _created(self, state, data, stored, version):
        state = super()._created(state, data, stored, version)
        return replace(state, base=Base.load(state.base.pharmacy))

    def _merged(self, state, comparison, stored, data, version):
        state = super()._merged(state, comparison, stored, data, version)
        return replace(state, base=Base.load(state.base.pharmacy))


@mistake
class DeclinedNotKept(Odoo):
    """What a side declined makes the pair, and nobody is asked."""

    def _by_odoo(self, paths, decided=()):
        return {}


@mistake
class AnswerTakenForAnEdit(Odoo):
    """What the app made of what was sent is taken for a change of a person there."""

    def _written_values(self, answer):
        return None


@mistake
class LeftOutFieldErased(_OneBase):
    """Odoo's defaults for what the pharmacy did not say are sent to it."""

    def _push_item(self, operation):
        operation.read_at = operation.mapping.version
        return super()._push_item(operation)


@mistake
class RoundedValueSentBack(_OneBase):
    """What Odoo rounded is a change of Odoo's."""

    def _means(self, path, value):
        return value


@mistake
class SentOverWhatWasNeverTold(Odoo):
    """A change is sent over what the pharmacy never sent, or not at its version."""

    def _push_item(self, operation):
        operation.read_at = operation.mapping.version
        return super()._push_item(operation)


@mistake
class ToldInPartTakenForWhole(Odoo):
    """A record with a part of a new version counts as known at that version."""

    def _merged(self, state, comparison, stored, data, version):
        state = super()._merged(state, comparison, stored, data, version)
        return replace(state, in_part=False)


# -- A writer past the ORM -------------------------------------------------------------


@mistake
class NoNetUnderTheEvents(Odoo):
    """What no event says is nobody's change."""

    def look(self):
        self.touched = []


# -- Poison ----------------------------------------------------------------------------


@mistake
class OneRefusalFailsTheBatch(Odoo):
    """A batch that is refused because of one record fails as a whole."""

    @staticmethod
    def _splits(error):
        return False


@mistake
class OneRefusalIsOfTheKey(Odoo):
    """A refusal is of the key, whatever that is: all wait for another one."""

    _splits = OneRefusalFailsTheBatch._splits

    def _settle_silence(self, item, failure):
        if isinstance(failure, HttpError):
            self._give_back(item.operation, 1)
        else:
            super()._settle_silence(item, failure)


@mistake
class RefusalOfReceiptsNotKept(Odoo):
    """What Odoo refuses of an order whose goods came is taken for done."""

    def _refused(self, comparison, stored):
        if stored and stored["name"] in self.receipts:
            return {}
        return super()._refused(comparison, stored)
