import json
import traceback
import uuid
from dataclasses import replace

from odoo import api, fields, models

from ...core.check.text_checks import LONGEST_ID
from ...core.error.classification import classify, classify_response
from ...core.error.evidence import raw_answer, request_id
from ...core.error.fingerprint import fingerprint
from ...core.error.type_names import TYPE_NAMES
from ...core.exceptions import LONGEST_MESSAGE
from ...core.said import together
from ...core.secrets.logs import get_logger
from ...core.secrets.redaction import redact
from ...core.storable import storable, storable_text
from ...core.taxonomy import Category, ErrorType, Severity
from ...entities.sentence import Sentence, in_language
from ..base.alone import contained
from ..base.own_transaction import apart
from ..base.rights import OPERATOR, check_may
from .work_names import WORK_NAMES

_logger = get_logger(__name__)
LONGEST_TRACE = 50_000
LONGEST_CODE = 200


def selection(enum):
    """Values of a selection field, from an enumeration of texts."""
    return [(str(m), str(m).replace("_", " ").capitalize()) for m in enum]


class SyncError(models.Model):
    """One failure, classified."""

    _name = "sync.error"
    _description = "Synchronisation Error"
    _order = "id desc"
    _rec_name = "message"

    backend_id = fields.Many2one(
        "sync.backend", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    company_id = fields.Many2one(
        "res.company",
        compute="_compute_company_id",
        store=True,
        readonly=False,
        help="The backend's; without one the company in which it failed.",
    )
    stream_id = fields.Many2one("sync.stream", readonly=True, ondelete="set null")
    mapping_id = fields.Many2one(
        "sync.mapping", readonly=True, ondelete="set null", index="btree_not_null"
    )
    work = fields.Char(readonly=True, help="The kind of work that failed.")
    work_name = fields.Char("During", compute="_compute_work_name")
    attempt = fields.Integer(readonly=True)
    correlation_id = fields.Char(required=True, readonly=True, index=True)
    request_id = fields.Char(
        readonly=True, help="Of the call that failed, as the log of calls has it."
    )
    cause_id = fields.Many2one(
        "sync.error",
        "Began With",
        compute="_compute_cause_id",
        help="The first failure of the same correlation id.",
    )
    fingerprint = fields.Char(required=True, readonly=True, index=True)
    group_id = fields.Many2one("sync.error.group", readonly=True, ondelete="set null")
    type = fields.Selection(selection(ErrorType), required=True, readonly=True)
    category = fields.Selection(selection(Category), required=True, readonly=True)
    severity = fields.Selection(selection(Severity), required=True, readonly=True)
    delivery = fields.Selection(
        [
            ("not_sent", "Not sent"),
            ("answered", "Answered"),
            ("unknown", "No answer: may have arrived"),
        ],
        readonly=True,
    )
    retryable = fields.Boolean(readonly=True)
    recoverable = fields.Boolean(readonly=True)
    requires_user_action = fields.Boolean(readonly=True)
    requires_admin_action = fields.Boolean(readonly=True)
    confidence = fields.Float(readonly=True, digits=(3, 2))
    suggested_action = fields.Char(readonly=True)
    http_status = fields.Integer("HTTP Status", readonly=True)
    code = fields.Char(readonly=True)
    message = fields.Char("Original Message", readonly=True)
    context = fields.Json(readonly=True)
    context_text = fields.Text(compute="_compute_context_text")
    trace = fields.Text(
        "Stack Trace", readonly=True, groups="pharmacy_sync.group_manager"
    )
    occurred_at = fields.Datetime(readonly=True, default=fields.Datetime.now)
    resolved = fields.Boolean(readonly=True)
    resolved_at = fields.Datetime(readonly=True)
    resolved_by_id = fields.Many2one("res.users", readonly=True)
    resolution = Sentence(readonly=True, help="What was done about it.")

    retry_delay = fields.Float(
        "Next Attempt In", readonly=True, help="Seconds until the next attempt."
    )
    retry_reason = Sentence(
        "Next Step",
        readonly=True,
        help="Why it is tried again, and what set the delay; or why it is not.",
    )

    _group_idx = models.Index("(group_id, id)")
    _resolved_idx = models.Index("(group_id, resolved_at)")
    _type_idx = models.Index("(type, id)")
    _severity_idx = models.Index("(severity, id)")
    _category_idx = models.Index("(category, id)")
    _occurred_idx = models.Index("(occurred_at)")
    _critical_idx = models.Index(
        "(backend_id) WHERE severity = 'critical' AND resolved IS NOT TRUE"
    )
    _unresolved_idx = models.Index("(id) WHERE resolved IS NOT TRUE")
    _open_group_idx = models.Index("(group_id) WHERE resolved IS NOT TRUE")

    @api.depends("backend_id.company_id")
    def _compute_company_id(self):
        for error in self:
            error.company_id = error.backend_id.company_id or error.company_id

    @api.depends("correlation_id")
    def _compute_cause_id(self):
        # Those of other companies are no cause that a reader could open.
        first = dict(
            self._read_group(
                [("correlation_id", "in", self.mapped("correlation_id"))],
                ["correlation_id"],
                ["id:min"],
            )
        )
        for error in self:
            cause = first.get(error.correlation_id)
            error.cause_id = cause if cause != error.id else False

    @api.model
    def _in_language(self, sentence):
        """See :func:`.sentence.in_language`."""
        return in_language(self.env, sentence)

    @api.model
    def _explain(self, classification):
        """A failure in a reader's words: its type, and what to do about it."""
        return in_language(self.env, self._explained(classification))

    @api.model
    def _explained(self, classification):
        """The same as it is kept, to be read as a :class:`Sentence`."""
        name = TYPE_NAMES[classification.type]
        return together(name, classification.suggested_action)

    @api.depends("work")
    @api.depends_context("lang")
    def _compute_work_name(self):
        for error in self:
            error.work_name = self._name_work(error.work)

    @api.model
    def _name_work(self, work):
        """What people call the work that failed; rooms above name theirs."""
        if work in self.env:
            return self.env["ir.model"]._get(work).name
        if work in WORK_NAMES:
            return self.env._(WORK_NAMES[work])
        return work

    @api.depends("context")
    def _compute_context_text(self):
        for error in self:
            error.context_text = self._as_text(error.context, error.backend_id)

    @api.model
    def _as_text(self, value, backend):
        """JSON for people to read, without what is secret or sensitive there."""
        value = backend._redact(value)
        return json.dumps(value, indent=2, ensure_ascii=False) if value else ""

    @api.model_create_multi
    def create(self, vals_list):
        # Before values are looked at that a stranger made up.
        self.check_access("create")
        Group = self.env["sync.error.group"].sudo()
        groups = Group._ensure(vals_list)
        errors = super().create(
            [
                {**vals, "group_id": group}
                for vals, group in zip(vals_list, groups, strict=True)
            ]
        )
        Group._count_later(errors)
        self._recorded(vals_list)
        return errors

    @api.model
    def _recorded(self, vals_list):
        """Errors were recorded in this transaction. Rooms above add what follows.

        :param vals_list: their values
        """
        for vals in vals_list:
            if vals["severity"] == Severity.CRITICAL:
                _logger.critical(
                    "critical error, correlation id %s, type %s: %s",
                    vals["correlation_id"],
                    vals["type"],
                    vals.get("message"),
                )

    def action_resolve(self):
        """Mark errors as dealt with."""
        check_may(
            self, OPERATOR, self.env._("Only operators may mark errors resolved.")
        )
        self.filtered(lambda error: not error.resolved).sudo().write(
            {
                "resolved": True,
                "resolved_at": fields.Datetime.now(),
                "resolved_by_id": self.env.uid,
            }
        )
        return True

    @api.model
    def _classify(self, exception, backend=None, **about):
        """What an exception means, by the administrator's rules and the built-in ones.
        Never raises.

        :param backend: ``sync.backend``, whose rules hold besides those for all
        :param about: see :func:`...core.error.classification.classify`
        :return: :class:`...core.error.classification.Classification`
        """
        rules = self.env["sync.error.rule"]._rules(backend)
        return self._keepable(backend, classify(exception, rules=rules, **about))

    @api.model
    def _classify_response(self, backend, status, code=None, message="", **about):
        """What the failing answer to one item means; see :meth:`_classify`."""
        rules = self.env["sync.error.rule"]._rules(backend)
        found = classify_response(status, code, message, rules=rules, **about)
        return self._keepable(backend, found)

    @api.model
    def _keepable(self, backend, classification):
        """The same in a form that every table and every person can have, whatever text
        another program sent."""
        backend = self.env["sync.backend"] if backend is None else backend
        code = classification.code
        message = storable_text(classification.message, LONGEST_MESSAGE)
        return replace(
            classification,
            message=backend._redact(message),
            code=code and storable_text(code, LONGEST_CODE),
        )

    @api.model
    def _values(self, classification, exception=None, **about):
        """Values of an error row.

        :param about: other fields of the row (``backend_id``, or ``company_id`` of what
            has no backend; ``correlation_id``, ``operation`` for the
            fingerprint...), and ``context``, a dict that is redacted here
        """
        operation = about.pop("operation", None)
        backend = self.env["sync.backend"].browse(about.get("backend_id") or [])
        about.pop("company_id" if backend else None, None)  # it is the backend's
        context = dict(about.pop("context", None) or {}, operation=operation)
        context["user"] = self.env.user.login
        trace = None
        if exception is not None:
            context.update(_said_by(exception))
            # The end says most.
            trace = "".join(traceback.format_exception(exception))[-LONGEST_TRACE:]
            trace = backend._redact(storable_text(trace))
        message = storable_text(classification.message, LONGEST_MESSAGE)
        message = backend._redact(message)
        return {
            **about,
            "work": operation,
            "request_id": exception is not None and request_id(exception),
            "correlation_id": storable_text(
                about.get("correlation_id") or uuid.uuid4().hex, LONGEST_ID
            ),
            "fingerprint": fingerprint(
                _whose(about),
                operation,
                classification.type,
                classification.code,
                message,
            ),
            "type": str(classification.type),
            "category": str(classification.category),
            "severity": str(classification.severity),
            "delivery": str(classification.delivery),
            "retryable": classification.retryable,
            "recoverable": classification.recoverable,
            "requires_user_action": classification.requires_user_action,
            "requires_admin_action": classification.requires_admin_action,
            "confidence": classification.confidence,
            "suggested_action": classification.suggested_action,
            "http_status": classification.http_status or 0,
            "code": classification.code,
            "message": message,
            "context": backend._redact(storable(context)),
            "trace": trace,
        }

    @api.model
    def _record_each(self, failures):
        """Record failed attempts, in the current transaction.

        :param failures: list of :class:`.failed_attempt.FailedAttempt`
        :return: the errors, in their order
        """
        return self.create(
            [
                self._values(
                    failure.classification,
                    failure.exception,
                    operation=operation.kind,
                    backend_id=operation.backend_id.id,
                    stream_id=operation.stream_id.id,
                    mapping_id=operation.mapping_id.id,
                    operation_id=operation.id,
                    attempt=operation.attempts,
                    correlation_id=operation.correlation_id,
                    context={
                        "entity": operation.stream_id.entity,
                        "odoo_id": operation.mapping_id.res_id,
                        "pharmacy_id": operation.mapping_id.external_id
                        or operation.external_id,
                    },
                    **failure.about,
                )
                for failure in failures
                for operation in (failure.operation,)
            ]
        )

    @api.model
    def _record_here(self, classification, exception=None, **about):
        """Record a failure in this transaction; see :meth:`_values`."""
        return self.create(self._values(classification, exception, **about))

    @api.model
    def _record(self, exception, severity=None, **about):
        """Classify and record a failure in a transaction of its own, which survives
        the rollback of the one that failed. Never raises.

        :param severity: instead of its type's
        :param about: see :meth:`_values`
        :return: the classification
        """
        backend = self.env["sync.backend"].browse(about.get("backend_id") or [])
        classification = self._classify(exception, backend)
        if severity:
            classification = replace(classification, severity=severity)
        about["correlation_id"] = about.get("correlation_id") or uuid.uuid4().hex
        # The caller deals with a failure already: it gets no second one.
        with contained(
            _logger.critical,
            "error handling itself failed; correlation id %s, type %s: %s",
            about["correlation_id"],
            classification.type,
            redact(classification.message),
        ) as failure:
            apart(self.sudo()._record_apart, classification, exception, about)
        if failure:
            self._record_bare(about)
        return classification

    @api.model
    def _record_apart(self, classification, exception, about):
        """For :func:`apart`: no recordset leaves the transaction that ends with it."""
        self._record_here(classification, exception, **about)


def _whose(about):
    """What names the backend of a failure, or the company of one without a backend."""
    company_id = not about.get("backend_id") and about.get("company_id")
    return f"company {company_id}" if company_id else about.get("backend_id")


def _said_by(exception):
    """What an exception says besides its message, for the context of an error."""
    found = {
        name: said
        for name in ("field", "record", "candidates")
        if (said := getattr(exception, name, None))
    }
    if raw := raw_answer(exception):
        found["raw_answer"] = raw
    return found
