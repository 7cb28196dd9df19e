from odoo import api, fields, models

from ...models.analytics.sync_statistics import SEVERITIES

# The first figures: where they stand, and their names.
HEADLINE = (
    (
        *(("totals", "errors"), ("totals", "calls")),
        *(("rates", "success"), ("rates", "failure")),
    ),
    (
        *(("totals", "done"), ("totals", "dead")),
        *(("rates", "recovery"), ("rates", "retry_success")),
    ),
)
# Pixels of the highest bar of the trend.
BAR_HEIGHT = 90
# Times that are written below the bars, about so many.
LABELS = 6


class SyncReport(models.TransientModel):
    """A report of a range: asked for by a person, or made for a scheduled mail."""

    _name = "sync.report"
    _inherit = ["sync.bounded"]
    _description = "Report of Synchronisation"

    range = fields.Selection(
        [
            ("1h", "Last hour"),
            ("24h", "Last 24 hours"),
            ("7d", "Last 7 days"),
            ("30d", "Last 30 days"),
            ("custom", "Chosen dates"),
        ],
        required=True,
        default="7d",
    )
    start = fields.Datetime("From")
    end = fields.Datetime("To", help="Whole hours are counted.")
    backend_ids = fields.Many2many(
        "sync.backend", string="Backends", help="None: all of them."
    )

    def _compute_display_name(self):
        for report in self:
            period = report._period()
            start, end = (
                fields.Datetime.context_timestamp(report, moment).strftime("%Y-%m-%d")
                for moment in (period.start, period.end)
            )
            report.display_name = self.env._(
                "Pharmacy Sync %(start)s to %(end)s", start=start, end=end
            )

    def action_show(self):
        """Show the report as a page."""
        return {**self._action(), "report_type": "qweb-html"}

    def action_print(self):
        """Get the report as a PDF."""
        return self._action()

    def _action(self):
        self.ensure_one()
        # Here the dialog shows a wrong range; the report's page would not.
        self._period()
        report = self.env.ref("pharmacy_sync.action_report_statistics")
        return report.report_action(self, config=False)

    @api.onchange("range")
    def _onchange_range(self):
        """The dates begin as those of the range that was chosen before."""
        if self.range == "custom" and not self.start:
            period = self.env["sync.statistics"]._period("7d")
            self.start, self.end = period.start, period.end

    def _period(self):
        self.ensure_one()
        return self.env["sync.statistics"]._period(self.range, self.start, self.end)

    # -- What the templates ask for ---------------------------------------------------

    def _figures(self):
        """What the report shows; see ``sync.statistics``."""
        self.ensure_one()
        return self.env["sync.statistics"].data(
            self.backend_ids.ids, self.range, self.start, self.end
        )

    def _moment(self, moment):
        """A time of the figures as the reader's clock shows it."""
        return fields.Datetime.to_datetime(moment)

    def _headline(self, figures):
        """The first figures, in two rows.

        :return: lists of dicts of ``label``, ``value``, ``before`` and ``percent``
        """
        labels = {
            "errors": self.env._("Errors"),
            "calls": self.env._("Calls"),
            "success": self.env._("Successful calls"),
            "failure": self.env._("Calls that fail"),
            "done": self.env._("Operations done"),
            "dead": self.env._("Operations that died"),
            "recovery": self.env._("Failed operations that recovered"),
            "retry_success": self.env._("Retries that succeed"),
        }
        return [
            [
                {
                    "label": labels[name],
                    "value": figures[part][name],
                    "before": figures["before"][part][name],
                    "percent": part == "rates",
                }
                for part, name in row
            ]
            for row in HEADLINE
        ]

    def _bars(self, trend):
        """The trend as bars.

        :return: ``most``, the number of errors of the highest; ``bars``, each with
            ``title`` and ``parts``: (severity, pixels) from the top; ``labels``:
            (text, number of bars it stands below)
        """
        errors = trend["errors"]
        sums = [sum(counts) for counts in zip(*errors.values(), strict=True)]
        most = max(sums)
        slots = [
            fields.Datetime.context_timestamp(self, self._moment(slot))
            for slot in trend["slots"]
        ]
        form = "%H:%M" if len(slots) <= 24 else "%m-%d"
        every = -(-len(slots) // LABELS)
        return {
            "most": most,
            "bars": [
                {
                    "title": f"{slot:%Y-%m-%d %H:%M}: {total}",
                    "parts": [
                        (severity, -(-errors[severity][n] * BAR_HEIGHT // most))
                        for severity in reversed(SEVERITIES)
                        if errors[severity][n]
                    ],
                }
                for n, (slot, total) in enumerate(zip(slots, sums, strict=True))
            ],
            "labels": [
                (f"{slots[n]:{form}}", min(every, len(slots) - n))
                for n in range(0, len(slots), every)
            ],
        }
