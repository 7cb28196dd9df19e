from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

from ...core.check import patterns
from ...core.error.classification import Rule
from ...core.secrets.logs import get_logger
from ...core.taxonomy import TAXONOMY, ErrorType, Severity
from ...entities.sentence import in_language
from ..base.alone import contained
from .sync_error import selection

_logger = get_logger(__name__)


class SyncErrorRule(models.Model):
    """An administrator's own rule of what a failure means: tried before those that
    are built in."""

    _name = "sync.error.rule"
    _inherit = ["sync.shared", "sync.bounded", "sync.ormcached"]
    _description = "Error Rule"
    _order = "sequence, id"
    _bounds = {"http_status": (0, 599)}

    sequence = fields.Integer(
        default=10, help="The first rule that matches decides, in this order."
    )
    active = fields.Boolean(default=True)
    backend_id = fields.Many2one(
        "sync.backend",
        "Pharmacy",
        ondelete="cascade",
        help="Empty: holds for all pharmacies.",
    )
    company_id = fields.Many2one(related="backend_id.company_id", store=True)
    http_status = fields.Integer(
        "HTTP Status", help="Status of the answer, such as 422. 0: any, or no answer."
    )
    code = fields.Char(
        help="Error code in the answer, such as stock_reserved. Case, blanks and "
        "hyphens make no difference. Empty: any."
    )
    pattern = fields.Char(
        help="Regular expression that is found in the first 500 characters of the "
        "message, in either case, such as (out of|no) stock. Empty: any message. "
        "Prefer a code: messages change with the language."
    )
    error_type = fields.Selection(
        selection(ErrorType),
        required=True,
        help="What it is. With it come category and severity, whether it is tried "
        "again, and what people are advised to do.",
    )

    severity = fields.Selection(selection(Severity), compute="_compute_meaning")
    retryable = fields.Boolean(
        "Tried Again",
        compute="_compute_meaning",
        help="By the retry policy of the type.",
    )
    advice = fields.Char("What to Do", compute="_compute_meaning")

    _has_condition = models.Constraint(
        "CHECK(COALESCE(http_status, 0) <> 0 OR COALESCE(code, '') <> ''"
        " OR COALESCE(pattern, '') <> '')",
        "A rule needs a status, a code or a pattern.",
    )
    _status_exists = models.Constraint(
        "CHECK(http_status = 0 OR http_status BETWEEN 100 AND 599)",
        "An HTTP status is a number from 100 to 599.",
    )

    @api.depends("http_status", "code", "pattern", "error_type")
    def _compute_display_name(self):
        types = dict(self._fields["error_type"]._description_selection(self.env))
        for rule in self:
            given = (rule.http_status, rule.code, rule.pattern)
            conditions = ", ".join(str(part) for part in given if part)
            both = conditions, types.get(rule.error_type)
            rule.display_name = ": ".join(filter(None, both)) or False

    @api.depends("error_type")
    @api.depends_context("lang")
    def _compute_meaning(self):
        """What comes with the type."""
        for rule in self:
            info = rule.error_type and TAXONOMY[ErrorType(rule.error_type)]
            rule.severity = info and str(info.severity)
            rule.retryable = bool(info and info.retryable)
            rule.advice = info and in_language(self.env, info.suggested_action)

    @api.constrains("pattern")
    def _check_pattern(self):
        for rule in self.filtered("pattern"):
            reason = patterns.problem(rule.pattern)
            if reason == patterns.TOO_COMPLEX:
                raise ValidationError(
                    self.env._(
                        "%(pattern)s could keep a worker busy for ever. Leave out "
                        "repetitions: none may stand within another, and two of any "
                        "length are enough.",
                        pattern=rule.pattern,
                    )
                )
            if reason:
                raise ValidationError(
                    self.env._(
                        "%(pattern)s is no regular expression: %(reason)s",
                        pattern=rule.pattern,
                        reason=reason,
                    )
                )

    @api.model
    def _rules(self, backend=None):
        """The rules that hold for a backend, or those that hold for all.

        :return: tuple of :class:`...core.error.classification.Rule`. Never raises:
            without the rules a failure is still classified
        """
        # Without the rules the failure is still classified, by what is built in.
        with contained(_logger.warning, "error rules could not be read"):
            return self._rules_of(backend.id if backend else False)
        return ()

    @tools.ormcache("backend_id")
    def _rules_of(self, backend_id):
        found = self.sudo().search(
            [("backend_id", "in", (False, backend_id)), ("active", "=", True)]
        )
        return tuple(
            Rule(
                ErrorType(rule.error_type),
                status=rule.http_status or None,
                code=rule.code or None,
                pattern=rule.pattern or None,
                sequence=rule.sequence,
            )
            for rule in found
        )
