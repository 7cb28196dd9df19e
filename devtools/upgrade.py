"""``./dev dump COMMIT``: what the test of upgrades starts from.

The addon as it was at a commit is installed, filled by ``tests/upgrade/fill.py``
against that commit's pharmacy app, and kept as compressed SQL in
``tests/upgrade/<version>/``: Odoo's database, and those of two pharmacy apps.
"""

import ast
import lzma
import shutil
import sqlite3
import subprocess
import time
import urllib.request
from contextlib import ExitStack, contextmanager

from . import config, databases, machine, odoo, paths, settings, shell, venv
from .progress import StepError, step

FOLDER = paths.ROOT / "tests/upgrade"
FILL = FOLDER / "fill.py"
FILLED = "filled: all of it"
FILL_TIMEOUT = 600
NAME = paths.DATABASE_PREFIX + "dump"
CLINICS = ("north", "south")
KEY = "upgrade-test-key"
SECRET = "whsec_c3lzdGVtLXRlc3Qtc2VjcmV0"
DUMP = ("pg_dump", "--no-owner", "--no-privileges", "--no-comments")
# A month passes for the pharmacy apps as well; see fill.py.
GROW_OLD = """
UPDATE reservation SET expires_at = expires_at - 30 * 86400;
UPDATE idempotency SET at = at - 30 * 86400;
"""
# What psql of some minor versions writes, and that of older ones does not know.
UNKNOWN_TO_SOME = (b"\\restrict ", b"\\unrestrict ")


def make(commit):
    """Dump the version at ``commit``, filled, into the repository."""
    machine.prepare()
    folder = paths.RUN / "dump"
    addon = _check_out(commit, folder)
    manifest = ast.literal_eval((addon / "__manifest__.py").read_text())
    target = FOLDER / manifest["version"]
    conf = config.write("dump", addons=folder)
    databases.clone(databases.base(), NAME)
    try:
        with step(f"install {manifest['version']}"):
            install = ["-i", paths.ADDON_NAME, "--stop-after-init"]
            _odoo([], conf, install, databases.ADDON_TIMEOUT)
        with ExitStack() as apps:
            urls = [apps.enter_context(_app(name, addon)) for name in CLINICS]
            with step("fill it"):
                _fill(conf, urls)
        with step(f"dump it to {target.relative_to(paths.ROOT)}"):
            _dump(folder, target)
    finally:
        databases.drop(NAME)


def _check_out(commit, folder):
    shutil.rmtree(folder, ignore_errors=True)
    addon = folder / paths.ADDON_NAME
    addon.mkdir(parents=True)
    archive = folder / "addon.tar"
    shell.run(["git", "archive", "-o", archive, commit], "dump", 60)
    shutil.unpack_archive(archive, addon)
    return addon


def _odoo(verb, conf, words, timeout, **kwargs):
    options = ["-c", conf, "-d", NAME, "--no-http", "--max-cron-threads=0"]
    shell.run([*odoo.command(), *verb, *options, *words], "dump", timeout, **kwargs)


@contextmanager
def _app(name, addon):
    """That version's pharmacy app on an empty file: where it answers."""
    port = settings.free_port()
    words = ["--port", str(port), "--database", str(addon.parent / f"{name}.sqlite")]
    with open(paths.LOG / f"dump-{name}.log", "a") as log:
        process = subprocess.Popen(
            [venv.python(), "-m", "pharmacy_app", *words],
            cwd=addon,
            env=shell.environment({"PHARMACY_API_KEY": KEY}),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url):
    request = urllib.request.Request(
        f"{url}/api/v1/health", headers={"Authorization": f"Bearer {KEY}"}
    )
    for __ in range(150):
        try:
            return urllib.request.urlopen(request, timeout=5).close()
        except OSError:
            time.sleep(0.2)
    raise StepError(f"the pharmacy app does not answer at {url}")


def _fill(conf, urls):
    log = paths.LOG / "dump.log"
    log.unlink(missing_ok=True)
    addresses = {
        f"PHARMACY_APP_{name.upper()}": url
        for name, url in zip(CLINICS, urls, strict=True)
    }
    secrets = {"PHARMACY_APP_KEY": KEY, "PHARMACY_WEBHOOK_SECRET": SECRET}
    env = {**addresses, **secrets}
    _odoo(["shell"], conf, ["--log-level=warn"], FILL_TIMEOUT, env=env, stdin=FILL)
    # Odoo's shell ends well whatever its standard input raised.
    if FILLED not in log.read_text():
        raise StepError("tests/upgrade/fill.py failed", log=log)


def _dump(folder, target):
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    done = subprocess.run([*DUMP, NAME], capture_output=True, check=True)
    lines = done.stdout.splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(UNKNOWN_TO_SOME)]
    _write(target / "odoo.sql.xz", b"".join(kept))
    for name in CLINICS:
        with sqlite3.connect(folder / f"{name}.sqlite") as database:
            database.executescript(GROW_OLD)
            text = "\n".join(database.iterdump())
        _write(target / f"{name}.sql.xz", text.encode())


def _write(path, data):
    path.write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))
