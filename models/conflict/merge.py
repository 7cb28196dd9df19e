import uuid
from functools import partial

from odoo import models

from ...core import said
from ...core.conflict.merge import Side
from ...core.conflict.rules import AllFrozen
from ...core.exchange.arriving import written
from ...core.exchange.declined import Declined
from ...core.exchange.mapping_state import compare, decide, refreshed
from ...core.exchange.pushing import is_due
from ...entities.directory import Directory
from ..base.alone import alone
from .record_facts import RecordFacts


class SyncMapping(models.Model):
    """A record of both sides compared with what they agreed on, and what follows."""

    _inherit = "sync.mapping"

    def _compare(self, odoo, pharmacy=None, base=None, undecided=None, state=None):
        """Three-way comparison of base, Odoo and pharmacy, before rules and policies.

        :param odoo: canonical values of the Odoo record
        :param pharmacy: canonical values of the pharmacy's; without it what is known
            of them, which is the base but where a conflict is open
        :param base: what is taken for the base instead of the mapping's own
        :param undecided: if a person has decided: the paths that are left, and stay as
            they are on both sides. Nothing else is frozen then.
        :param state: the mapping's, where the caller has it
        :return: :class:`...core.exchange.mapping_state.Comparison`
        """
        self.ensure_one()
        if base is not None:
            declined = {}
        elif state:
            base, declined = state.base, state.declined
        else:
            base, declined = self._base(), self._declined()
        stream = self.stream_id
        known = {
            "held": stream._adapter()._held(),
            "declined": declined,
            "directions": stream._directions(),
        }
        pharmacy = pharmacy or self._open_conflict().pharmacy
        if not pharmacy:
            return compare(base, odoo, **known)
        if undecided is None and self._state().restored():
            frozen = AllFrozen().is_frozen
        elif undecided is None:
            frozen = RecordFacts(self, self._record()).is_frozen
        else:
            frozen = partial(_is_among, frozenset(undecided))
        return compare(base, odoo, pharmacy, frozen=frozen, **known)

    def _merge(self, odoo, pharmacy=None, base=None, undecided=None):
        """What follows from :meth:`_compare`, in the pharmacy's words."""
        return self._compare(odoo, pharmacy, base, undecided).merge

    def _is_due(self, odoo, state):
        """Whether a push must be queued. What both sides have alike by now becomes
        agreed.

        :param odoo: canonical values of the Odoo record
        :param state: the mapping's
        """
        comparison = self._compare(odoo, state=state)
        self._move(state, refreshed(state, comparison))
        due = is_due(state, comparison)
        if self.given_up and not due:
            self.given_up = False
        return due

    def _decide(self, odoo, pharmacy, facts, state=None, by=None):
        """Comparison in which rules and policies had their say.

        :param facts: :class:`.record_facts.RecordFacts` of the record
        :param state: the mapping's, where the caller has it
        :param by: what decides in its stream, see :meth:`SyncStream._deciding`, where
            the caller has it
        :return: :class:`...core.exchange.mapping_state.Comparison`
        """
        self.ensure_one()
        state = state or self._state()
        return decide(
            state.base,
            odoo,
            pharmacy,
            facts=facts,
            declined=state.declined,
            restored=self._restored(facts, state),
            **(by or self.stream_id._deciding()),
        )

    def _restored(self, facts, state):
        """How it has to be compared if the app was set back, a
        :class:`...core.conflict.policy.Restored`; None: as ever.

        :param facts: :class:`.record_facts.RecordFacts` of the record
        """
        if not state.guarded and state.epoch == state.app_epoch:
            return None
        touched = facts.is_touched(self.backend_id.read_until)
        return state.restored(touched)

    def _take_over(self, odoo, pharmacy, undecided=(), correlation_id=None):
        """Write in Odoo what is its due by the base, and queue what is the pharmacy's:
        a person has decided, so nothing is frozen.

        :param odoo: canonical values of the Odoo record
        :param pharmacy: those of the pharmacy's
        :param undecided: paths that stay as they are on both sides
        """
        self.ensure_one()
        comparison = self._compare(odoo, pharmacy, undecided=undecided)
        said = self._write_odoo(comparison.to_odoo)
        self._keep_agreed(comparison, said=said)
        if comparison.merge.to_pharmacy:
            self.env["sync.operation"]._enqueue_push(
                {self: correlation_id or uuid.uuid4().hex}, self.stream_id
            )

    def _keep_agreed(self, comparison, stored=None, said=None):
        """What is known once what a comparison brings has been written in Odoo.

        :param stored: the Odoo record, read back; read here where it is not given
        :param said: why Odoo declined what it did, by path
        """
        if stored is None and comparison.merge.to_odoo:
            stored = self._serialise()
        state = self._state()
        refused = self._refused(comparison, stored, said)
        self._move(state, written(state, comparison, stored, refused))
        if self.given_up:
            self.given_up = False

    def _refused(self, comparison, stored, said=None):
        """What Odoo did not take of what a comparison brought, a
        :class:`...core.exchange.declined.Declined` by path."""
        if not comparison.merge.to_odoo:
            return {}
        keeps = self.stream_id._adapter()._keeps()
        decided = {decision.path for decision in comparison.decisions}
        return by_odoo(comparison.not_taken(stored, keeps), said, decided)

    def _write_odoo(self, changes):
        """:return: what Odoo said where it declined, by path"""
        directory = Directory(self.backend_id)
        if changes:
            adapter = self.stream_id._adapter()
            adapter._update(self._record(), changes, directory)
        return directory.said.get(self.res_id, {})

    def _try_write_odoo(self, changes, correlation_id):
        """Write in Odoo what no caller waits for: a failure is recorded.

        :return: what Odoo said where it declined; None: it was not written
        """
        with alone(self.env) as failure:
            return self._write_odoo(changes)
        Error = self.env["sync.error"]
        Error._record_here(
            Error._classify(failure.error, self.backend_id),
            failure.error,
            operation="apply",
            backend_id=self.backend_id.id,
            mapping_id=self.id,
            correlation_id=correlation_id,
        )
        return None

    def _recheck_conflict(self, odoo):
        """A person may have settled the conflict by editing the Odoo record, or made
        a rule decide that could not before.

        :return: canonical values of the Odoo record as it is then
        """
        conflict = self._open_conflict()
        if not conflict:
            return odoo
        pharmacy = conflict.pharmacy
        arrived = {"updated_at": conflict.pharmacy_at, "version": self.version}
        facts = RecordFacts(self, self._record(), arrived)
        comparison = self._decide(odoo, pharmacy, facts)
        correlation_id = conflict.correlation_id
        said = self._try_write_odoo(comparison.to_odoo, correlation_id)
        if said is None:
            return odoo
        if comparison.merge.to_odoo:
            odoo = self._serialise()
        self._keep_agreed(comparison, odoo, said)
        taken = self._taken_of(comparison.decisions)
        conflict._keep_decided([(self, taken, pharmacy, correlation_id)])
        conflict._refresh(
            self,
            self._with_declined(comparison, odoo).merge,
            pharmacy,
            correlation_id,
            closing="merge" if comparison.decisions else "manual",
            reasons=self._reasons(comparison),
        )
        return odoo

    def _taken_of(self, decisions):
        """Those decisions that Odoo did not decline."""
        declined = self.declined or ()
        return [decision for decision in decisions if decision.path not in declined]

    def _with_declined(self, comparison, odoo):
        """A comparison that was carried out, with what was declined of it.

        :param odoo: canonical values of the Odoo record as it is by now
        """
        if not self.declined:
            return comparison
        return self._compare(odoo, comparison.pharmacy)

    def _reasons(self, comparison):
        """Why a person is asked about what not both sides changed."""
        reasons = {
            path: self._declined_text(refusal)
            for path, refusal in self._declined().items()
        }
        if comparison.restored:
            frozen = dict.fromkeys(comparison.frozen, said.CAME_BACK)
            reasons = {**frozen, **reasons}
        elif comparison.frozen:
            because = self.stream_id._adapter()._asks_because(self._record())
            reasons.update(dict.fromkeys(comparison.frozen, because))
        return reasons

    def _declined_text(self, refusal):
        """Why a value is declined, as it is kept."""
        if refusal.by is Side.PHARMACY:
            return said.APP_DECLINED
        if refusal.reason:
            return said.say(said.ODOO_DECLINED, refusal.reason)
        return said.ODOO_DECLINED_SILENTLY


class SyncStream(models.Model):
    _inherit = "sync.stream"

    def _deciding(self):
        """What decides on each of its records, for a batch of them: as
        :func:`...core.exchange.mapping_state.decide` takes it."""
        return {
            "policies": self._policies(),
            "held": self._adapter()._held(),
            "directions": self._directions(),
        }


def by_odoo(paths, said=None, decided=()):
    """What Odoo declined, with what it said, by path: one
    :class:`..core.exchange.declined.Declined` each.

    :param decided: paths on which a rule or policy had decided
    """
    said = said or {}
    return {
        path: Declined(Side.ODOO, said.get(path, ""), path in decided) for path in paths
    }


def _is_among(paths, path, value):
    return path in paths
