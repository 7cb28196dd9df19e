import time
from dataclasses import asdict, replace
from datetime import datetime, timezone

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.call import breaker as core
from ...core.call.window import WindowStats
from ...core.exceptions import CircuitBreakerOpenError
from ...core.settings import SETTINGS
from ..base.own_transaction import apart
from ..base.rights import OPERATOR, check_may

OPERATIONS = [("push", "Send"), ("pull", "Read")]
SERVICE = ("service", "Service")
STATES = [("closed", "Working"), ("open", "Interrupted"), ("half_open", "Testing")]
MODES = [
    ("normal", "Normal"),
    ("forced_open", "Interrupted by hand"),
    ("disabled", "Switched off"),
    ("metrics_only", "Watching only"),
]
# Seconds for which a process believes what it last read of a breaker.
BELIEVED = 1.0
# {(database, breaker id): ((state, configuration, window), monotonic time of reading)}
_read = {}


class SyncBreaker(models.Model):
    """The circuit breaker of one backend and kind of operation, or of one service.

    The rules are in ``core/call/breaker.py``; here all workers and servers share its
    state. While it is closed no success waits for another worker: a worker believes
    for a second what it read, and the window is counted from the log of calls. What may
    change the state (a failure, a slow call, a probe, a success by which the calls are
    enough to be judged) takes the row's lock, reads it anew and writes only if it did
    change.
    """

    _name = "sync.breaker"
    _inherit = ["sync.callee", "sync.bounded"]
    _description = "Circuit Breaker"
    _order = "backend_id, operation, id"
    _rec_name = "operation"
    _bounds = {
        **dict.fromkeys(("consecutive_failures", "minimum_calls"), (1, 1000)),
        **dict.fromkeys(("failure_rate", "slow_rate", "probes"), (1, 100)),
        **dict.fromkeys(("window_seconds", "open_seconds"), (1, 3600)),
        **dict.fromkeys(("slow_seconds", "lease_seconds"), (0.1, 600)),
        "max_open_seconds": (1, 86400),
    }

    operation = fields.Selection([*OPERATIONS, SERVICE], required=True, readonly=True)
    snapshot = fields.Json(readonly=True, groups="base.group_system")
    state = fields.Selection(
        STATES,
        required=True,
        default="closed",
        readonly=True,
        help="State of the circuit breaker. Working (closed): calls go through. "
        "Interrupted (open): none does. Testing (half-open): a few test calls do.",
    )
    mode = fields.Selection(
        MODES,
        required=True,
        default="normal",
        readonly=True,
        help="Set by a person. Interrupted by hand: no call goes through. Switched "
        "off: every call does. Watching only: every call does, and is counted.",
    )
    cause = fields.Char(readonly=True)
    cause_text = fields.Char("Why", compute="_compute_cause_text")
    since = fields.Datetime(readonly=True)
    open_until = fields.Datetime("Next Attempt", readonly=True)
    transition_ids = fields.One2many("sync.breaker.transition", "breaker_id", "History")

    consecutive_failures = fields.Integer(
        default=lambda self: self.env["sync.config"]._value("breaker_threshold"),
        required=True,
        help="Failures in a row that interrupt the connection.",
    )
    failure_rate = fields.Float(
        default=50.0, required=True, help="Per cent of failed calls that interrupt it."
    )
    slow_rate = fields.Float(
        default=100.0, required=True, help="Per cent of slow calls that interrupt it."
    )
    slow_seconds = fields.Float(
        default=20.0, required=True, help="Seconds from which on a call is slow."
    )
    minimum_calls = fields.Integer(
        default=10, required=True, help="With fewer calls no rate is looked at."
    )
    window_seconds = fields.Float(
        default=300.0, required=True, help="Seconds over which calls are counted."
    )
    open_seconds = fields.Float(
        default=60.0, required=True, help="Seconds that it lasts the first time."
    )
    max_open_seconds = fields.Float(
        default=600.0, required=True, help="It lasts twice as long each time, up to it."
    )
    probes = fields.Integer(
        "Test Calls",
        default=3,
        required=True,
        help="Successes that restore it (probes).",
    )
    lease_seconds = fields.Float(
        default=60.0, required=True, help="Seconds after which a test call failed."
    )

    calls_in_window = fields.Integer("Recent Calls", compute="_compute_figures")
    failures_in_window = fields.Integer("Recent Failures", compute="_compute_figures")
    error_rate = fields.Float(
        compute="_compute_figures", help="Per cent of the calls in the window."
    )
    failures_in_a_row = fields.Integer(compute="_compute_figures")
    last_failure_at = fields.Datetime(compute="_compute_figures")
    rejected = fields.Integer(
        "Calls Held Back", compute="_compute_figures", help="Since the log begins."
    )

    _operation_uniq = models.Constraint(
        "UNIQUE(backend_id, operation)", "A kind of operation has one breaker."
    )
    _sane = models.Constraint(
        "CHECK(consecutive_failures > 0 AND minimum_calls > 0 AND probes > 0"
        " AND failure_rate > 0 AND failure_rate <= 100"
        " AND slow_rate > 0 AND slow_rate <= 100"
        " AND slow_seconds > 0 AND window_seconds > 0 AND lease_seconds > 0"
        " AND open_seconds > 0 AND max_open_seconds >= open_seconds)",
        "Numbers of a breaker are above zero, rates at most 100 per cent, and the "
        "longest opening not shorter than the first.",
    )

    @api.depends("cause")
    @api.depends_context("lang")
    def _compute_cause_text(self):
        for breaker in self:
            breaker.cause_text = self.env["sync.error"]._in_language(breaker.cause)

    @api.depends("backend_id", "service_id", "operation")
    def _compute_display_name(self):
        kinds = dict(self._fields["operation"]._description_selection(self.env))
        for breaker in self:
            of_app = f"{breaker.backend_id.name}: {kinds.get(breaker.operation)}"
            breaker.display_name = breaker.service_id.name or of_app

    def _compute_figures(self):
        for breaker in self:
            stored = breaker._origin.sudo()  # on a page that is being edited, too
            state, config = stored._read_row()
            stats = stored._stats(state.epoch, config)
            breaker.calls_in_window = stats.calls
            breaker.failures_in_window = stats.failures
            breaker.error_rate = 100 * stats.failure_rate
            breaker.failures_in_a_row = stats.consecutive_failures
            Call, mine = self.env["sync.call"], [("breaker_id", "=", stored.id)]
            breaker.last_failure_at = Call.search(
                [*mine, ("result", "=", "failure")], limit=1
            ).create_date
            breaker.rejected = Call.search_count([*mine, ("result", "=", "rejected")])

    # -- Calls ------------------------------------------------------------------------

    @api.model
    def _defaults(self, backend):
        """Values of the breakers that a backend lacks."""
        known = backend.breaker_ids.mapped("operation")
        return [
            {"backend_id": backend.id, "operation": operation}
            for operation, __ in OPERATIONS
            if operation not in known
        ]

    def _rejection(self):
        """Why a call would not be let through now, going by what this process read.

        :return: :class:`...core.call.breaker.Rejection` or None
        """
        if not self or not self.env["sync.config"]._feature("breaker"):
            return None
        state, config = self._believed()
        __, leave = core.permit(state, time.time(), config)
        return leave if isinstance(leave, core.Rejection) else None

    def _permit(self, seconds):
        """Leave for one call that ends within ``seconds``.

        :return: :class:`...core.call.breaker.Permit`
        :raises CircuitBreakerOpenError: with ``retry_after`` in seconds
        """
        self.ensure_one()
        now = time.time()
        state, config = self._believed()
        after, leave = core.permit(state, now, config, lease_until=now + seconds)
        if after is not state:
            leave = apart(self._permit_shared, seconds, read_committed=True)
        if isinstance(leave, core.Rejection):
            raise CircuitBreakerOpenError(
                f"The breaker of {self.service_id.name or self.operation} is open: "
                f"{leave.reason}",
                retry_after=leave.retry_after,
            )
        return leave

    def _is_quiet(self, permit, outcome):
        """Whether the outcome of no probe changes nothing, going by what this process
        read."""
        __, config, stats = self._known_state()
        return permit.lease is None and not core.is_decisive(outcome, stats, config)

    def _settle(self, permit, outcome):
        """Take note of how a permitted call ended; its row is in the log already."""
        apart(self._settle_shared, permit, outcome, read_committed=True)
        # What follows is judged by what has happened so far.
        _read.pop((self.env.cr.dbname, self.id), None)

    def _set_mode(self, mode, reason):
        """Set the mode by hand, with a reason for the history.

        :raises AccessError: the user is no operator
        """
        check_may(self, OPERATOR, self.env._("Only operators may set a breaker."))
        for breaker in self.sudo():
            state, __ = breaker._read_row(lock=True)
            after, transition = core.force(state, core.Mode(mode), time.time(), reason)
            after = replace(after, cause=reason)
            breaker._write_row(after)
            if transition:
                breaker._note(state, after, self.env.uid)

    def _permit_shared(self, seconds):
        state, config = self._read_row(lock=True)
        now = time.time()
        after, leave = core.permit(state, now, config, lease_until=now + seconds)
        self._change(state, after)
        return leave

    def _settle_shared(self, permit, outcome):
        state, config = self._read_row(lock=True)
        stats = self._stats(state.epoch, config)
        after, __ = core.record(state, permit, outcome, time.time(), stats, config)
        self._change(state, after)

    def _change(self, before, after):
        if after is before:
            return
        self._write_row(after)
        transition = core.transition(before, after)
        if transition:
            opened = self.env["sync.breaker.transition"].search(
                [("breaker_id", "=", self.id), ("before", "=", "closed")], limit=1
            )
            self._note(before, after)
            if after.state is core.State.CLOSED and self.backend_id:
                if opened:
                    self.backend_id._stood_still(opened.at, self.operation)
                self.backend_id._app_is_back()

    # -- The row ----------------------------------------------------------------------

    def _believed(self):
        """State and configuration, at most a second old."""
        return self._known_state()[:2]

    def _known_state(self):
        """State, configuration and window, at most a second old."""
        self.ensure_one()
        key = (self.env.cr.dbname, self.id)
        known = _read.get(key)
        if known and time.monotonic() - known[1] < BELIEVED:
            return known[0]
        found = apart(self._read_all)
        _read[key] = (found, time.monotonic())
        return found

    def _read_all(self):
        state, config = self._read_row()
        return state, config, self._stats(state.epoch, config)

    def _read_row(self, lock=False):
        """State and configuration as the database has them."""
        if lock:
            self.env.execute_query(
                SQL("SELECT id FROM sync_breaker WHERE id = %s FOR UPDATE", self.id)
            )
            self.invalidate_recordset()
        snapshot = self.snapshot
        state = core.BreakerState()
        if snapshot:
            leases = tuple(core.Lease(**lease) for lease in snapshot.pop("leases"))
            state = core.BreakerState(
                **{
                    **snapshot,
                    "state": core.State(snapshot["state"]),
                    "mode": core.Mode(snapshot["mode"]),
                },
                leases=leases,
            )
        return state, self._config()

    def _config(self):
        return core.BreakerConfig(
            consecutive_failures=self.env["sync.config"]._value(
                "breaker_threshold", self.consecutive_failures
            ),
            failure_rate=self.failure_rate / 100,
            slow_rate=self.slow_rate / 100,
            minimum_calls=self.minimum_calls,
            window_seconds=self.window_seconds,
            slow_seconds=self.slow_seconds,
            open_seconds=self.open_seconds,
            max_open_seconds=self.max_open_seconds,
            probes=self.probes,
            lease_seconds=self.lease_seconds,
        )

    def _write_row(self, state):
        self.write(
            {
                "snapshot": asdict(state),
                "state": str(state.state),
                "mode": str(state.mode),
                "cause": state.cause,
                "since": _moment(state.since),
                "open_until": _moment(state.open_until),
            }
        )
        _read.pop((self.env.cr.dbname, self.id), None)

    def _note(self, before, after, uid=False):
        self.env["sync.breaker.transition"].create(
            {
                "breaker_id": self.id,
                "before": str(before.state),
                "after": str(after.state),
                "mode": str(after.mode),
                "at": fields.Datetime.now(),
                "cause": after.cause,
                "user_id": uid,
            }
        )

    def _stats(self, epoch, config):
        """The window of one epoch, counted from the log of calls."""
        ((calls, failures, slow, in_a_row),) = self.env.execute_query(
            SQL(
                """SELECT count(*), count(*) FILTER (WHERE result = 'failure'),
                          count(*) FILTER (WHERE slow),
                          (SELECT count(*) FILTER (WHERE failed AND id > last)
                             FROM (SELECT id, failed, coalesce(
                                       max(id) FILTER (WHERE NOT failed) OVER (), 0)
                                     FROM (SELECT id, result = 'failure'
                                             FROM sync_call
                                            WHERE breaker_id = %(id)s
                                              AND epoch = %(epoch)s
                                              AND result IN ('success', 'failure')
                                            ORDER BY id DESC LIMIT %(most)s
                                          ) AS latest (id, failed)
                                  ) AS latest_ones (id, failed, last))
                     FROM sync_call
                    WHERE breaker_id = %(id)s AND epoch = %(epoch)s
                      AND result IN ('success', 'failure')
                      AND create_date > %(since)s""",
                id=self.id,
                epoch=epoch,
                since=_moment(time.time() - config.window_seconds),
                # However long ago they were; more of them would change nothing.
                most=config.consecutive_failures,
            )
        )
        return WindowStats(calls, failures, slow, in_a_row)


class SyncConfig(models.AbstractModel):
    _inherit = "sync.config"

    @api.model
    def _keep_numbers(self, numbers):
        result = super()._keep_numbers(numbers)
        threshold = numbers["breaker_threshold"]
        default = SETTINGS["breaker_threshold"].default
        if threshold != (self._recorded("breaker_threshold") or default):
            breakers = self.env["sync.breaker"].sudo()
            breakers.search([("consecutive_failures", "!=", threshold)]).write(
                {"consecutive_failures": threshold}
            )
        return result


def _moment(seconds):
    """Odoo's datetime (UTC) of POSIX seconds."""
    if seconds is None:
        return False
    return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)
