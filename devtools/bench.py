"""``./dev bench``: the benchmarks, each on a clone with real servers of its own.

Each ``benchmarks/bench_<name>.py`` is run with the variables of
:mod:`devtools.testing` and these:

==================================  =========================================
``PHARMACY_SYNC_DATABASE``          the clone that Odoo serves
``PHARMACY_APP_URL``, ``..._KEY``   the pharmacy app
``PHARMACY_WEBHOOK_SECRET``         secret for its webhooks
``PHARMACY_ODOO_URL``               Odoo; admin / admin
``PHARMACY_ODOO_PID``               process of that server
``PHARMACY_APP_PID``                and of the pharmacy app
==================================  =========================================
"""

import shutil
import time

from . import (
    config,
    databases,
    machine,
    odoo,
    paths,
    processes,
    settings,
    shell,
    stack,
    testing,
    venv,
)
from .progress import StepError, explain, say, step

TIMEOUT = 1800
ODOO = "bench_odoo"
APP = "bench_app"


def run(names):
    """Run the named benchmarks, or all, one after another; whether all ended well.

    Each has a database, servers and an app of its own: what another one left behind
    does not count. One that fails is said, and the next one begins.
    """
    scripts = _scripts(names)
    machine.prepare()
    ended = []
    for number, script in enumerate(scripts, 1):
        say("...", f"{script.stem}, {number} of {len(scripts)}")
        start = time.monotonic()
        good = _ends_well(script)
        ended.append((good, script.stem, time.monotonic() - start))
        _say_end(*ended[-1])
    print(f"\n{len(ended)} benchmarks, {sum(not e[0] for e in ended)} failed")
    for each in ended:
        _say_end(*each)
    return all(good for good, __, __ in ended)


def _say_end(good, name, seconds):
    say("ok" if good else "FAILED", name, seconds)


def _ends_well(script):
    try:
        return _run(script)
    except StepError as failure:
        explain(failure)
        return False


def _run(script):
    with databases.run_clone() as database:
        state = stack.new_state(settings.free_port(), settings.free_port())
        env = {
            **testing.test_environment(database, databases.template()),
            **stack.demo_environment(state),
            "PHARMACY_SYNC_DATABASE": database,
        }
        folder = paths.RUN / database
        folder.mkdir()
        try:
            _start(state, database, folder)
            env["PHARMACY_ODOO_PID"] = str(processes.pid(ODOO))
            env["PHARMACY_APP_PID"] = str(processes.pid(APP))
            command = [venv.python(), script]
            name = script.stem
            code, _text = shell.run_shown(command, name, TIMEOUT, name, env=env)
            return code == 0
        finally:
            processes.stop(ODOO)
            processes.stop(APP)
            shutil.rmtree(folder)


def _scripts(names):
    found = sorted((paths.ROOT / "benchmarks").glob("bench_*.py"))
    known = {path.stem.removeprefix("bench_"): path for path in found}
    unknown = sorted(set(names) - set(known))
    if unknown or not known:
        raise StepError(f"no such benchmark: {unknown}; there are: {', '.join(known)}")
    return [known[name] for name in names or known]


def _start(state, database, folder):
    conf = config.write(ODOO, database, state["odoo_port"])
    with step("start Odoo and the pharmacy app"):
        app = stack.app_command(state, folder / "app.sqlite")
        processes.start(APP, app, stack.app_environment(state))
        processes.start(ODOO, [*odoo.command(), "-c", conf])
        timeout = stack.START_TIMEOUT
        health = stack.app_url(state) + "/api/v1/health"
        processes.wait_for_http(APP, health, timeout)
        processes.wait_for_http(ODOO, stack.odoo_url(state) + "/web/health", timeout)
