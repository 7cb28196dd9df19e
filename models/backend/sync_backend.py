import uuid
from functools import partial
from urllib.parse import urlsplit

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.orm.models import NO_ACCESS
from odoo.tools import SQL
from odoo.tools.safe_eval import safe_eval

from ...client import PharmacyClient

MASK = "********"


class SyncBackend(models.Model):
    """One pharmacy app that this Odoo is connected to."""

    _name = "sync.backend"
    _description = "Pharmacy Backend"
    _inherit = ["mail.thread"]
    _order = "name, id"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    url = fields.Char(
        "Address",
        required=True,
        tracking=True,
        help="Address of the pharmacy app, such as https://pharmacy.example.com.",
    )
    paused = fields.Boolean(
        tracking=True,
        help="While paused nothing is sent and nothing is asked; changes are kept and "
        "go out when you resume.",
    )
    api_key = fields.Char(
        "API Key",
        compute="_compute_secrets",
        inverse="_inverse_api_key",
        help="Key that the pharmacy app gave to Odoo. It can be set, never read.",
    )
    api_key_secret = fields.Char(groups=NO_ACCESS, copy=False)
    webhook_secret = fields.Char(
        compute="_compute_secrets",
        inverse="_inverse_webhook_secret",
        help="Secret with which the pharmacy app signs its webhooks (whsec_...). "
        "It can be set, never read.",
    )
    webhook_secret_secret = fields.Char(groups=NO_ACCESS, copy=False)
    webhook_url = fields.Char("Webhook Address", compute="_compute_webhook_url")
    user_id = fields.Many2one(
        "res.users",
        "API User",
        copy=False,
        help="User whose API key the pharmacy app calls Odoo with.",
    )
    connect_timeout = fields.Float(
        default=5.0, help="Seconds to wait for a connection."
    )
    read_timeout = fields.Float(
        default=20.0, help="Seconds of silence borne while an answer is awaited."
    )
    deadline = fields.Float(
        default=60.0, help="Seconds that one call may take as a whole."
    )
    stream_ids = fields.One2many("sync.stream", "backend_id", "Streams")
    breaker_ids = fields.One2many("sync.breaker", "backend_id", "Breakers")
    pool_ids = fields.One2many("sync.pool", "backend_id", "Pools")
    operation_count = fields.Integer(compute="_compute_counts", string="In Queue")
    dead_count = fields.Integer(compute="_compute_counts", string="Dead Letters")
    conflict_count = fields.Integer(compute="_compute_counts", string="Conflicts")

    _user_uniq = models.UniqueIndex(
        "(user_id) WHERE user_id IS NOT NULL",
        "A user can call in for one backend only.",
    )
    _timeouts_positive = models.Constraint(
        "CHECK(connect_timeout > 0 AND read_timeout > 0 AND deadline > 0)",
        "Timeouts are to be above zero.",
    )

    @api.constrains("url")
    def _check_url(self):
        for backend in self:
            parts = urlsplit(backend.url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValidationError(
                    self.env._(
                        "The address of %(backend)s is to begin with http:// or "
                        "https:// and name a host: %(url)s",
                        backend=backend.name,
                        url=backend.url,
                    )
                )

    @api.depends("api_key_secret", "webhook_secret_secret")
    def _compute_secrets(self):
        for backend in self:
            secrets = backend.sudo()
            backend.api_key = MASK if secrets.api_key_secret else False
            backend.webhook_secret = MASK if secrets.webhook_secret_secret else False

    def _inverse_api_key(self):
        for backend in self.filtered(lambda b: b.api_key != MASK):
            backend.sudo().api_key_secret = backend.api_key

    def _inverse_webhook_secret(self):
        for backend in self.filtered(lambda b: b.webhook_secret != MASK):
            backend.sudo().webhook_secret_secret = backend.webhook_secret

    def _compute_webhook_url(self):
        for backend in self:
            backend.webhook_url = (
                f"{backend.get_base_url()}/pharmacy_sync/webhook/{backend.id}"
            )

    def _compute_counts(self):
        queued = ("pending", "running", "waiting")
        counts = {
            (backend.id, state): count
            for backend, state, count in self.env["sync.operation"]._read_group(
                [("backend_id", "in", self.ids), ("state", "in", (*queued, "dead"))],
                ["backend_id", "state"],
                ["__count"],
            )
        }
        conflicts = dict(
            self.env["sync.conflict"]._read_group(
                [("backend_id", "in", self.ids), ("state", "=", "open")],
                ["backend_id"],
                ["__count"],
            )
        )
        for backend in self:
            backend.operation_count = sum(
                counts.get((backend.id, state), 0) for state in queued
            )
            backend.dead_count = counts.get((backend.id, "dead"), 0)
            backend.conflict_count = conflicts.get(backend, 0)

    @api.model_create_multi
    def create(self, vals_list):
        backends = super().create(vals_list)
        backends._create_parts()
        return backends

    def write(self, vals):
        result = super().write(vals)
        if {"active", "company_id"} & vals.keys():
            self.env.registry.clear_cache()
        if vals.get("paused") is False or vals.get("active"):
            self._schedule_push()
        return result

    def unlink(self):
        # Its streams go with it, in the database, and are known no longer.
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    def _create_parts(self):
        """Streams, breakers and pools that a backend begins with."""
        # Their history is not a person's to begin: nobody may create them by hand.
        Breaker = self.env["sync.breaker"].sudo()
        Breaker.create(
            [values for backend in self for values in Breaker._defaults(backend)]
        )
        Pool = self.env["sync.pool"].sudo()
        Pool.create(
            [
                values
                for backend in self - self.pool_ids.backend_id
                for values in Pool._defaults(backend)
            ]
        )
        entities = self.env["sync.entity"]._entities()
        self.env["sync.stream"].create(
            [
                {"backend_id": backend.id, "entity": entity}
                for backend in self
                for entity in entities
                if entity not in backend.stream_ids.mapped("entity")
            ]
        )

    # -- Actions ----------------------------------------------------------------------

    def action_test_connection(self):
        """Ask the pharmacy app for its health, with the stored key."""
        self.ensure_one()
        correlation_id = uuid.uuid4().hex
        try:
            self._client("test").changes("suppliers", None, 1, correlation_id)
        except Exception as exc:
            # Whatever keeps the app from being used: who asked reads it.
            Error = self.env["sync.error"]
            error = Error._classify(exc, self)
            raise UserError(
                self.env._(
                    "The pharmacy app at %(url)s cannot be used. %(why)s\n"
                    "Correlation id: %(correlation_id)s",
                    url=self.url,
                    why=Error._explain(error),
                    correlation_id=correlation_id,
                )
            ) from exc
        return self._notify(
            self.env._("Connected"),
            self.env._("The pharmacy app answers and accepts the key."),
        )

    def action_synchronise(self):
        """Push and pull as soon as the job runner is free."""
        self._schedule_push()
        self._schedule_pull()
        return self._notify(
            self.env._("Under way"),
            self.env._("Changes of both sides are being carried over."),
        )

    def action_send_all(self):
        """Look at every record of Odoo that belongs here and send what differs."""
        self.check_access("write")
        self.ensure_one()
        for stream in self._as_runner().stream_ids.filtered("pushes").sorted("rank"):
            adapter = stream._adapter()
            records = (
                stream.env[stream.res_model]
                .with_context(active_test=False)
                .search(adapter._domain(stream.backend_id))
            )
            stream.env["sync.operation"]._request_push(
                stream, dict.fromkeys(records.ids, uuid.uuid4().hex)
            )
        self._schedule_push()
        return self.action_synchronise()

    def action_view_operations(self):
        return self._action("action_sync_operation")

    def action_view_dead_letters(self):
        return self._action("action_sync_dead_letter")

    def action_view_conflicts(self):
        return self._action("action_sync_conflict")

    def _action(self, name):
        action = self.env["ir.actions.act_window"]._for_xml_id(f"pharmacy_sync.{name}")
        own = Domain("backend_id", "in", self.ids)
        action["domain"] = list(Domain(safe_eval(action["domain"] or "[]")) & own)
        return action

    def _notify(self, title, message):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": title,
                "message": message,
                "type": "success",
                # The page is read again: what it counts has changed.
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    # -- Calls and jobs ---------------------------------------------------------------

    def _client(self, operation, pool=None, wait=False):
        """A client for this backend's app whose every call is guarded.

        :param operation: kind of operation, for the breaker and the log
        :param pool: name of the pool that bounds how many are under way
        :param wait: whether to wait for a slot of the pool, as it allows
        """
        self.ensure_one()
        return PharmacyClient(
            (self.env.cr.dbname, self.id),
            self.url.rstrip("/"),
            self.sudo().api_key_secret or "",
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            deadline=self.deadline,
            guard=partial(self.sudo()._guard, operation, pool, wait),
        )

    def _as_runner(self):
        """The backend as jobs see it: superuser, in the backend's company."""
        self.ensure_one()
        return (
            self.with_user(SUPERUSER_ID)
            .with_company(self.company_id)
            .with_context(allowed_company_ids=self.company_id.ids)
        )

    def _schedule_push(self, eta=None):
        """Have the job runner push what is due.

        One job a transaction is enough. Transactions do not share a job: one that
        had already started would not see what the later transaction wrote.

        :param eta: not before this datetime (UTC); falsy: at once
        """
        ((xid,),) = self.env.execute_query(SQL("SELECT pg_current_xact_id()::text"))
        for backend in self.filtered(lambda b: b.active and not b.paused):
            key = f"pharmacy_sync push {backend.id} {xid} {eta or ''}"
            backend._as_runner().with_delay(
                eta=eta or None,
                identity_key=key,
                description=self.env._("Push to %s", backend.name),
            )._job_push()

    def _schedule_pull(self, eta=None):
        """Have the job runner read the app's changes, not before ``eta`` (UTC).

        A job that still waits for its turn serves: it will read to the end.
        """
        for backend in self.filtered(lambda b: b.active and not b.paused):
            backend._as_runner().with_delay(
                eta=eta or None,
                identity_key=f"pharmacy_sync pull {backend.id} {eta or ''}",
                description=self.env._("Pull from %s", backend.name),
            )._job_pull()

    def _mapped_pairs(self, entity, res_ids, external_ids):
        """``(res_id, external_id)`` of mappings found by either."""
        self.ensure_one()
        return self.env.execute_query(
            SQL(
                """SELECT m.res_id, m.external_id FROM sync_mapping m
                    JOIN sync_stream s ON s.id = m.stream_id
                    WHERE s.backend_id = %s AND s.entity = %s
                      AND m.res_id IS NOT NULL AND m.external_id IS NOT NULL
                      AND (m.res_id = ANY(%s) OR m.external_id = ANY(%s))""",
                self.id,
                entity,
                list(res_ids),
                list(external_ids),
            )
        )
