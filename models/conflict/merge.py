import uuid
from dataclasses import replace
from functools import partial

from odoo import models

from ...core.mapping_state import compare, decide
from ...core.pushing import is_due
from ...entities.directory import Directory
from ..base.alone import alone
from .record_facts import RecordFacts


class SyncMapping(models.Model):
    """A record of both sides compared with what they agreed on, and what follows."""

    _inherit = "sync.mapping"

    def _compare(self, odoo, pharmacy=None, base=None, undecided=None):
        """Three-way comparison of base, Odoo and pharmacy, before rules and policies.

        :param odoo: canonical values of the Odoo record
        :param pharmacy: canonical values of the pharmacy's; without it what is known
            of them, which is the base but where a conflict is open
        :param base: what is taken for the base instead of the mapping's own
        :param undecided: if a person has decided: the paths that are left, and stay as
            they are on both sides. Nothing else is frozen then.
        :return: :class:`...core.mapping_state.Comparison`
        """
        self.ensure_one()
        base = self._base() if base is None else base
        held = self.stream_id._adapter()._held()
        pharmacy = pharmacy or self._open_conflict().pharmacy
        if not pharmacy:
            return compare(base, odoo, held=held)
        if undecided is None:
            frozen = RecordFacts(self, self._record()).is_frozen
        else:
            frozen = partial(_is_among, frozenset(undecided))
        return compare(base, odoo, pharmacy, held=held, frozen=frozen)

    def _merge(self, odoo, pharmacy=None, base=None, undecided=None):
        """What follows from :meth:`_compare`, in the pharmacy's words."""
        return self._compare(odoo, pharmacy, base, undecided).merge

    def _is_due(self, odoo):
        """Whether a push must be queued. What both sides have alike by now becomes
        agreed.

        :param odoo: canonical values of the Odoo record
        """
        state, comparison = self._state(), self._compare(odoo)
        self._move(state, replace(state, base=comparison.refreshed()))
        return is_due(state, comparison)

    def _decide(self, odoo, pharmacy, facts):
        """Comparison in which rules and policies had their say.

        :param facts: :class:`.record_facts.RecordFacts` of the record
        :return: :class:`...core.mapping_state.Comparison`
        """
        self.ensure_one()
        policies = self.stream_id._policies()
        held = self.stream_id._adapter()._held()
        return decide(self._base(), odoo, pharmacy, policies, facts, held=held)

    def _take_over(self, odoo, pharmacy, undecided=(), correlation_id=None):
        """Write in Odoo what is its due by the base, and queue what is the pharmacy's:
        a person has decided, so nothing is frozen.

        :param odoo: canonical values of the Odoo record
        :param pharmacy: those of the pharmacy's
        :param undecided: paths that stay as they are on both sides
        """
        self.ensure_one()
        comparison = self._compare(odoo, pharmacy, undecided=undecided)
        self._write_odoo(comparison.to_odoo)
        self._keep_agreed(comparison)
        if comparison.merge.to_pharmacy:
            self.env["sync.operation"]._enqueue_push(
                {self: correlation_id or uuid.uuid4().hex}, self.stream_id
            )

    def _keep_agreed(self, comparison, stored=None):
        """The base once what a comparison brings has been written in Odoo.

        :param stored: the Odoo record, read back; read here where it is not given
        """
        if stored is None and comparison.merge.to_odoo:
            stored = self._serialise()
        self.write(self._base_values(comparison.agreed(stored)))

    def _write_odoo(self, changes):
        if changes:
            adapter = self.stream_id._adapter()
            adapter._update(self._record(), changes, Directory(self.backend_id))

    def _try_write_odoo(self, changes, correlation_id):
        """Write in Odoo what no caller waits for: a failure is recorded.

        :return: whether it was written
        """
        with alone(self.env) as failure:
            self._write_odoo(changes)
            return True
        Error = self.env["sync.error"]
        Error.create(
            Error._values(
                Error._classify(failure.error, self.backend_id),
                failure.error,
                operation="apply",
                backend_id=self.backend_id.id,
                mapping_id=self.id,
                correlation_id=correlation_id,
            )
        )
        return False

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
        if not self._try_write_odoo(comparison.to_odoo, correlation_id):
            return odoo
        if comparison.merge.to_odoo:
            odoo = self._serialise()
        self._keep_agreed(comparison, odoo)
        conflict._keep_decided([(self, comparison.decisions, pharmacy, correlation_id)])
        conflict._refresh(
            self,
            comparison.merge,
            pharmacy,
            correlation_id,
            closing="merge" if comparison.decisions else "manual",
            reasons=self._reasons(comparison),
        )
        return odoo

    def _reasons(self, comparison):
        """Why a person is asked about what only the pharmacy changed."""
        if not comparison.frozen:
            return {}
        because = self.stream_id._adapter()._asks_because(self._record())
        return dict.fromkeys(comparison.frozen, because)


def _is_among(paths, path, value):
    return path in paths
