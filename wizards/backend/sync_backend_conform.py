from odoo import fields, models
from odoo.exceptions import UserError

from ...client.conform import run
from ...models.base.rights import MANAGER, check_may

# Seconds: a person waits for it.
PATIENCE, SECONDS = 5.0, 45.0


class SyncBackendConform(models.TransientModel):
    """Runs the published contract against a backend's app, and shows what it keeps."""

    _name = "sync.backend.conform"
    _inherit = ["sync.bounded"]
    _description = "Contract of a Pharmacy App"

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", required=True, ondelete="cascade"
    )
    url = fields.Char(related="backend_id.url")
    paused = fields.Boolean(related="backend_id.paused")
    name = fields.Char(
        "Names Begin With",
        readonly=True,
        help="What the names of all records begin with that the check created.",
    )
    passed = fields.Boolean(readonly=True)
    left = fields.Text(
        "Not Removed",
        readonly=True,
        help="What the check created in the app and could not remove.",
    )
    finding_ids = fields.One2many(
        "sync.backend.conform.finding", "conform_id", "Findings"
    )

    def action_run(self):
        """Create, read, change and remove a few records in the app, and show what it
        keeps of the contract.

        :raises AccessError: the user is no manager
        :raises UserError: the backend is in use: what is created would be synchronised
        """
        self.ensure_one()
        self.check_access("write")
        backend = self.backend_id
        check_may(
            backend, MANAGER, self.env._("Only managers may check an app's contract.")
        )
        if not backend.paused:
            raise UserError(
                self.env._(
                    "Pause %s first. The check creates records in the app and removes "
                    "them; Odoo must not synchronise them meanwhile.",
                    backend.name,
                )
            )
        backend._check_original()
        report = run(
            backend.url.strip(),
            backend.sudo()._auth("test"),
            internal=backend.internal,
            patience=PATIENCE,
            seconds=SECONDS,
        )
        self._keep(report)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "pharmacy_sync.action_sync_backend_conform"
        )
        return {**action, "res_id": self.id}

    def _keep(self, report):
        wizard = self.sudo()
        wizard.finding_ids.unlink()
        wizard.write(
            {
                "name": report.name,
                "passed": report.passed,
                "left": "\n".join(report.left),
            }
        )
        wizard.finding_ids.create(
            [
                {
                    "conform_id": self.id,
                    "name": finding.name,
                    "title": finding.title,
                    "state": str(finding.state),
                    "why": " ".join(filter(None, (finding.why, finding.cost))),
                    "evidence": finding.evidence(),
                }
                for finding in report.findings
            ]
        )
