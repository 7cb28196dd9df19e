"""How Odoo stands, asked over a connection of its own: it must be answered also while
the database is slow, locked, or out of reach."""

import time
from contextlib import closing

import psycopg2

from odoo.sql_db import connection_info_for

# Seconds for a connection (libpq's least is 2), and milliseconds for the question.
CONNECT, STATEMENT, LOCK = 2, 2_000, 1_000
# Seconds after which the scheduled recovery, or a job, is missing.
LATE = 900
QUERY = """
SELECT (SELECT extract(epoch FROM now() at time zone 'UTC' - max(c.lastcall))
          FROM ir_cron c JOIN ir_model_data d ON d.res_id = c.id
         WHERE d.module = 'pharmacy_sync' AND d.name = 'cron_recover'
           AND d.model = 'ir.cron' AND c.active),
       EXISTS (SELECT FROM queue_job
                WHERE state = 'pending' AND model_name LIKE 'sync.%%'
                  AND greatest(coalesce(eta, date_created), date_created)
                      < now() at time zone 'UTC' - make_interval(secs => %(late)s))
       AND NOT EXISTS (SELECT FROM queue_job
                        WHERE state = 'started' OR date_started
                              > now() at time zone 'UTC'
                                - make_interval(secs => %(late)s)),
       (SELECT count(*) FROM sync_backend WHERE active),
       (SELECT count(*) FROM sync_backend
         WHERE active AND (paused OR refused_at IS NOT NULL)),
       (SELECT count(*) FROM sync_breaker r
          JOIN sync_backend b ON b.id = r.backend_id AND b.active
         WHERE CASE r.mode WHEN 'normal' THEN r.state <> 'closed'
                           ELSE r.mode = 'forced_open' END)
"""


def probe(database):
    """What a probe that nobody has logged in for may know: no names, no addresses.

    :param database: its name; falsy: there is none
    :return: whether work is being done, and a dict that says why
    """
    started = time.monotonic()
    try:
        row = _ask(database)
    except (psycopg2.Error, ValueError):
        seconds = round(time.monotonic() - started, 3)
        return False, {"status": "down", "database": {"ok": False, "seconds": seconds}}
    since, idle, backends, resting, broken = row
    scheduled = since is not None and since < LATE
    good = scheduled and not idle
    status = "degraded" if good and (resting or broken) else "ok" if good else "down"
    return good, {
        "status": status,
        "database": {"ok": True, "seconds": round(time.monotonic() - started, 3)},
        "scheduled_actions": {
            "ok": scheduled,
            "seconds_since": None if since is None else round(float(since)),
        },
        "job_runner": {"ok": not idle},
        "backends": {"active": backends, "resting": resting},
        "breakers": {"not_closed": broken},
    }


def _ask(database):
    if not database:
        raise ValueError("no database")
    __, info = connection_info_for(database)
    options = f"-c statement_timeout={STATEMENT} -c lock_timeout={LOCK}"
    with closing(
        psycopg2.connect(**info, connect_timeout=CONNECT, options=options)
    ) as connection:
        connection.set_session(readonly=True, autocommit=True)
        with connection.cursor() as cr:
            cr.execute(QUERY, {"late": LATE})
            return cr.fetchone()
