import pytz

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.base.models.res_partner import _tz_get

from ...core.analytics.period import last_whole
from ...core.secrets.logs import get_logger
from ..base.alone import contained
from ..base.own_transaction import apart
from ..base.rights import MANAGER, check_may
from .sync_statistics import CUSTOM, midnight

_logger = get_logger(__name__)


class SyncReportSchedule(models.Model):
    """A report that is mailed by itself, once for each day, week or month.

    Up to when it has been reported is written in the transaction that puts the mail in
    Odoo's queue: a worker that is killed before has reported nothing, and of two that
    meet one finds the other's. Days that passed while Odoo was not there are not
    reported later, but for the last whole day, week or month.
    """

    _name = "sync.report.schedule"
    _inherit = ["sync.bounded"]
    _description = "Report by Mail"
    _order = "name, id"

    name = fields.Char(
        required=True, translate=True, default=lambda self: self.env._("Pharmacy Sync")
    )
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    backend_id = fields.Many2one(
        "sync.backend",
        "Pharmacy",
        ondelete="cascade",
        check_company=True,
        help="Empty: all pharmacies of the company.",
    )
    frequency = fields.Selection(
        [("daily", "Daily"), ("weekly", "Weekly"), ("monthly", "Monthly")],
        "Every",
        required=True,
        default="weekly",
        help="Weeks begin on Monday, months on the first.",
    )
    tz = fields.Selection(
        _tz_get,
        "Time Zone",
        required=True,
        default=lambda self: self.env.user.tz or "UTC",
        help="Days begin at midnight here.",
    )
    partner_ids = fields.Many2many(
        "res.partner",
        string="Recipients",
        required=True,
        help="Each gets it in their own language.",
    )
    reported_until = fields.Date(
        compute="_compute_reported_until",
        store=True,
        help="The first day of which no report has been sent yet.",
    )
    sent_at = fields.Datetime("Last Sent", readonly=True, copy=False)

    _check_company_auto = True

    @api.depends("frequency", "tz")
    def _compute_reported_until(self):
        """A new schedule begins with the day, week or month that is under way."""
        for schedule in self:
            if schedule.frequency and schedule.tz:
                schedule.reported_until = schedule._last_whole()[1]

    def _last_whole(self):
        now = pytz.utc.localize(fields.Datetime.now())
        today = now.astimezone(pytz.timezone(self.tz)).date()
        return last_whole(self.frequency, today)

    def action_send_now(self):
        """Mail the report of the last whole day, week or month, whether that has been
        done before or not."""
        self._check_manager()
        for schedule in self:
            if not schedule._send(*schedule._last_whole()):
                raise UserError(
                    self.env._("There is no backend to report on, or no recipient.")
                )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("The report is in the queue of outgoing mails."),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _check_manager(self):
        message = self.env._("Only managers may send reports by mail.")
        check_may(self, MANAGER, message)

    @api.model
    def _cron_send(self):
        """Scheduled: mail the reports that are due, each in its own transaction."""
        with self.env["sync.error"]._watch_over("scheduled reports"):
            for schedule in self.search([("active", "=", True)]):
                schedule._try_sending()

    def _try_sending(self):
        # The others are sent; this one is due still, and tried again with the next run.
        with contained(_logger.warning, "Report %s was not sent", self.id) as failure:
            apart(self._send_due)
        if failure:
            self.env["sync.error"]._record(
                failure.error,
                operation="report",
                backend_id=self.backend_id.id,
                context={"schedule": self.id},
            )

    def _send_due(self):
        """Mail the report of the last whole day, week or month, unless it has been."""
        if not self.try_lock_for_update():
            return
        first, after = self._last_whole()
        if self.reported_until and after <= self.reported_until:
            # A day that is still to come is of a clock that was ahead.
            self.reported_until = after
            return
        self.reported_until = after
        self._send(first, after)

    def _send(self, first, after):
        """Put one mail for each language of the recipients in the queue.

        :param first, after: dates: the first day, and the one after the last
        :return: the mails
        """
        self.ensure_one()
        backends = self.backend_id or self.env["sync.backend"].search(
            [("company_id", "=", self.company_id.id)]
        )
        mails = self.env["mail.mail"].sudo()
        # Without one the report would be of all that this user may see.
        if not backends:
            return mails
        zone = pytz.timezone(self.tz)
        values = {
            "range": CUSTOM,
            "start": midnight(first, zone),
            "end": midnight(after, zone),
            "backend_ids": [Command.set(backends.ids)],
        }
        for lang, partners in self.partner_ids.grouped("lang").items():
            lang = lang or self.env.user.lang
            report = (
                self.with_context(lang=lang, tz=self.tz)
                .with_company(self.company_id)
                .env["sync.report"]
                .create(values)
            )
            mails += self._mail(report, partners)
        self.sent_at = fields.Datetime.now()
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
        return mails

    def _mail(self, report, partners):
        pdf = self._pdf(report)
        title = f"{self.with_env(report.env).name}: {report.display_name}"
        body = report.env["ir.qweb"]._render(
            "pharmacy_sync.report_mail", {"doc": report, "title": title, "pdf": pdf}
        )
        mail = (
            self.env["mail.mail"]
            .sudo()
            .create(
                {
                    "subject": title,
                    "body_html": body,
                    "email_from": self.company_id.email_formatted
                    or self.env.user.email_formatted,
                    "recipient_ids": [Command.set(partners.ids)],
                    "auto_delete": True,
                }
            )
        )
        if pdf:
            mail.attachment_ids = [
                Command.create(
                    {
                        "name": f"{report.display_name}.pdf",
                        "raw": pdf,
                        "mimetype": "application/pdf",
                        # Removed together with the mail.
                        "res_model": "mail.message",
                        "res_id": mail.mail_message_id.id,
                    }
                )
            ]
        return mail

    def _pdf(self, report):
        """The report as a PDF (bytes); None where this server cannot make one."""
        Report = report.env["ir.actions.report"]
        if Report.get_wkhtmltopdf_state() not in ("ok", "upgrade"):
            return None
        try:
            content, kind = Report._render_qweb_pdf(
                "pharmacy_sync.report_statistics", report.ids
            )
        except UserError:
            _logger.warning("The report could not be made a PDF", exc_info=True)
            return None
        return content if kind == "pdf" else None
