from odoo import api, models

from ...core import said
from ...core.api.methods import RETRY
from ...core.exceptions import InvalidDataError

# States of operations that are tried again on request.
RETRIED = ("dead", "waiting")


class SyncApi(models.AbstractModel):
    """The pharmacy app asks for failed work to be tried again."""

    _inherit = "sync.api"

    @api.model
    def _methods(self):
        return {**super()._methods(), RETRY: self._retry}

    @api.model
    def retry(
        self, operation_ids=None, external_ids=None, entity=None, correlation_id=None
    ):
        """Try dead letters again, and what waits for its next attempt at once.

        :param list operation_ids: ids of operations, up to 500
        :param list external_ids: or the pharmacy's ids of records, up to 500: all that
            has died or waits of them
        :param str entity: of ``external_ids``
        :return: ``{success, results, ...}``; each result is ``{success, operation,
            operation_id, external_id, state, error, warnings, correlation_id}``, for
            each id at least one, in their order; operation is ``redriven``,
            ``unchanged`` (it has not failed; its state says where it is) or ``failed``
            (there is no such operation, or it was discarded)
        """
        return self._answer(RETRY, operation_ids, external_ids, entity, correlation_id)

    # -- Implementation ---------------------------------------------------------------

    def _retry(self, backend, correlation_id, operation_ids, external_ids, entity):
        if bool(operation_ids) == bool(external_ids):
            raise InvalidDataError(
                "give either operation_ids or external_ids",
                field="operation_ids",
            )
        if operation_ids:
            found = self._retry_by_id(backend, operation_ids)
        else:
            found = self._retry_by_record(backend, external_ids, entity)
        operations = backend.env["sync.operation"].union(*found.values())
        again = operations.filtered(lambda o: o.state in RETRIED)
        if again:
            again.with_user(self.env.user).sudo()._redrive(said.RETRIED_BY_APP)
        results = [
            self._retried(
                backend, id_, operation, again, bool(external_ids), correlation_id
            )
            for id_, its in found.items()
            for operation in its or [None]
        ]
        return {
            "success": all(result["success"] for result in results),
            "results": results,
        }

    def _retry_by_id(self, backend, operation_ids):
        found = backend.env["sync.operation"].search(
            [("id", "in", operation_ids), ("backend_id", "=", backend.id)]
        )
        return {
            id_: found.filtered(lambda o, id_=id_: o.id == id_) for id_ in operation_ids
        }

    def _retry_by_record(self, backend, external_ids, entity):
        """What has failed of each record; if nothing has, its latest operation."""
        stream = self._stream(backend, entity)
        by_record = {}
        for operation in backend.env["sync.operation"].search(
            [
                ("stream_id", "=", stream.id),
                "|",
                ("external_id", "in", external_ids),
                ("mapping_id.external_id", "in", external_ids),
            ]
        ):
            external_id = operation.mapping_id.external_id or operation.external_id
            by_record.setdefault(external_id, operation.browse())
            by_record[external_id] |= operation
        found = {}
        for external_id in external_ids:
            its = by_record.get(external_id, backend.env["sync.operation"])
            failed = its.filtered(lambda o: o.state in RETRIED)
            found[external_id] = failed or its[:1]
        return found

    def _retried(self, backend, id_, operation, again, by_record, correlation_id):
        """The result of one operation; None: there is none."""
        error, given = None, "external_ids" if by_record else "operation_ids"
        if operation is None:
            what = "record" if by_record else "operation"
            error = InvalidDataError(f"no {what} {id_} is known", field=given)
        elif operation.discarded_at:
            error = InvalidDataError(operation.reason, field=given)
        if operation is not None:
            external_id = operation.mapping_id.external_id or operation.external_id
        else:
            external_id = id_ if by_record else None
        classification = error and backend.env["sync.error"]._classify(error, backend)
        redriven = operation is not None and operation in again
        return {
            "success": not error,
            "operation": "failed" if error else "redriven" if redriven else "unchanged",
            "operation_id": operation and operation.id,
            "external_id": external_id,
            "state": operation and operation.state,
            "error": error and self._error(classification, error),
            "warnings": [],
            "correlation_id": operation.correlation_id if operation else correlation_id,
        }
