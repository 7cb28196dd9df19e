import uuid
from contextlib import contextmanager, nullcontext
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.tools import SQL

from ...client.exchange import Exchange
from ...core.call.deadline import Deadline
from ...core.exceptions import ConfigurationError, InvalidDataError
from ...core.secrets.redaction import redact
from ...entities.neutral import cause_of
from ..base.own_transaction import apart, own_session
from ..base.rows import insert_rows
from .guarded import Guarded, guarded

LONGEST_NAME = 64


class ServiceCall:
    """A call that is under guard, as its caller sees it.

    ``correlation_id`` names it in the log of calls: send it along where the service
    takes one.
    """

    def __init__(self, seconds, correlation_id):
        self.correlation_id = correlation_id
        self._seconds = seconds
        self._deadline = Deadline.after(seconds)
        self._answer = {}

    @property
    def timeout(self):
        """Seconds left, for the timeout of what is called next.

        :raises DeadlineExceededError: none
        """
        return self._deadline.bounded()

    def check(self, response):
        """Note a response of ``requests`` for the log, and return it.

        :raises requests.HTTPError: its status is one of failure
        """
        request = response.request
        self._answer = {
            "method": request.method,
            "path": redact(urlsplit(request.url).path),
            "status": response.status_code,
            "bytes_sent": _length(request.headers),
            "bytes_received": _length(response.headers),
        }
        response.raise_for_status()
        return response

    def _exchange(self, error=None):
        nothing = {
            **{"method": None, "path": None, "status": None},
            **{"bytes_sent": 0, "bytes_received": 0},
        }
        return Exchange(
            **{**nothing, **self._answer},
            duration=self._seconds - self._deadline.remaining(),
            items=1,
            retry=False,
            correlation_id=self.correlation_id,
            request_id=None,
            error=error,
        )


def _length(headers):
    """Bytes that were declared: what is streamed is not read for it."""
    length = headers.get("Content-Length") or ""
    return int(length) if length.isdecimal() else 0


class SyncService(models.Model):
    """Something outside that another addon calls under guard, by its name and without
    a backend: its breaker and its pool. It is made at its first call."""

    _name = "sync.service"
    _inherit = ["sync.bounded"]
    _description = "Service That Another Addon Calls"
    _order = "name, id"

    name = fields.Char(required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    active = fields.Boolean(
        default=True, help="Switched off, it is not called: its callers fail."
    )
    breaker_ids = fields.One2many("sync.breaker", "service_id", "Breakers")
    pool_ids = fields.One2many("sync.pool", "service_id", "Pools")

    _name_uniq = models.Constraint(
        "UNIQUE(company_id, name)", "A company has one service of a name."
    )

    @api.model
    @contextmanager
    def _guard(self, name, timeout, wait=False):
        """Guard one call to a service of the current company; see ``guard`` of
        ``sync.toolkit``.

        Yields a :class:`ServiceCall`.
        """
        if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME:
            raise InvalidDataError(
                f"service must be a string of 1 to {LONGEST_NAME} characters",
                field="service",
            )
        with own_session(self.env) as cr:
            # It may be younger than the caller's transaction.
            own = self.with_env(self.env(cr=cr, su=True))
            service = own._of_company(name.strip())
            pool = service.pool_ids
            slot = pool._slot(cr, wait) if pool else nullcontext([])
            with slot as held, service._guard_call(cr, timeout, held) as call:
                yield call

    @contextmanager
    def _guard_call(self, cr, timeout, held):
        breaker = self.breaker_ids
        if not self.env["sync.config"]._feature("breaker"):
            breaker = breaker.browse()
        trace = cause_of(self.env) or uuid.uuid4().hex
        call, report = ServiceCall(timeout, trace), Guarded()
        classify = self.env["sync.error"]._classify
        about = {"backend_id": None, "service_id": self.id, "operation": "service"}
        with guarded(report, cr, breaker, timeout, held, classify, **about):
            try:
                yield call
            except Exception as exc:
                # Whatever the caller's code fails with: the breaker counts it.
                report.report(call._exchange(exc))
                raise
            report.report(call._exchange())

    @api.model
    def _of_company(self, name):
        """The current company's service of a name.

        :raises ConfigurationError: it is switched off
        """
        own = [("company_id", "=", self.env.company.id), ("name", "=", name)]
        everyone = self.with_context(active_test=False)
        if not everyone.search_count(own):
            apart(self._make, name)
        service = everyone.search(own)
        if not service.active:
            raise ConfigurationError(f"The service {name} is switched off.")
        return service

    def _make(self, name):
        # Two that call it first at once: the second waits here, and finds the first's.
        values = {"name": name, "company_id": self.env.company.id, "active": True}
        conflict = SQL("(company_id, name) DO NOTHING")
        for service_id in insert_rows(self, [values], conflict):
            self.env["sync.breaker"].create(
                {"service_id": service_id, "operation": "service"}
            )
            self.env["sync.pool"].create({"service_id": service_id, "name": name})
