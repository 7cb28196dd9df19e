"""``./dev up``, ``stop``, ``status`` and ``clean``: Odoo and the pharmacy app."""

import json
import secrets
import shutil

from . import (
    config,
    databases,
    demo,
    machine,
    odoo,
    paths,
    postgres,
    processes,
    settings,
    venv,
)
from .progress import say, step

ODOO = "odoo"
APP = "pharmacy_app"
START_TIMEOUT = 120
# A request of the app takes two connections, a job three, and two jobs are under way:
# so many requests at once find theirs, and others wait until a thread is free.
CONNECTIONS = 32
THREADS = 12
# Ports and secrets of the demonstration, so that it comes up again the same.
APP_DATA = paths.DATA / "pharmacy_app.sqlite"
STATE = paths.RUN / "stack.json"
# An API key of the demonstration's Odoo, for calls as the pharmacy app.
ODOO_KEY = paths.RUN / "odoo_api_key"


def up():
    """Set up, start and fill everything; print where it is."""
    machine.prepare()
    _prepare_database()
    state = _state()
    limits = {"gevent_port": 0, "db_maxconn": CONNECTIONS}
    conf = config.write(ODOO, databases.DEMO, state["odoo_port"], **limits)
    _start(APP, app_command(state, APP_DATA), app_url(state), app_environment(state))
    threads = {"ODOO_MAX_HTTP_THREADS": str(THREADS)}
    _start(ODOO, [*odoo.command(), "-c", conf], odoo_url(state), threads)
    demo.seed_app(app_url(state), state["key"])
    known = {**demo_environment(state), "PHARMACY_ODOO_KEY_FILE": str(ODOO_KEY)}
    demo.load_odoo(conf, databases.DEMO, known)
    demo.wait_until_in_step(databases.DEMO)
    _print_addresses(state)


def stop():
    """End the servers that :func:`up` started."""
    for name in processes.running():
        processes.stop(name)


def status():
    """Say what runs and which databases are there."""
    for name in (ODOO, APP):
        pid = processes.pid(name)
        say("up" if pid else "down", f"{name} (pid {pid})" if pid else name)
    postgres.ensure()
    for name in postgres.databases():
        say("", f"database {name}")
    if processes.running() and STATE.exists():
        _print_addresses(json.loads(STATE.read_text()))


def clean(everything):
    """Stop, drop this checkout's databases and remove ``.dev``.

    What was downloaded stays, to be used again, unless ``everything`` goes.
    """
    stop()
    with step("drop databases"):
        postgres.ensure()
        for name in postgres.databases():
            databases.drop(name)
    kept = set() if everything else {paths.DOWNLOADS}
    with step(f"remove {paths.STATE}"):
        for path in paths.STATE.iterdir():
            if path in kept:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        if everything:
            paths.STATE.rmdir()


def new_state(odoo_port, app_port):
    """Ports, API key and webhook secret for one Odoo and one pharmacy app."""
    return {
        "odoo_port": odoo_port,
        "app_port": app_port,
        "key": secrets.token_urlsafe(24),
        "webhook_secret": "whsec_" + secrets.token_hex(24),
    }


def odoo_url(state):
    """Where Odoo answers."""
    return f"http://127.0.0.1:{state['odoo_port']}"


def app_url(state):
    """Where the pharmacy app answers."""
    return f"http://127.0.0.1:{state['app_port']}"


def app_command(state, database):
    """The words that start the pharmacy app on an SQLite file."""
    words = ["--host", "127.0.0.1", "--port", state["app_port"]]
    return [venv.python(), "-m", "pharmacy_app", *words, "--database", database]


def app_environment(state):
    """Settings of the pharmacy app that must not show in a list of processes."""
    return {"PHARMACY_API_KEY": state["key"]}


def demo_environment(state):
    """What a script that connects the two sides needs to know."""
    return {
        "PHARMACY_APP_URL": app_url(state),
        "PHARMACY_APP_KEY": state["key"],
        "PHARMACY_WEBHOOK_SECRET": state["webhook_secret"],
        "PHARMACY_ODOO_URL": odoo_url(state),
    }


def _prepare_database():
    missing = databases.DEMO not in postgres.databases()
    if not missing and databases.demo_is_current():
        return
    processes.stop(ODOO)
    processes.stop(APP)
    if missing:
        # Both sides start afresh.
        ODOO_KEY.unlink(missing_ok=True)
        for path in paths.DATA.glob(f"{APP_DATA.name}*"):
            path.unlink()
        databases.make_demo()
    else:
        databases.update_demo()


def _state():
    known = json.loads(STATE.read_text()) if STATE.exists() else {}
    ports = {
        "odoo_port": (ODOO, "PHARMACY_SYNC_ODOO_PORT", settings.DEFAULT_ODOO_PORT),
        "app_port": (APP, "PHARMACY_SYNC_APP_PORT", settings.DEFAULT_APP_PORT),
    }
    for key, (name, variable, default) in ports.items():
        if not (key in known and processes.pid(name)):
            known[key] = settings.choose_port(variable, default)
    state = {**new_state(0, 0), **known}
    STATE.touch(mode=0o600)
    STATE.write_text(json.dumps(state))
    return state


def _start(name, command, url, env=None):
    if processes.pid(name):
        say("ok", f"{name} runs already")
        return
    health = {ODOO: "/web/health", APP: "/api/v1/health"}[name]
    with step(f"start {name}"):
        processes.start(name, command, env)
        processes.wait_for_http(name, url + health, START_TIMEOUT)


def _print_addresses(state):
    logins = ["admin / admin (administrator)", *demo.logins()]
    print(f"\nOdoo           {odoo_url(state)}")
    for login in logins:
        print(f"               {login}")
    print(f"               database {databases.DEMO}, API key: {ODOO_KEY}")
    print(f"               API: {odoo_url(state)}/pharmacy_sync/api/v1/openapi.json")
    print(f"Pharmacy app   {app_url(state)} (API: /docs)")
    print(f"API key, webhook secret: {STATE}")
    print(f"Logs           {paths.LOG}")
    print("Stop with      ./dev stop")
