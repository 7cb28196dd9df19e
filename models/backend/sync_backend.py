from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.safe_eval import safe_eval

from ...entities.neutral import SOURCE_LANG, neutral
from ...entities.sentence import Sentence
from ..base.actions import offer_undo
from ..base.rights import OPERATOR, check_may
from .auth.sync_auth import CONNECTING, RECEIVING


class SyncBackend(models.Model):
    """One pharmacy app that this Odoo is connected to."""

    _name = "sync.backend"
    _description = "Pharmacy Backend"
    _inherit = ["sync.bounded", "sync.auth", "mail.thread"]
    _order = "name, id"
    _check_company_auto = True
    _bounds = {
        "connect_timeout": (0.1, 300),
        "read_timeout": (0.1, 600),
        "deadline": (0.1, 3600),
        "answer_limit": (1, 512),
    }

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    lang = fields.Selection(
        "_select_lang",
        "Language of Names",
        required=True,
        default=lambda self: self._company_lang(self.env.company),
        tracking=True,
        help="What Odoo has in several languages, such as the name of a product, "
        "travels in this one: that text is sent, and an arriving one is written in it. "
        "Translations into other languages stay in Odoo as they are; a change of one "
        "sends nothing. Once records are linked it can be changed only if none of "
        "them has another name in the new language.",
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
    pause_reason = Sentence("Paused Because", readonly=True, help="Without a person.")
    refused_at = fields.Datetime(
        "Key Refused",
        readonly=True,
        copy=False,
        tracking=True,
        help="When the pharmacy app refused Odoo's key. Since then nothing is sent and "
        "nothing is asked; changes are kept, and go out once a connection test has "
        "succeeded.",
    )
    rests_since = fields.Datetime(
        readonly=True, copy=False, help="Since when it is paused, or its key refused."
    )
    maintenance_ids = fields.One2many("sync.maintenance", "backend_id")
    maintained = fields.Boolean(
        "Under Maintenance",
        readonly=True,
        copy=False,
        help="Work on the app is going on as planned: changes wait, and go out by "
        "themselves when it is over.",
    )
    webhook_url = fields.Char("Webhook Address", compute="_compute_webhook_url")
    user_id = fields.Many2one(
        "res.users",
        "API User",
        copy=False,
        check_company=True,
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
    answer_limit = fields.Integer(
        "Longest Answer",
        default=32,
        help="Megabytes of an answer of the pharmacy app that are read, unpacked. A "
        "longer one is refused.",
    )
    stream_ids = fields.One2many("sync.stream", "backend_id", "Streams")
    epoch = fields.Integer(
        readonly=True,
        copy=False,
        help="How often the pharmacy app was set back to an earlier state: versions of "
        "an earlier epoch mean nothing.",
    )
    read_until = fields.Char(
        readonly=True,
        copy=False,
        help="Time of the latest change that was read before the app was set back, by "
        "the app's clock.",
    )
    set_back_at = fields.Datetime(
        "Set Back",
        readonly=True,
        copy=False,
        help="When Odoo noticed that the pharmacy app was set back to an earlier "
        "state; empty once both sides were compared and repaired.",
    )
    set_back_reason = Sentence("Noticed By", readonly=True, copy=False)
    connection_number = fields.Integer(
        readonly=True,
        copy=False,
        help="Each worker connects anew once this is another number.",
    )
    _user_uniq = models.UniqueIndex(
        "(user_id) WHERE user_id IS NOT NULL",
        "A user can call in for one backend only.",
    )
    _timeouts_positive = models.Constraint(
        "CHECK(connect_timeout > 0 AND read_timeout > 0 AND deadline > 0)",
        "Timeouts must be above zero.",
    )

    _answer_limit_positive = models.Constraint(
        "CHECK(answer_limit BETWEEN 1 AND 512)",
        "Answers of 1 to 512 megabytes can be read.",
    )

    @api.model
    def _select_lang(self):
        return self.env["res.lang"].get_installed()

    @api.model
    def _company_lang(self, company):
        """The language of a company, as far as it is in use."""
        installed = dict(self._select_lang())
        wanted = (company.partner_id.lang, SOURCE_LANG, *installed)
        return next(lang for lang in wanted if lang in installed)

    def _init_column(self, column_name):
        # Backends from before there was a choice spoke English.
        if column_name == "lang" and SOURCE_LANG in dict(self._select_lang()):
            self.env.cr.execute(
                SQL("UPDATE sync_backend SET lang = %s WHERE lang IS NULL", SOURCE_LANG)
            )
        return super()._init_column(column_name)

    @api.onchange("company_id")
    def _onchange_company_id(self):
        if not self._origin:
            self.lang = self._company_lang(self.company_id)

    def _compute_webhook_url(self):
        for backend in self:
            backend.webhook_url = (
                f"{backend.get_base_url()}/pharmacy_sync/webhook/{backend.id}"
            )

    @api.model_create_multi
    def create(self, vals_list):
        Company = self.env["res.company"]
        vals_list = [
            {"lang": self._company_lang(Company.browse(vals["company_id"])), **vals}
            if vals.get("company_id")
            else vals
            for vals in vals_list
        ]
        backends = super().create(vals_list)
        backends._keep_origin()
        backends._create_parts()
        return backends

    def write(self, vals):
        self.check_access("write")
        if RECEIVING & vals.keys():
            self._keep_keys_here(vals)
        if "lang" in vals:
            self.filtered(lambda b: b.lang != vals["lang"])._check_lang(vals["lang"])
        if vals.get("paused") is False:
            vals = {"pause_reason": False, **vals}
        moved = self.filtered(lambda b: vals.get("url", b.url) != b.url)
        resting = self.filtered(lambda backend: backend._rests())
        result = super().write(vals)
        moved._keep_origin()
        if {"active", "company_id"} & vals.keys():
            self.env.registry.clear_cache()
        if {"paused", "refused_at", "maintained"} & vals.keys():
            self._note_rest(resting)
        if vals.get("paused") is False or vals.get("active"):
            self._schedule_push()
        if CONNECTING & vals.keys():
            self._connection_changed()
        return result

    def _rests(self):
        """Whether nothing is sent and nothing is asked: a person has paused it, the app
        refuses its key, or work on it is planned for now."""
        return self.paused or bool(self.refused_at) or self.maintained

    @api.model
    def _at_work(self):
        """Backends with which something is exchanged now."""
        backends = self.search(
            [
                ("active", "=", True),
                ("paused", "=", False),
                ("refused_at", "=", False),
                ("maintained", "=", False),
            ]
        )
        return backends.filtered(lambda backend: backend._is_at_work())

    def _note_rest(self, resting):
        """:param resting: those of these that have rested before"""
        resting_now = self.filtered(lambda backend: backend._rests())
        (resting_now - resting).sudo().rests_since = fields.Datetime.now()
        for backend in (resting - resting_now).sudo():
            if backend.rests_since:
                backend._stood_still(backend.rests_since)
            backend.rests_since = False

    def _follow_maintenance(self):
        """Rest while maintenance is going on, and go on after it."""
        for backend in self.sudo():
            states = backend.maintenance_ids.mapped("state")
            backend.maintained = "running" in states
        on = self.sudo().filtered(lambda backend: not backend.maintained)
        on._schedule_push()
        on._schedule_pull()

    def _stood_still(self, since, operation=None):
        """No work was done since that time. Rooms above add what follows.

        :param operation: the kind of work; None: any
        """

    def _connection_changed(self):
        """The app is reached in another way now. Rooms above add what follows."""

    def unlink(self):
        # Its streams go with it, in the database, and are known no longer.
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    def _create_parts(self):
        """What a backend begins with: its streams. Rooms above add theirs."""
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

    def action_pause(self):
        """Send nothing and read nothing until it is resumed; changes are kept.

        :raises AccessError: the user is no manager
        """
        self.paused = True
        message = self.env._("Paused: changes are kept until it is resumed.")
        return offer_undo(self, "action_resume", message)

    def action_archive(self):
        super().action_archive()
        message = self.env._("Archived: nothing is exchanged any more.")
        return offer_undo(self, "action_unarchive", message)

    def action_resume(self):
        """Have what was kept go out, and read on.

        :raises AccessError: the user is no manager
        """
        self.paused = False
        return True

    def _check_operator(self):
        message = self.env._("Only operators may synchronise or test a connection.")
        check_may(self, OPERATOR, message)

    def _action(self, name):
        self.check_access("read")
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

    def _as_runner(self):
        """The backend as jobs see it: superuser, in the neutral environment."""
        self.ensure_one()
        return neutral(self.with_user(SUPERUSER_ID), self)

    def _schedule_push(self, eta=None):
        """Have the job runner push what is due.

        One job a transaction is enough. Transactions do not share a job: one that
        had already started would not see what the later transaction wrote.

        :param eta: not before this datetime (UTC); falsy: at once
        """
        ((xid,),) = self.env.execute_query(SQL("SELECT pg_current_xact_id()::text"))
        for backend in self.filtered(lambda b: b._is_at_work()):
            key = f"{backend._push_key()}{xid} {eta or ''}"
            backend._as_runner().with_delay(
                eta=eta or None,
                identity_key=key,
                description=self.env._("Send to %s", backend.name),
            )._job_push()

    def _push_key(self):
        """How the identity keys of the backend's push jobs begin."""
        return f"pharmacy_sync push {self.id} "

    def _schedule_pull(self, eta=None, key=None):
        """Have the job runner read the app's changes, not before ``eta`` (UTC). A job
        that still waits for its turn serves: it will read to the end.

        :param key: a job with this key serves; by default one with the same time
        """
        for backend in self.filtered(lambda b: b._is_at_work()):
            backend._as_runner().with_delay(
                eta=eta or None,
                identity_key=f"pharmacy_sync pull {backend.id} {key or eta or ''}",
                description=self.env._("Read from %s", backend.name),
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
