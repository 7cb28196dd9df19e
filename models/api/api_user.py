import secrets
from datetime import timedelta

from odoo import Command, fields, models
from odoo.exceptions import UserError

from ..base.rights import API, MANAGER, check_group, check_may

REMINDER = "pharmacy_sync.activity_key_ends"
# Days before the end of a key that its issuer is reminded of it.
REMINDED = 14


class SyncBackend(models.Model):
    """The user whose key the pharmacy app calls with: it may call the API, and nothing
    else in Odoo. A manager issues its keys, and takes them back."""

    _name = "sync.backend"
    _inherit = ["sync.backend", "mail.activity.mixin"]

    api_key_until = fields.Datetime(
        "Key Ends",
        compute="_compute_api_key_until",
        groups=MANAGER,
        help="When the last key of the API user ends.",
    )

    def _compute_api_key_until(self):
        ends = dict(
            self.env["res.users.apikeys"]
            .sudo()
            ._read_group(
                [("user_id", "in", self.user_id.ids)],
                ["user_id"],
                ["expiration_date:max"],
            )
        )
        for backend in self:
            backend.api_key_until = ends.get(backend.user_id, False)

    def action_revoke_keys(self):
        """Take back all keys of the API user.

        :raises AccessError: the user is no manager
        """
        self._check_keys()
        self._api_keys()._remove()
        self.activity_unlink([REMINDER])
        for backend in self:
            backend._message_log(body=self.env._("The API user's keys were revoked."))
        message = self.env._(
            "The pharmacy app cannot call Odoo until it has a new key."
        )
        return self._notify(self.env._("Revoked"), message)

    def _check_keys(self):
        message = self.env._("Only managers may issue and revoke API keys.")
        check_may(self, MANAGER, message)
        self.check_access("write")

    def _api_keys(self):
        own = [("user_id", "in", self.user_id.ids)]
        return self.env["res.users.apikeys"].sudo().search(own)

    def _issue_key(self, ends, revoke):
        """A new key of the API user, who is made if there is none.

        :param ends: datetime at which it ends
        :param revoke: whether earlier keys end at once
        :return: the key, which is kept nowhere
        :raises AccessError: the user is no manager
        :raises UserError: the API user may do more than call the API
        """
        self.ensure_one()
        self._check_keys()
        if not self.user_id:
            self.sudo().user_id = self._make_api_user()
        self._check_api_user()
        if revoke:
            self._api_keys()._remove()
        # As the user itself: the API's group says how long a key may last.
        keys = self.env["res.users.apikeys"].with_user(self.user_id)
        key = keys._generate("rpc", f"Pharmacy Sync: {self.name}", ends)
        self._remind(ends.date())
        self._message_log(
            body=self.env._("An API key was issued; it ends on %s.", ends.date())
        )
        return key

    def _make_api_user(self):
        return (
            self.env["res.users"]
            .sudo()
            .with_context(no_reset_password=True)
            .create(
                {
                    "name": self.env._("Pharmacy app of %s", self.name),
                    "login": f"pharmacy-sync-{self.id}-{secrets.token_hex(4)}",
                    "company_id": self.company_id.id,
                    "company_ids": [Command.set(self.company_id.ids)],
                    "group_ids": [Command.set(self.env.ref(API).ids)],
                }
            )
        )

    def _check_api_user(self):
        """A key gives all that its user may do to whoever has it."""
        user = self.user_id.sudo()
        message = self.env._("The API user must be in the group Pharmacy Sync API.")
        check_group(user.with_user(user).env, API, message)
        more = user.all_group_ids - self.env.ref(API).sudo().all_implied_ids
        if more:
            raise UserError(
                self.env._(
                    "%(user)s may do more than call the API (%(groups)s). Take it off "
                    "the backend, and a user of its own is made.",
                    user=user.name,
                    groups=", ".join(more.mapped("full_name")),
                )
            )

    def _remind(self, ends):
        """Have whoever issues the key see to a new one in time."""
        self.activity_unlink([REMINDER])
        early = ends - timedelta(days=REMINDED)
        self.activity_schedule(
            REMINDER,
            date_deadline=max(early, fields.Date.context_today(self)),
            summary=self.env._("The pharmacy app's key ends on %s", ends),
            user_id=self.env.uid,
        )
