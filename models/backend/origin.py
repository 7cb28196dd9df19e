import psycopg2

from odoo import api, fields, models, tools
from odoo.orm.models import NO_ACCESS
from odoo.tools import SQL

from ...core.exceptions import ConfigurationError
from ..base.rights import MANAGER, check_may


class SyncBackend(models.Model):
    """The database that a backend was connected in.

    A copy of it beside the original knows the app's address and key as well. So that
    the two do not both write to the app, a database that is known by another uuid, name
    or PostgreSQL cluster exchanges nothing until a manager has said that it is the
    original.
    """

    _inherit = "sync.backend"

    origin = fields.Json(
        readonly=True,
        copy=False,
        groups=NO_ACCESS,
        help="What the database was known by in which the app was connected: uuid, "
        "name and PostgreSQL cluster.",
    )
    is_copy = fields.Boolean("Copied Database", compute="_compute_is_copy")

    @api.depends("origin")
    def _compute_is_copy(self):
        here = self._here()
        for backend in self:
            # What is not known on either occasion says nothing.
            backend.is_copy = any(
                here[name] and value and here[name] != value
                for name, value in (backend.sudo().origin or {}).items()
            )

    @api.model
    def _here(self):
        """What this database is known by."""
        uuid = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        return {
            "uuid": uuid or "",
            "name": self.env.cr.dbname,
            "cluster": self._cluster(),
        }

    @api.model
    @tools.ormcache()
    def _cluster(self):
        """The identifier of the PostgreSQL cluster; empty if this server does not say
        it, or not to this user: then a copy of the same uuid and name on another server
        cannot be distinguished from the original."""
        try:
            with self.env.cr.savepoint(flush=False):
                ((cluster,),) = self.env.execute_query(
                    SQL("SELECT system_identifier::text FROM pg_control_system()")
                )
        except psycopg2.errors.InsufficientPrivilege:
            return ""
        return cluster

    def _keep_origin(self):
        self.sudo().origin = self._here()

    def _is_at_work(self):
        """Whether anything is exchanged with the app now."""
        self.ensure_one()
        return self.active and not self._rests() and not self.is_copy

    def _check_original(self):
        """:raises ConfigurationError: this database is a copy of the backend's own"""
        self.ensure_one()
        if self.is_copy:
            raise ConfigurationError(
                "This database is a copy of the one that is connected, or was moved. "
                "It exchanges nothing until a manager has said on the backend that it "
                "is the original.",
                field="origin",
            )

    def action_keep_origin(self):
        """Say that this database is the original, which was moved or renamed.

        :raises AccessError: the user is no manager
        """
        message = self.env._(
            "Only managers may declare which database is the original."
        )
        check_may(self, MANAGER, message)
        self._keep_origin()
        self._schedule_push()
        self._schedule_pull()
        return True
