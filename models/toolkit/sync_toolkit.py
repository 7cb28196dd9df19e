from odoo import api, models

from ...core.exceptions import InvalidDataError
from ...core.secrets.redaction import redact
from ...core.storable import storable
from ...core.taxonomy import Severity


class SyncToolkit(models.AbstractModel):
    """What another addon may use of this one without a backend and without
    synchronising anything: one method each for a failure, a call to the outside, a
    repeated attempt, an event, an alert. None can be called over RPC.

    What they write belongs to a company: the record's that it is about, else the
    current one. It stands in the same lists as the addon's own.
    """

    _name = "sync.toolkit"
    _description = "Toolkit for Other Addons"

    @api.model
    @api.private
    def classify(self, exception, **about):
        """Say what an exception means, by the administrator's rules and the built-in
        ones. Never raises.

        :param about: see :func:`...core.error.classification.classify`
        :return: :class:`...core.error.classification.Classification`, with ``type``,
            ``category``, ``severity``, ``retryable``, ``suggested_action``...
        """
        return self.env["sync.error"]._classify(exception, **about)

    @api.model
    @api.private
    def guard(self, service, timeout=30.0, wait=False):
        """Guard one call to a service outside: a slot of its pool, the leave of its
        breaker, a deadline, a row in the log of calls.

        ``with toolkit.guard("carrier", timeout=10) as call:`` and inside of it
        ``call.check(requests.post(url, timeout=call.timeout))``. An exception leaves
        the block unchanged; the breaker counts it if it speaks of the service's health.
        Breaker and pool are made at the first call, for the service's name and the
        current company; people set their numbers on the screen.

        :param service: the service's name, up to 64 characters
        :param timeout: seconds that the call may take
        :param wait: wait for a slot of the pool, as long as the pool allows
        :return: context manager of a :class:`..call.sync_service.ServiceCall`
        :raises CircuitBreakerOpenError: the breaker is open; with ``retry_after``
        :raises ResourcePoolFullError: no slot is free
        :raises ConfigurationError: a manager has switched the service off
        """
        if not isinstance(timeout, int | float) or not timeout > 0:
            raise InvalidDataError("timeout must be above 0", field="timeout")
        return self.env["sync.service"]._guard(service, timeout, wait)

    @api.model
    @api.private
    def record(self, exception, operation, record=None, severity=None):
        """Classify a failure and record it among the errors, in the group of its like.
        It survives a rollback of the current transaction. Never raises for what fails
        in recording.

        :param operation: what failed, in a word or two: failures of different
            operations are different failures
        :param record: the record that it is about
        :param severity: instead of its type's: low, medium, high or critical
        :return: the correlation id that it is found under
        """
        about = self._about(record)
        context = {"model": about["res_model"], "odoo_id": about["res_id"]}
        self.env["sync.error"]._record(
            exception,
            severity and self._severity(severity),
            operation=operation,
            company_id=about["company_id"],
            correlation_id=about["correlation_id"],
            context=context if record else None,
        )
        return about["correlation_id"]

    @api.model
    @api.private
    def emit(self, event_type, record, payload=None):
        """Write an event about a record, in the current transaction. It is delivered
        after the commit to each handler that takes its type, at least once.

        :param event_type: one that ``_event_types`` of ``sync.event`` knows
        :param payload: a dict that JSON can hold; what is secret in it is masked
        :return: the event's correlation id
        :raises InvalidDataError: naming what is wrong; nothing is written
        """
        about = self._about(record)
        if payload is not None and not isinstance(payload, dict):
            raise InvalidDataError("payload must be an object", field="payload")
        data = payload and redact(storable(payload))
        event = {**about, "type": event_type, "data": data}
        self.env["sync.event"].sudo()._emit([{**event, "user_id": self.env.uid}])
        return about["correlation_id"]

    @api.model
    @api.private
    def alert(self, key, title, severity="medium", record=None):
        """Raise an alert, or count it once more if it is open: people are notified by
        the channels of its company, within the limits of the rule *Reported by another
        addon*. It survives a rollback of the current transaction.

        :param key: what names it among the alerts of the company; see :meth:`calm`
        :param title: what happened, for people
        :param severity: low, medium, high or critical
        :param record: the record that it opens
        :return: whether it is raised: not while that rule is switched off
        """
        about, severity = self._about(record), self._severity(severity)
        return self.env["sync.alert"]._raise(key, redact(title), severity, about)

    @api.model
    @api.private
    def calm(self, key, record=None):
        """What an alert was raised for is over: resolve it, if it is open.

        :param record: that with which it was raised, or one of the same company
        """
        self.env["sync.alert"]._calm(key, self._about(record)["company_id"])

    @api.model
    def _about(self, record):
        """What is kept of the record that something is about, and whose it is."""
        company = self.env.company
        if record:
            record.ensure_one()
            own = record.sudo()
            company = ("company_id" in own._fields and own.company_id) or company
        return {
            "company_id": company.id,
            "res_model": record._name if record else None,
            "res_id": record.id if record else None,
            "correlation_id": self._correlation_id(),
        }

    @api.model
    def _severity(self, severity):
        if severity not in list(Severity):
            known = ", ".join(Severity)
            raise InvalidDataError(f"severity must be one of {known}", field="severity")
        return Severity(severity)
