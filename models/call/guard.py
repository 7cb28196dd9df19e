import uuid
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...client import FAILURES, PharmacyClient
from ...client.abilities import NO_ROUTE, change_nothing, read_any
from ...client.auth import UNAUTHORIZED
from ...core import said
from ...core.call import breaker as core
from ...core.exceptions import HttpError, SecretSealedError
from ...core.refusal import ABOUT_US, doubts_app, doubts_key, key_after
from ...core.taxonomy import TAXONOMY, Category, ErrorType, Key
from ..base.own_transaction import apart, own_session
from .guarded import Guarded, guarded

BATCH = "batch"
# Kinds of calls that are made without a person who waits for the answer.
KINDS = ("push", "pull")


class SyncBackend(models.Model):
    """The guarded call: deadline, then a slot of the pool, then the breaker's leave,
    then HTTP, then one row in the log of calls. No transaction is open meanwhile."""

    _inherit = "sync.backend"

    breaker_ids = fields.One2many("sync.breaker", "backend_id", "Breakers")
    pool_ids = fields.One2many("sync.pool", "backend_id", "Call Limits")

    def _create_parts(self):
        result = super()._create_parts()
        # Their history is not a person's to begin: only the addon creates them.
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
        return result

    def action_test_connection(self):
        """Ask the pharmacy app for its health, with the stored key.

        :raises AccessError: the user is no operator
        :raises UserError: the app does not answer, or does not accept the key
        """
        self._check_operator()
        self.ensure_one()
        if self.is_copy:
            raise UserError(
                self.env._(
                    "This database is a copy, or was moved. A manager has to say on "
                    "the backend that it is the original first."
                )
            )
        correlation_id = uuid.uuid4().hex
        try:
            client = self._ask_app(correlation_id)
        except FAILURES as exc:
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
        self._find_abilities(client)
        self._accepted()
        return self._notify(
            self.env._("Connected"),
            self.env._("The pharmacy app answers and accepts the key."),
        )

    def _ask_app(self, correlation_id=None):
        """Make one call with the key, which changes nothing.

        :return: the client that made it
        :raises Exception: one of :data:`...client.FAILURES`
        """
        entities = self.env["sync.entity"]._entities()
        # An app that is not of the contract may have some only.
        names = [*self.stream_ids.sorted("rank").mapped("entity"), *entities]
        correlation_id = correlation_id or uuid.uuid4().hex
        client = self._client("test")
        read_any(client, entities[names[0]]._entity_collection, correlation_id)
        return client

    def _app_answers(self):
        """Ask the app how it is; one that has no such call answers by saying so.

        :raises Exception: one of :data:`...client.FAILURES`
        """
        try:
            self._client("test").health(uuid.uuid4().hex)
        except HttpError as exc:
            if exc.status not in NO_ROUTE:
                raise
        return True

    def _client(self, operation, pool=None, wait=False):
        """A client for this backend's app whose every call is guarded.

        :param operation: kind of operation, for the breaker and the log
        :param pool: name of the pool that bounds how many are under way
        :param wait: whether to wait for a slot of the pool, as it allows
        :raises ConfigurationError: this database is a copy of the backend's own
        """
        self._check_original()
        return PharmacyClient(
            (self.env.cr.dbname, self.id, self.connection_number),
            self.url.strip().rstrip("/"),
            self._auth(operation),
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            deadline=self.deadline,
            api=self.api_path or "",
            names=self._app_names(),
            internal=self.internal,
            largest=self.answer_limit * 1024**2,
            guard=partial(self.sudo()._guard, operation, pool, wait),
        )

    def _is_ready(self):
        """Whether the app can be called. A backend whose key cannot be decrypted is
        paused: its changes are kept until the key is entered anew."""
        if not self._is_at_work():
            return False
        try:
            self._secret("api_key")
        except SecretSealedError as exc:
            reason = said.KEY_SEALED
            about = {"backend_id": self.id, "operation": "connect"}
            self.env["sync.error"]._record(exc, **about)
            apart(self.sudo()._pause, reason)
            return False
        return True

    def _pause(self, reason):
        self.write({"paused": True, "pause_reason": reason})

    def _breaker(self, operation):
        return self.breaker_ids.filtered(lambda b: b.operation == operation)

    def _pool(self, name):
        return self.pool_ids.filtered(lambda p: p.name == name)

    @contextmanager
    def _guard(self, operation, pool, wait=False):
        """Guard one call to the pharmacy app.

        ``with backend._guard("push", "order_sync") as report: ...; report(exchange)``
        where ``exchange`` is a :class:`...client.exchange.Exchange`; without a report
        nothing had been sent.

        :param operation: kind of operation; one without a breaker is not broken
        :param pool: name of a pool; one that does not exist does not bound
        :param wait: whether to wait for a slot of the pool, as it allows
        :raises ResourcePoolFullError: no slot is free
        :raises CircuitBreakerOpenError: the breaker is open
        """
        self.ensure_one()
        breaker = self._breaker(operation)
        if not self.env["sync.config"]._feature("breaker"):
            breaker = breaker.browse()
        slots = self._pool(pool)
        with own_session(self.env) as cr:
            slot = slots._slot(cr, wait) if slots else nullcontext([])
            with (
                slot as held,
                self._guard_call(cr, operation, breaker, held) as report,
            ):
                yield report

    @contextmanager
    def _guard_call(self, cr, operation, breaker, held):
        call = Guarded()
        classify = partial(self._judge, operation, breaker, call)
        about = {"backend_id": self.id, "operation": operation}
        try:
            with guarded(call, cr, breaker, self.deadline, held, classify, **about):
                yield call.report
        finally:
            if operation in KINDS and _may_refuse_key(
                call.exchange, call.classification
            ):
                self._doubt_key(operation, call.classification, call.exchange)

    def _judge(self, operation, breaker, call, error):
        """What a call failed with."""
        classify = partial(self.env["sync.error"]._classify, backend=self)
        found = classify(error, idempotent=False)
        # At first the app is believed, and left alone as long as it asks for. While the
        # breaker lets only probes through, no other call is made.
        again = operation == "push" and call.exchange.retry
        closed = not breaker or breaker._believed()[0].state is core.State.CLOSED
        if again and closed and doubts_app(found):
            asked = self._same_road(call.exchange)
            error.of_one = bool(asked) and key_after(_failure(asked)) is Key.GOOD
            found = classify(error, idempotent=False)
        return found

    def _doubt_key(self, operation, classification, exchange):
        """The app refuses the key, or only what was asked with it: find out which."""
        of_key = exchange.error.of_key = self._test_key(exchange)
        if of_key is Key.REFUSED:
            apart(self._refuse, classification, exchange, operation)

    def _test_key(self, exchange):
        """What cheap calls with the same key say of it, which change nothing: one that
        takes the same road, else the first change of any entity.

        :return: a :class:`...core.taxonomy.Key`
        """
        if ask := self._same_road(exchange):
            return key_after(_failure(ask))
        client, correlation_id = self._client("test"), exchange.correlation_id
        for entity in self.env["sync.entity"]._entities().values():
            collection = entity._entity_collection
            ask = partial(read_any, client, collection, correlation_id)
            if (found := key_after(_failure(ask))) is not Key.REFUSED:
                return found
        return Key.REFUSED

    def _same_road(self, exchange):
        """A call that changes nothing, on the road of one that writes records: a batch
        of none, or a change that cannot be made. None: it is no such one."""
        if exchange.method == "GET":
            return None
        client, correlation_id = self._client("test"), exchange.correlation_id
        for collection, names in self._app_names().items():
            place = f"{client.api}/{names.place}"
            if exchange.path == f"{place}/{BATCH}":
                return partial(client.batch, collection, [], correlation_id)
            if f"{exchange.path}/".startswith(f"{place}/"):
                return partial(change_nothing, client, collection, correlation_id)
        return None

    def _refuse(self, classification, exchange, operation):
        """The app refuses the key. Each further call would be refused as well: none is
        made until a connection test has succeeded."""
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM sync_backend WHERE id = %s AND refused_at IS NULL
                   FOR NO KEY UPDATE""",
                self.id,
            )
        )
        if not rows:
            return
        self.refused_at = fields.Datetime.now()
        if classification.category is not Category.SECURITY:
            info = TAXONOMY[ErrorType.INSUFFICIENT_PERMISSIONS]
            classification = replace(
                classification,
                type=ErrorType.INSUFFICIENT_PERMISSIONS,
                category=info.category,
                severity=info.severity,
            )
        Error = self.env["sync.error"]
        Error._record_here(
            classification,
            exchange.error,
            operation=operation,
            backend_id=self.id,
            correlation_id=exchange.correlation_id,
            context={"path": exchange.path},
        )

    def _accepted(self):
        """The app accepts the key: what waits for that goes on. A backend that a person
        has paused stays so."""
        for backend in self.sudo().filtered("refused_at"):
            backend._as_runner()._go_on()

    def _go_on(self):
        self.refused_at = False
        self.env["sync.error"].search(
            [
                ("backend_id", "=", self.id),
                ("http_status", "in", list(ABOUT_US)),
                # What was refused of one record is that one's failure.
                ("mapping_id", "=", False),
                ("resolved", "=", False),
            ]
        ).write(
            {
                "resolved": True,
                "resolved_at": fields.Datetime.now(),
                "resolution": said.KEY_ACCEPTED,
            }
        )
        self._schedule_push()
        self._schedule_pull()
        self._app_is_back()

    def _connection_changed(self):
        result = super()._connection_changed()
        # It may be refused no longer: the next call shows it.
        self._accepted()
        return result

    def _app_is_back(self):
        """The app answers again. Rooms above let go on what waits for it."""

    def _probe(self, operation):
        """Without traffic a breaker would never learn that the app is back: once its
        time is over the app is asked for its health instead."""
        breaker = self._breaker(operation)
        client = self._client(operation)
        for __ in range(breaker.probes):
            state, __ = breaker._believed()
            if state.state is core.State.CLOSED or breaker._rejection():
                return
            try:
                client.health(uuid.uuid4().hex)
            except FAILURES:
                # The breaker took note of it, and the log of calls.
                return


def _may_refuse_key(exchange, classification):
    """Whether an exchange failed in a way that may be the key's fault."""
    if not classification or not isinstance(exchange.error, HttpError):
        return False
    asked_again = exchange.status == UNAUTHORIZED and not exchange.last_key
    return doubts_key(classification) and not asked_again


def _failure(ask):
    """What a call fails with; None: it is answered as usual."""
    try:
        ask()
    except FAILURES as exc:
        return exc
    return None
