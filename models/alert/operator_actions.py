"""What an operator can do when something hangs, and what an alert rule may do by
itself."""

from odoo import api, fields, models

from ...core.settings import SETTINGS
from ..base.rights import MANAGER, check_may
from ..call.sync_pool import DEFAULTS

# Numbers of a breaker that go back to their defaults.
BREAKER = (
    *("consecutive_failures", "failure_rate", "slow_rate", "slow_seconds"),
    *("minimum_calls", "window_seconds", "open_seconds", "max_open_seconds"),
    *("probes", "lease_seconds"),
)
# Kinds of records that others refer to.
MASTERS = ("supplier", "product")


class SyncBackend(models.Model):
    """None of these touches data: what is queued stays queued."""

    _inherit = "sync.backend"

    def action_drop_connections(self):
        """Have all workers connect to the app anew, each with its next call.

        :raises AccessError: the user is no operator
        """
        self._check_operator()
        self.sudo()._drop_connections()
        self._note_action("drop_connections")
        return self._notify(
            self.env._("Dropped"),
            self.env._("The next call of each worker connects anew."),
        )

    def action_import_masters(self):
        """Read all suppliers and products of the app again; what did not change since
        is left alone.

        :raises AccessError: the user is no operator
        """
        self._check_operator()
        self._note_action("import_masters")
        return self._masters().action_read_again()

    def action_restart_work(self):
        """Take up now what hangs or waits, whatever time it waits for.

        :raises AccessError: the user is no operator
        """
        self._check_operator()
        self.sudo()._restart_work()
        self._note_action("restart_work")
        return self.env["sync.recovery.run"].action_run()

    def action_restore_defaults(self):
        """Set the numbers of breakers and pools back to what they are after
        installation; and all retry policies, for who may change those.

        :raises AccessError: the user is no manager
        """
        check_may(self, MANAGER, self.env._("Only managers may restore defaults."))
        self.sudo()._restore_defaults()
        policies = self.env["sync.retry.policy"]
        if policies._works_everywhere():
            policies.sudo()._restore_defaults()
        self._note_action("restore_defaults")
        return self._notify(
            self.env._("Restored"), self.env._("The defaults are in place.")
        )

    # -- What they do -----------------------------------------------------------------

    def _masters(self):
        return self.stream_ids.filtered(lambda stream: stream.entity in MASTERS)

    def _import_masters(self):
        self._masters()._read_again()

    def _clear_caches(self):
        for backend in self:
            self.env["sync.cache"]._invalidate(backend, None, None)
        self.env.registry.clear_cache()

    def _drop_connections(self):
        for backend in self:
            backend.connection_number += 1

    def _restart_work(self):
        """What waits for its own time is due now; what waits for the app, when it
        answers."""
        self.env["sync.operation"].search(
            [
                ("backend_id", "in", self.ids),
                ("state", "=", "waiting"),
                ("parked", "=", False),
            ]
        ).write({"eta": False})
        self._schedule_push()
        self._schedule_pull()

    def _restore_defaults(self):
        # pylint: disable-next=context-overridden
        defaults = self.breaker_ids.with_context({}).default_get(list(BREAKER))
        defaults["consecutive_failures"] = SETTINGS["breaker_threshold"].default
        self.breaker_ids.write(defaults)
        for pool in self.pool_ids.filtered(lambda pool: pool.name in DEFAULTS):
            concurrency, waiting, timeout = DEFAULTS[pool.name]
            pool.write(
                {
                    "concurrency": concurrency,
                    "max_waiting": waiting,
                    "timeout": timeout,
                }
            )

    def _note_action(self, action, rule=""):
        """Have the backend's history say what was done, and by whom. A subtype says it
        to each reader in their language.

        :param rule: name of the alert rule that did it
        """
        for backend in self:
            backend.sudo().message_post(
                body=rule, subtype_xmlid=f"pharmacy_sync.subtype_{action}"
            )


class SyncAlertRule(models.Model):
    _inherit = "sync.alert.rule"

    action = fields.Selection(
        [
            ("clear_cache", "Clear the cache"),
            ("drop_connections", "Drop the connections"),
            ("restart_work", "Restart stuck work"),
            ("import_masters", "Read Suppliers and Products Again"),
            ("restore_defaults", "Restore Defaults"),
        ],
        "And Do",
        tracking=True,
        help="Done once for each alert of the rule, when it is raised.",
    )

    def _act(self, backends):
        """Do what the rule does by itself."""
        self.ensure_one()
        act = {
            "clear_cache": backends._clear_caches,
            "drop_connections": backends._drop_connections,
            "restart_work": backends._restart_work,
            "import_masters": backends._import_masters,
            "restore_defaults": backends._restore_defaults,
        }
        if self.action and backends:
            act[self.action]()
            backends._note_action(self.action, self.name)

    @api.model
    def _act_on(self, news):
        """Alerts were raised: do what their rules do by themselves.

        :param news: a list of ``(rule, sighting)``
        """
        backends = {}
        for rule, sighting in news:
            if sighting.backend_id:
                backends.setdefault(rule.id, set()).add(sighting.backend_id)
        for rule in self.browse(backends):
            rule._act(self.env["sync.backend"].browse(backends[rule.id]))
