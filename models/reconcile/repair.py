import uuid

from odoo import api, models

from ...core.exceptions import InvalidDataError, SchemaMismatchError
from ...core.exchange.pair import Base
from ...core.storable import storable_text
from ..base.alone import alone
from ..base.own_transaction import apart

REPAIRED_A_STEP = 50


class SyncReconciliation(models.Model):
    """Repairs go by the ordinary roads: a push is queued, a record is applied. What
    decides for a side is the base: if it becomes what the pharmacy has, Odoo's values
    are the only change, and the other way round."""

    _inherit = "sync.reconciliation"

    @api.model
    def _schedule_repair(self, drifts):
        """Carry out what was just chosen, once what is under way is done."""
        for work, own in drifts.grouped("reconciliation_id").items():
            if work.state == "running":
                # Written in any case: a job that is just ending is made to look again.
                work.total += len(own)
                continue
            chosen = self.env["sync.drift"].search_count(
                [("reconciliation_id", "=", work.id), ("state", "=", "chosen")]
            )
            work.write(
                {
                    "state": "running",
                    "stage": "repair",
                    "total": chosen,
                    "done_count": 0,
                    "failed_count": 0,
                    "ended_at": False,
                    "reason": False,
                }
            )
            work._schedule_work()

    def _step_repair(self):
        chosen = apart(self._next_drift, "chosen", REPAIRED_A_STEP)
        if chosen:
            apart(self._repair, self._fetch(chosen))
        return bool(chosen)

    def _repair(self, records):
        """Repair each drift by itself.

        :param records: the pharmacy's record as it is now, by drift id
        """
        drifts = self.env["sync.drift"].browse(records)
        failed = 0
        for drift in drifts.filtered(lambda d: d.state == "chosen"):
            correlation_id = uuid.uuid4().hex
            work = self.with_context(sync_correlation_id=correlation_id)
            with alone(self.env) as failure:
                work._repair_one(drift, records[drift.id], correlation_id)
            if failure:
                failed += 1
                reason = storable_text(str(failure.error))
                reason = drift.stream_id.backend_id._redact(reason)
                drift.write({"state": "failed", "reason": reason})
                self._record_failure(
                    failure.error,
                    drift.record_name,
                    mapping_id=drift.mapping_id.id,
                    correlation_id=correlation_id,
                )
            else:
                drift.state = "repaired"
        self.backend_id._schedule_push()
        self._count(done=len(drifts) - failed, failed=failed)

    def _repair_one(self, drift, record, correlation_id):
        repairs = {
            "push": self._repair_push,
            "pull": self._repair_pull,
            "merge": self._repair_merge,
            "link": self._repair_link,
            "forget": self._repair_forget,
        }
        if isinstance(record, SchemaMismatchError):
            raise record
        repairs[drift.repair](drift, record, correlation_id)

    def _repair_push(self, drift, record, correlation_id):
        """The pharmacy gets what Odoo has, be it a deletion."""
        mapping = drift.mapping_id
        if mapping and record and not record.get("deleted"):
            mapping.write(
                {
                    "base": self._canonical(record),
                    "odoo_base": False,
                    "version": record["version"],
                    "epoch": self.backend_id.epoch,
                    "deleted": False,
                }
            )
        elif mapping:
            # The app has it no more, and never takes a key twice.
            mapping.write(
                {
                    "external_id": False,
                    "version": 0,
                    "epoch": self.backend_id.epoch,
                    "base": False,
                    "odoo_base": False,
                    "key": str(uuid.uuid4()),
                    "uncertain": False,
                    "deleted": False,
                }
            )
        self.env["sync.operation"]._request_push(
            self.stream_id, {mapping.res_id or drift.res_id: correlation_id}
        )

    def _repair_pull(self, drift, record, correlation_id):
        """Odoo gets what the pharmacy has, be it a deletion."""
        mapping = drift.mapping_id
        if not record:
            if not mapping:
                raise InvalidDataError(
                    "The pharmacy does not have the record any more."
                )
            version = mapping.version
            record = {"id": mapping.external_id, "version": version, "deleted": True}
        elif mapping and not record.get("deleted"):
            odoo = self._odoo_values(mapping).get(mapping.res_id)
            if odoo is None:
                mapping.unlink()
            else:
                self._set_back(mapping, record, Base(odoo, odoo))
                # A person said so: it is taken as it is.
                mapping.write({"epoch": self.backend_id.epoch, "guarded": False})
        self._apply_one(record, correlation_id)

    def _repair_merge(self, drift, record, correlation_id):
        """What one side changed is carried over; the rest becomes a conflict."""
        mapping = drift.mapping_id
        if not record or record.get("deleted"):
            raise InvalidDataError("The pharmacy does not have the record any more.")
        self._set_back(mapping, record, mapping._base(), mapping.declined)
        self._apply_one(record, correlation_id)

    def _set_back(self, mapping, record, base, declined=False):
        # An app that was set back has an older version, which is the valid one now.
        mapping.write(
            {
                **mapping._base_values(base),
                "declined": declined,
                "version": min(mapping.version, record["version"]),
                "deleted": False,
            }
        )

    def _repair_link(self, drift, record, correlation_id):
        if not record or record.get("deleted"):
            raise InvalidDataError("The pharmacy does not have the record any more.")
        pairs = [(drift.res_id, record)]
        results = self.stream_id._link(pairs, correlation_id, suspected=True)
        (error,) = results.values()
        if error:
            raise error

    def _repair_forget(self, drift, record, correlation_id):
        """Neither side has it: the mapping is of no more use."""
        drift.mapping_id.unlink()

    def _apply_one(self, record, correlation_id):
        (arrival,) = self.stream_id._apply([record], correlation_id, True)
        if arrival.error:
            raise arrival.error
