"""How retries stand on one backend: what failed work needs to know to go on."""

from functools import cached_property

from odoo.tools import SQL

from ...core.retry.adaptive import WINDOW, adapt
from ...core.retry.budget import DEFAULT_BUDGET, spare
from ...core.retry.decision import Standing

# Seconds that work waits for when it is the retry budget that is used up.
BUDGET_WAIT = 30.0


class Retrying:
    """Numbers of one backend and kind of operation, each read once when asked for.

    :param kind: of the operations that failed; its calls are the adaptive window
    """

    def __init__(self, env, backend, kind):
        self._env = env
        self._backend = backend
        self._kind = kind
        self._policies = {}

    @cached_property
    def rejection(self):
        """Why the breaker lets nothing through, or None."""
        breaker = self._backend._breaker(self._kind)
        return breaker._rejection()

    @cached_property
    def park_seconds(self):
        """Seconds that parked work waits for before it asks again."""
        return self.rejection.retry_after if self.rejection else BUDGET_WAIT

    @cached_property
    def spare(self):
        """Retries that the backend's budget has left."""
        ((first, retries),) = self._env.execute_query(
            SQL(
                """SELECT count(*) FILTER (WHERE retry IS NOT TRUE),
                          count(*) FILTER (WHERE retry)
                     FROM sync_call
                    WHERE backend_id = %s AND result IN ('success', 'failure')
                      AND create_date > now() at time zone 'UTC'
                                        - make_interval(secs => %s)""",
                self._backend.id,
                DEFAULT_BUDGET.window,
            )
        )
        return spare(first, retries)

    @cached_property
    def _outcomes(self):
        rows = self._env.execute_query(
            SQL(
                """SELECT result = 'success' FROM sync_call
                    WHERE backend_id = %s AND operation = %s
                      AND result IN ('success', 'failure')
                    ORDER BY id DESC LIMIT %s""",
                self._backend.id,
                self._kind,
                WINDOW,
            )
        )
        return [good for (good,) in reversed(rows)]

    def standing(self, attempts, last_delay, in_time, revivals_left=0):
        """How failed work stands, a :class:`~core.retry.decision.Standing`."""
        return Standing(
            attempts,
            last_delay=last_delay or None,
            breaker_open=bool(self.rejection),
            budget_left=self.spare > 0,
            park_seconds=self.park_seconds,
            in_time=in_time,
            revivals_left=revivals_left,
        )

    def policy_name(self, error_type):
        """The type that the policy of an error type is kept under, or default."""
        return self._env["sync.retry.policy"]._named(error_type)

    def policy(self, error_type):
        """The retry policy of an error type as things have been going lately."""
        if error_type not in self._policies:
            policy = self._env["sync.retry.policy"]._for(error_type)
            self._policies[error_type] = adapt(
                policy, self._outcomes, spare_retries=self.spare
            )
        return self._policies[error_type]
