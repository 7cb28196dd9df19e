"""A quiet stream: a pull job and a push job with nothing to do, over few and many
mappings.

The same backend has 1,000 mappings with a done operation each, then 100,000 (made by
SQL; QUIET_MAPPINGS changes that). Rounds of both sizes are run in turn on two backends
of one database, so that both see the same machine.
"""

import os
from statistics import median

from rig import APP_KEY, APP_URL, environment, timed

FEW, MANY = 1000, int(os.environ.get("QUIET_MAPPINGS", "100000"))
ROUNDS = 15


def make(env, name, count):
    """A backend whose streams have ``count`` mappings, all in step."""
    backend = env["sync.backend"].create(
        {"name": name, "url": APP_URL, "internal": True, "api_key": APP_KEY}
    )
    env.flush_all()
    for stream in backend.stream_ids:
        # Done operations are kept for seven days: one for each record is a busy week.
        env.cr.execute(
            """WITH made AS (
                   INSERT INTO sync_mapping (stream_id, backend_id, company_id,
                       res_model, key, state, res_id, external_id, version, base)
                   SELECT %(stream)s, %(backend)s, %(company)s, %(model)s,
                          gen_random_uuid()::text, 'synced', -n, 'ext_' || n, 1,
                          '{"name": "Quiet"}'
                     FROM generate_series(1, %(count)s) n RETURNING id)
               INSERT INTO sync_operation (kind, state, stream_id, backend_id,
                   company_id, mapping_id, attempts, done_at, correlation_id)
               SELECT 'push', 'done', %(stream)s, %(backend)s, %(company)s, id, 1,
                      now(), gen_random_uuid()::text FROM made""",
            {
                "stream": stream.id,
                "backend": backend.id,
                "company": backend.company_id.id,
                "model": stream.res_model,
                "count": count // len(backend.stream_ids),
            },
        )
    return backend


def jobs(backend):
    """What the job runner does each minute, each job with a new snapshot."""
    env = backend.env
    backend._job_pull()
    env.cr.rollback()
    backend._job_push()
    env.cr.rollback()


with environment() as env:
    env["sync.backend"].search([]).active = False
    sides = {
        f"{count:,} mappings": make(env, f"Quiet {count}", count)._as_runner()
        for count in (FEW, MANY)
    }
    env.cr.commit()
    env.cr.execute("ANALYZE")
    env.cr.commit()
    milliseconds = {name: [] for name in sides}
    for number in range(ROUNDS + 2):
        for name, backend in sides.items():
            seconds = timed(jobs, backend)
            if number >= 2:  # the first ones read the cursor's beginning and warm up
                milliseconds[name].append(1000 * seconds)

print(f"\nPull and push with nothing to do, ms ({ROUNDS} rounds)")
print(f"{'':24}{'min':>9}{'median':>9}{'max':>9}")
for name, values in milliseconds.items():
    print(f"{name:24}{min(values):9.1f}{median(values):9.1f}{max(values):9.1f}")
few, many = (median(values) for values in milliseconds.values())
print(f"ratio {many / few:.2f}")
