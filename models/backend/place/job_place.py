from functools import lru_cache
from zlib import crc32

from odoo import fields, models
from odoo.tools import SQL

from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.jobrunner.channels import ChannelManager
from odoo.addons.queue_job.jobrunner.runner import _channels

from ....core.backend.places import full_name, shares
from ...base.locks import PLACES

# What the job runner shows of a job that waits for a place.
PUT_OFF = "Other jobs of this pharmacy are under way: this one waits for its turn."
# More places than a channel has; and the names of channels that fit beside them into
# the second key of a lock.
MOST_PLACES, MOST_NAMES = 1_000, 2_000_000
# Seconds that a job is put off: a quarter of what it has waited, so that many which
# wait for long ask rarely.
SHORTEST, LONGEST, PART = 1, 60, 4


class SyncBackend(models.Model):
    """No pharmacy has all places of the job runner: while one is slow, or has much to
    say, the others' jobs find one."""

    _inherit = "sync.backend"

    def _take_place(self):
        """Take one of the backend's places for the job that runs, until its
        transaction ends. While the backend has no other one beside it, it may have all.

        A place is an advisory lock of the job's own transaction: a worker that dies
        gives it back by dying.

        :raises RetryableJobError: the backend has all that it may have; the job runner
            runs the job again later, and this one's place is free for others
        """
        job_uuid = self.env.context.get("job_uuid")
        alone = job_uuid and not self.sudo().search_count(
            [("id", "!=", self.id), ("active", "=", True)], limit=1
        )
        if not job_uuid or alone:
            return
        query = "SELECT channel, date_created FROM queue_job WHERE uuid = %s"
        for channel, since in self.env.execute_query(SQL(query, job_uuid)):
            for name, places in shares(channel, _capacities(_channels())):
                if not self._took_place(name, places):
                    raise RetryableJobError(PUT_OFF, _wait(since), ignore_retry=True)

    def _took_place(self, channel, places):
        """Whether one of so many in a channel was free."""
        space = PLACES + self.id
        first = crc32(channel.encode()) % MOST_NAMES * MOST_PLACES
        last = first + min(places, MOST_PLACES) - 1
        return bool(
            self.env.execute_query(
                SQL(
                    """SELECT number FROM generate_series(%s, %s) AS number
                        WHERE pg_try_advisory_xact_lock(%s, number) LIMIT 1""",
                    first,
                    last,
                    space,
                )
            )
        )

    def _end_push_jobs(self, running):
        """One push job serves all that wait for their turn: what they were made for is
        committed, and the one that begins now reads it.

        :param running: uuid of that job
        """
        self.env.execute_query(
            SQL(
                """UPDATE queue_job SET state = 'cancelled',
                          date_cancelled = %(now)s, result = %(why)s
                    WHERE id IN (
                        SELECT id FROM queue_job
                         WHERE state = 'pending' AND uuid <> %(running)s
                           AND starts_with(identity_key, %(key)s)
                           AND (eta IS NULL OR eta <= %(now)s
                                OR result = %(put_off)s)
                           FOR UPDATE SKIP LOCKED)
                RETURNING id""",
                now=fields.Datetime.now(),
                why=self.env._("Another job sent it already."),
                put_off=PUT_OFF,
                running=running,
                key=self._push_key(),
            )
        )


@lru_cache(maxsize=8)
def _capacities(channels):
    """``{full name: capacity}`` of the job runner's configuration."""
    found = ChannelManager.parse_simple_config(channels)
    return {full_name(channel["name"]): channel["capacity"] for channel in found}


def _wait(since):
    """Seconds that a job made at ``since`` is put off."""
    waited = (fields.Datetime.now() - since).total_seconds()
    return int(min(max(waited / PART, SHORTEST), LONGEST))
