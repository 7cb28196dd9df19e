import uuid
from functools import partial

from odoo import models

from ...core.merge import three_way
from ...core.merge_base import new_base
from ...core.policy import resolve
from ...entities.directory import Directory
from ..base.alone import alone
from .record_facts import RecordFacts


class SyncMapping(models.Model):
    """A record of both sides compared with what they agreed on, and what follows."""

    _inherit = "sync.mapping"

    def _merge(self, odoo, pharmacy=None, base=None, undecided=None):
        """Three-way comparison of base, Odoo and pharmacy, before rules and policies.

        :param odoo: canonical values of the Odoo record
        :param pharmacy: canonical values of the pharmacy's; without it what is known
            of them, which is the base but where a conflict is open
        :param base: what is taken for the base instead of the mapping's own
        :param undecided: if a person has decided: the paths that are left, and stay as
            they are on both sides. Nothing else is frozen then.
        :return: :class:`...core.merge.Merge`
        """
        self.ensure_one()
        base = self.base or {} if base is None else base
        pharmacy = pharmacy or self._open_conflict().pharmacy
        if not pharmacy:
            return three_way(base, odoo, base)
        if undecided is None:
            frozen = RecordFacts(self, self._record()).is_frozen
        else:
            frozen = partial(_is_among, frozenset(undecided))
        return three_way(base, odoo, pharmacy, frozen=frozen)

    def _resolution(self, odoo, pharmacy, facts):
        """Comparison in which rules and policies had their say.

        :param facts: :class:`.record_facts.RecordFacts` of the record
        :return: :class:`...core.policy.Resolution`
        """
        self.ensure_one()
        return resolve(self.base, odoo, pharmacy, self.stream_id._policies(), facts)

    def _take_over(self, odoo, pharmacy, undecided=(), correlation_id=None):
        """Write in Odoo what is its due by the base, and queue what is the pharmacy's:
        a person has decided, so nothing is frozen.

        :param odoo: canonical values of the Odoo record
        :param pharmacy: those of the pharmacy's
        :param undecided: paths that stay as they are on both sides
        """
        self.ensure_one()
        merge = self._merge(odoo, pharmacy, undecided=undecided)
        self._write_odoo(merge.to_odoo)
        self.base = new_base(self.base, odoo, pharmacy, merge)
        if merge.to_pharmacy:
            self.env["sync.operation"]._enqueue_push(
                {self: correlation_id or uuid.uuid4().hex}, self.stream_id
            )

    def _write_odoo(self, changes):
        if changes:
            adapter = self.stream_id._adapter()
            adapter._update(self._record(), changes, Directory(self.backend_id))

    def _try_write_odoo(self, changes, correlation_id):
        """Write in Odoo what nobody is waiting for: a failure is recorded.

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
        told = {"updated_at": conflict.pharmacy_at, "version": self.version}
        facts = RecordFacts(self, self._record(), told)
        resolution = self._resolution(odoo, pharmacy, facts)
        merge = resolution.merge
        if not self._try_write_odoo(merge.to_odoo, conflict.correlation_id):
            return odoo
        self.base = new_base(resolution.base, odoo, pharmacy, merge)
        correlation_id = conflict.correlation_id
        conflict._keep_decided([(self, resolution.decisions, pharmacy, correlation_id)])
        conflict._refresh(
            self,
            merge,
            pharmacy,
            correlation_id,
            closing="merge" if resolution.decisions else "manual",
            reasons=self._reasons(resolution),
        )
        return self._serialise() if merge.to_odoo else odoo

    def _reasons(self, resolution):
        """Why a person is asked about what only the pharmacy changed."""
        if not resolution.frozen:
            return {}
        because = self.stream_id._adapter()._asks_because(self._record())
        return dict.fromkeys(resolution.frozen, because)


def _is_among(paths, path, value):
    return path in paths
