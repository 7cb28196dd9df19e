import base64
import secrets
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.orm.models import NO_ACCESS

from ....core.backend.address import host, origin
from ....core.event.delivery import rest
from ....core.event.signature import PREFIX, sign
from ....core.exceptions import ConfigurationError, SecretSealedError
from ....core.secrets.sealing import is_sealed, seal, unseal
from ....entities.sentence import Sentence, in_language
from ...base.actions import open_records
from ...base.own_transaction import no_transaction
from ...base.rights import MANAGER, OPERATOR, check_may
from ...base.sync_retry_policy import after

MASK = "********"
SEALED = ("address", "secret", "secret_previous")


class SyncReceiver(models.AbstractModel):
    """Something outside that gets deliveries (``sync.delivery``): where it is, what it
    is addressed and signed with, and how it does.

    A model of receivers says what a delivery carries (:meth:`_compose`) and by which
    road it goes (:meth:`_carry`).
    """

    _name = "sync.receiver"
    _inherit = ["sync.bounded"]
    _description = "Receiver of Deliveries"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    address = fields.Char(
        compute="_compute_sealed",
        inverse="_inverse_address",
        help="Where it is sent to. It may hold a key, so it can be set, never read.",
    )
    address_secret = fields.Char(groups=NO_ACCESS, copy=False)
    place = fields.Char(
        "Sent To", compute="_compute_place", help="The host in the address."
    )
    secret = fields.Char(
        compute="_compute_sealed",
        inverse="_inverse_secret",
        help="Key of the receiver, or the secret that signs (whsec_...). It can be "
        "set, never read.",
    )
    secret_secret = fields.Char(groups=NO_ACCESS, copy=False)
    secret_previous_secret = fields.Char(groups=NO_ACCESS, copy=False)
    changing_secret = fields.Boolean(
        compute="_compute_sealed", help="The earlier secret signs as well still."
    )
    internal = fields.Boolean(
        "Internal Address Allowed",
        compute="_compute_internal",
        inverse="_inverse_internal",
        compute_sudo=True,
        help="Whether it may be inside of your own network. An administrator allows it "
        "for this host; another one must be allowed anew.",
    )
    internal_host = fields.Char(groups="base.group_system", copy=False)
    failures = fields.Integer(
        "Failed in a Row", readonly=True, copy=False, help="Attempts."
    )
    rests_until = fields.Datetime(
        readonly=True,
        copy=False,
        help="It failed, or asked to wait: nothing is sent before.",
    )
    last_arrived_at = fields.Datetime("Last Arrived", readonly=True, copy=False)
    stopped_because = Sentence(
        readonly=True, copy=False, help="Why it was switched off without a person."
    )

    @api.depends(*(f"{name}_secret" for name in SEALED))
    def _compute_sealed(self):
        for receiver in self:
            kept = receiver.sudo()
            receiver.address = MASK if kept.address_secret else False
            receiver.secret = MASK if kept.secret_secret else False
            receiver.changing_secret = bool(kept.secret_previous_secret)

    def _compute_place(self):
        for receiver in self:
            parts = urlsplit(receiver._readable_target())
            receiver.place = parts.hostname and f"{parts.scheme}://{parts.hostname}"

    @api.depends("address_secret", "internal_host")
    def _compute_internal(self):
        for receiver in self:
            known = receiver.internal_host
            receiver.internal = bool(known) and (
                known == host_of(receiver._readable_target())
            )

    def _inverse_internal(self):
        for receiver in self:
            # What was entered: to allow it is what makes it the target of a key that
            # the server's settings hold.
            entered = receiver._readable("address") or receiver._readable_target()
            receiver.internal_host = receiver.internal and host_of(entered)

    def _inverse_address(self):
        for receiver in self.filtered(lambda r: r.address != MASK):
            address = (receiver.address or "").strip()
            if address and not origin_of(address):
                raise ValidationError(
                    self.env._(
                        "Write the address with http:// or https:// and the name of "
                        "the host."
                    )
                )
            receiver._seal("address", address)
            receiver.sudo().write({"rests_until": False, "failures": 0})

    def _inverse_secret(self):
        for receiver in self.filtered(lambda r: r.secret != MASK):
            secret = (receiver.secret or "").strip()
            if secret and is_sealed(secret):
                raise ValidationError(
                    self.env._("This is an encrypted secret. Enter the secret itself.")
                )
            if secret and receiver._signs():
                receiver._check_signs(secret)
            receiver._seal("secret", secret)

    def _sends_key(self):
        """Whether the secret travels to the receiver."""
        return False

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([_in_order(vals) for vals in vals_list])

    def write(self, vals):
        if vals.get("active"):
            vals = {**vals, "stopped_because": False, "rests_until": False}
        before = {receiver.id: receiver._whose_key() for receiver in self}
        result = super().write(_in_order(vals))
        if vals.get("secret", MASK) == MASK:
            # A key goes to the receiver that it was entered for, and to no other.
            moved = self.filtered(lambda r: r._whose_key() != before[r.id])
            moved.filtered(lambda r: r._sends_key())._seal("secret", False)
        return result

    def _whose_key(self):
        """What a key belongs to, if it is one that travels."""
        if not self._sends_key():
            return None
        return origin_of(self._readable_target())

    def _check_signs(self, secret):
        try:
            sign(secret, "test", 0, b"")
        except ConfigurationError as exc:
            raise ValidationError(
                self.env._("A secret that signs is whsec_ and a key in base64.")
            ) from exc

    def _signs(self):
        """Whether the secret is one that signs messages."""
        return True

    def _seal(self, name, value):
        keys = self.env["sync.backend"]._encryption_keys()
        for receiver in self.sudo():
            receiver[f"{name}_secret"] = value and seal(value, keys)

    def _unsealed(self, name):
        """What is kept under a name, in clear text, for the moment of its use.

        :raises SecretSealedError: it cannot be decrypted
        """
        self.ensure_one()
        kept = self.sudo()[f"{name}_secret"]
        return unseal(kept, self.env["sync.backend"]._encryption_keys()) if kept else ""

    def _target(self):
        """The address that is used."""
        return self._unsealed("address")

    def _readable(self, name):
        """The same; an empty text if it cannot be decrypted."""
        try:
            return self._unsealed(name)
        except SecretSealedError:
            return ""

    def _readable_target(self):
        try:
            return self._target()
        except SecretSealedError:
            return ""

    def _signing(self):
        """The secrets that sign now, the present one first."""
        found = (self._unsealed("secret"), self._unsealed("secret_previous"))
        return [secret for secret in found if secret]

    # -- Actions ----------------------------------------------------------------------

    def action_new_secret(self):
        """Make a new secret and show it, this once. The earlier one signs as well until
        it is ended.

        :raises AccessError: the user is no manager
        """
        check_may(self, MANAGER, self.env._("Only managers may change secrets."))
        self.ensure_one()
        secret = new_secret()
        self._seal("secret_previous", self._unsealed("secret"))
        self._seal("secret", secret)
        return {
            "type": "ir.actions.act_window",
            "res_model": "res.users.apikeys.show",
            "name": self.env._("Signing Secret"),
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_key": secret},
        }

    def action_end_previous_secret(self):
        """The receiver knows the new secret: only that signs from now on."""
        check_may(self, MANAGER, self.env._("Only managers may change secrets."))
        self.sudo().secret_previous_secret = False
        return True

    def action_send_test(self):
        """Send a test, and say what the receiver answered.

        :raises AccessError: the user is no operator
        :raises UserError: it did not arrive
        """
        check_may(self, OPERATOR, self.env._("Only operators may send a test."))
        self.ensure_one()
        # What was read so far is older than the delivery that is made now.
        with no_transaction(self.env.cr):
            delivery = self.env["sync.delivery"].sudo()._try_test(self)
        if delivery.state != "arrived":
            raise UserError(
                self.env._(
                    "%(name)s did not get it. %(why)s",
                    name=self.name,
                    why=in_language(self.env, delivery.answer),
                )
            )
        message = self.env._("It arrived")
        answer = in_language(self.env, delivery.answer)
        return self.env["sync.backend"]._notify(message, answer)

    def action_view_deliveries(self):
        """What was sent to these, and what is on its way."""
        self.check_access("read")
        own = [(self._delivery_field(), "in", self.ids)]
        return open_records(self.env, "action_sync_delivery", own)

    # -- For the engine ---------------------------------------------------------------

    @api.model
    def _delivery_field(self):
        """Name of the field of ``sync.delivery`` that refers to this model."""
        raise NotImplementedError

    def _missing(self):
        """What keeps it from being used, in words; None: nothing does."""
        return None

    def _compose(self, delivery):
        """What a delivery carries, as JSON: made once, the same at each attempt."""
        raise NotImplementedError

    def _carry(self, message):
        """Carry it there, with no transaction of ours open.

        :param message: dict: ``id`` of the message, ``payload``, ``kind``,
            ``reference``
        :return: :class:`....core.alert.notice.Receipt`
        """
        raise NotImplementedError

    def _policy(self):
        """``(retry policy, whether all but 410 is tried again)``"""
        raise NotImplementedError

    def _did_arrive(self):
        self.sudo().write(
            {
                "failures": 0,
                "rests_until": False,
                "last_arrived_at": fields.Datetime.now(),
            }
        )

    def _did_fail(self, classification):
        seconds = rest(classification, self.failures)
        until = after(seconds)
        values = {"failures": self.failures + 1}
        if seconds and (not self.rests_until or self.rests_until < until):
            values["rests_until"] = until
        self.sudo().write(values)

    def _latest_answer(self):
        """What it said last, or what was wrong; not why something was not sent."""
        own = [
            (self._delivery_field(), "=", self.id),
            ("answer", "!=", False),
            ("state", "!=", "cancelled"),
        ]
        latest = self.env["sync.delivery"].sudo().search(own, limit=1)
        return latest.answer or ""

    def _is_gone(self, why):
        """The receiver wants no more."""


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    @api.model
    def _seal_all(self):  # pylint: disable=missing-return
        super()._seal_all()
        keys = self._encryption_keys()
        for receivers in self._all_receivers() if keys else ():
            for receiver in receivers:
                for name in SEALED:
                    if secret := receiver._readable(name):
                        receiver._seal(name, secret)

    def _all_receivers(self):
        """All receivers, model by model."""
        for name in self.env.registry.descendants(["sync.receiver"], "_inherit"):
            if not self.env[name]._abstract:
                Receiver = self.env[name].sudo().with_context(active_test=False)
                yield Receiver.search([])  # pylint: disable=no-search-all


def new_secret():
    """A secret of Standard Webhooks."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def origin_of(address):
    return origin(address.partition("?")[0].partition("#")[0])


def host_of(address):
    return host(address.partition("?")[0].partition("#")[0])


def _in_order(vals):
    """The same with the address first: a key that is entered with it, and what is
    allowed, are those of the new one."""
    last = ("address", "secret", "internal")
    others = {name: value for name, value in vals.items() if name not in last}
    return {**others, **{name: vals[name] for name in last if name in vals}}
