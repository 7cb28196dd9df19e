"""Bugs that the simulator found in the product, put back: each with seeds whose
histories break a law by it, and by nothing else.

Who changes how histories are made finds other seeds:
``PHARMACY_SYNC_FIND=1 ./dev test tests/simulator/test_simulator_finds.py -s``.
"""

from dataclasses import replace

from odoo.addons.pharmacy_sync.core.conflict.merge import lines_by_key
from odoo.addons.pharmacy_sync.core.conflict.merge_base import confirm
from odoo.addons.pharmacy_sync.core.exchange.pair import Base
from odoo.addons.pharmacy_sync.core.exchange.pushing import OK, STALE_ATTEMPTS, Fate

from .odoo import Odoo

FOUND = {}


def seeds(*numbers):
    def keep(cls):
        FOUND[cls] = numbers
        return cls

    return keep


@seeds(91)
class UndoneChangeComesBack(Odoo):
    """A push that was not answered is forgotten: who undoes its change meanwhile sees
    it come back as the pharmacy's."""

    def _begun(self, state, planned):
        begun = super()._begun(state, planned)
        return replace(begun, unanswered=state.unanswered)


@seeds(5296)
class OlderAnswerTakenForNewer(Odoo):
    """The answer to a push is written down over what a pull has read since."""

    def _answered(self, state, before, planned, answer, key, taken):
        if answer["status"] in OK:
            state = replace(state, version=0)
        return super()._answered(state, before, planned, answer, key, taken)


@seeds(16)
class DeletedBeforeItsCreationWasAnswered(Odoo):
    """A record without an id at the pharmacy is thought not to be there."""

    def _apply_changed(self, mapping, record, data):  # pylint: disable=missing-return
        if mapping.res_id in self.records:
            super()._apply_changed(mapping, record, data)

    def _push_item(self, operation):
        mapping = operation.mapping
        if mapping.res_id not in self.records and not mapping.external_id:
            return self._end(operation)
        return super()._push_item(operation)


@seeds(2021)
class ConflictOutlivesItsRecord(Odoo):
    """A conflict stays open when its record is deleted."""

    def _apply_deletion(self, mapping, record):
        conflict = mapping.conflict
        super()._apply_deletion(mapping, record)
        mapping.conflict = conflict

    def _settle_answer(self, item, answer):
        mapping = item.operation.mapping
        conflict, before = mapping.conflict, mapping.deleted
        arrived = super()._settle_answer(item, answer)
        if mapping.deleted and not before:
            mapping.conflict = conflict
        return arrived


@seeds(1080)
class WithdrawnChangeWins(Odoo):
    """A person ends a conflict by withdrawing Odoo's change: the pharmacy's value is
    noted as agreed, and not written."""

    def _recheck_conflict(self, mapping, odoo):
        comparison = self._compare(mapping, odoo)
        if not comparison.merge.conflicts:
            mapping.conflict = None
            base = Base.load(comparison.agreed().pharmacy)
            mapping.move(replace(mapping.state, base=base))


@seeds(76)
class TombstoneForgotten(Odoo):
    """An old state of a deleted record is taken for a new record."""

    def _create_new(self, record, data):  # pylint: disable=missing-return
        if not record["deleted"]:
            super()._create_new(record, data)


@seeds(34157)
class UndoWhileUnderWayNeverSent(Odoo):
    """A record that is again as both sides agreed is not queued, though something else
    is being sent."""

    def _is_due(self, mapping, data):
        to_pharmacy = self._compare(mapping, data).merge.to_pharmacy
        return not mapping.external_id or bool(to_pharmacy)


@seeds(3563)
class LineRemovedAfterUnansweredPush(Odoo):
    """A line that was sent and is not there is thought never to have arrived."""

    def _confirmed(self, state, data, version):
        if version <= state.version:
            return state
        base = state.base
        for hoped in state.unanswered:
            base = base.with_pharmacy(confirm(base.pharmacy, hoped, data))
        return replace(state, base=base)


@seeds(59170)
class IdempotencyKeyUsedTwice(Odoo):
    """The key names operation and attempt; attempts are counted anew when a dead letter
    goes on. Who reads the answer sees that it is not about what was sent; here nobody
    does."""

    def _new_key(self, operation):
        return f"{operation.id}-{operation.attempts}"

    def _written_values(self, answer):
        return None


@seeds(4)
class TwinOverwritten(Odoo):
    """What Odoo was about to create counts as agreed with the record of the same
    number that the pharmacy turns out to have."""

    def _nothing_agreed(self, state):
        return state

    def _answered(self, state, before, planned, answer, key, taken):
        found = super()._answered(state, before, planned, answer, key, taken)
        if found.fate is Fate.LINKED and not state.external_id:
            kept = replace(state, external_id=found.state.external_id, version=0)
            return replace(found, state=kept)
        return found


@seeds(51523)
class FoundLaterThanRead(Odoo):
    """A record that is found is written down over what a pull has read since."""

    def _answered(self, state, before, planned, answer, key, taken):
        found = super()._answered(state, before, planned, answer, key, taken)
        if found.fate is Fate.LINKED:
            return replace(found, state=replace(found.state, version=0))
        return found


@seeds(1321)
class PushDiesOfItsSupplier(Odoo):
    """A push that cannot be merged before a supplier arrives tries at once, again and
    again."""

    def _park_unmerged(self, operation):
        pass


@seeds(1218)
class LateCallStandsForWhatWaits(Odoo):
    """An older state takes the place of one that waits for its supplier, or makes up
    for it."""

    def _is_older(self, record, operation):
        return False


@seeds(37183)
class NoAttemptLeftToMerge(Odoo):
    """Attempts that an outage cost count as meetings with newer values."""

    def _is_stuck(self, operation):
        return operation.attempts > STALE_ATTEMPTS


@seeds(34699)
class DecidedValueIsRounded(Odoo):
    """Who keeps what Odoo has sends it as Odoo shows it, though the pharmacy had more
    of it."""

    def _decided_base(self, comparison, choices):
        shown = replace(comparison, words=comparison.odoo)
        return super()._decided_base(shown, choices)


@seeds(25)
class KeptLineIsRounded(Odoo):
    """A line that Odoo keeps over its removal is made anew there as Odoo shows it."""

    def _decided_base(self, comparison, choices):
        base = super()._decided_base(comparison, choices)
        theirs = lines_by_key("lines", base.pharmacy.get("lines"))
        own = [line for line in base.odoo.get("lines", ()) if line["key"] in theirs]
        return Base({**base.odoo, "lines": own}, base.pharmacy)
