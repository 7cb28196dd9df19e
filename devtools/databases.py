"""Prepared databases: made once, cloned for every use.

::

    <prefix>base_<hash>   the addons that this one depends on
    <prefix>test_<hash>   a clone of it with this addon installed
    <prefix>near_<hash>   a clone of the base with the addons of NEIGHBOURS: tests
                          install this one beside them
    <prefix>run_<pid>...  a clone of that, dropped when its run ends
    <prefix>demo          what ./dev up serves

The hashes cover what went into a database, so that a change makes a new one.
"""

import ast
import fcntl
import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from . import config, odoo, paths, postgres, shell, stamps, venv
from .progress import StepError, step

BASE_TIMEOUT = 900
ADDON_TIMEOUT = 300
NEIGHBOURS = (
    "auditlog",
    "edi_core_oca",
    "purchase_exception",
    "purchase_order_approved",
    "purchase_stock",
    "sale_management",
    "sale_purchase",
)
# Databases that can be made again need not wait for the disk.
CARELESS = {"PGOPTIONS": "-c synchronous_commit=off"}

DEMO = paths.DATABASE_PREFIX + "demo"
# Folders of the repository that no database depends on.
OUTSIDE = {"tests", "benchmarks", "devtools", "pharmacy_app", "readme", "demo", "docs"}
SUFFIXES = {".py", ".xml", ".csv"}
WARM_UP = "env['ir.qweb']._pregenerate_assets_bundles()\nenv.cr.commit()\n"


def base():
    """Name of the database with the addons that this one depends on."""
    needs = _dependencies()
    version = postgres.query("select current_setting('server_version_num')")
    addons = venv.ADDON_REQUIREMENTS
    key = stamps.digest(odoo.identity(), addons, needs, version)
    name = f"{paths.DATABASE_PREFIX}base_{key}"
    with _lock():
        if name not in postgres.databases():
            with step(f"database with {', '.join(needs)} (once)"):
                _make(name, lambda new: _prepare_base(new, needs))
        _drop_others("base_", keep=name)
    return name


def template():
    """Name of the database to clone for tests: this addon installed, warm."""
    source = base()
    key = stamps.digest(source, *_files(OUTSIDE))
    name = f"{paths.DATABASE_PREFIX}test_{key}"
    with _lock():
        if name not in postgres.databases():
            with step("database with this addon"):
                _make(name, lambda new: _prepare_template(source, new))
        _drop_others("test_", keep=name)
    return name


def neighbours():
    """Name of the database with the addons of others, without this one."""
    venv.ensure_neighbours()
    source = base()
    key = stamps.digest(source, venv.NEIGHBOUR_REQUIREMENTS, NEIGHBOURS)
    name = f"{paths.DATABASE_PREFIX}near_{key}"
    with _lock():
        if name not in postgres.databases():
            with step("database with addons of others (once)"):
                _make(name, lambda new: _prepare_neighbours(source, new))
        _drop_others("near_", keep=name)
    return name


def demo_is_current():
    """Whether the demonstration database has the present code."""
    return stamps.is_done("demo", _demo_key())


def make_demo():
    """Make the demonstration database."""
    source = base()
    with step("demonstration database"):
        _make(DEMO, lambda new: _install_on_clone(source, new))
    stamps.mark_done("demo", _demo_key())


def update_demo():
    """Bring the demonstration database to the present code."""
    with step("update this addon in the demonstration database"):
        _odoo(DEMO, ["-u", paths.ADDON_NAME], ADDON_TIMEOUT)
    stamps.mark_done("demo", _demo_key())


def _demo_key():
    return stamps.digest(*_files(OUTSIDE - {"pharmacy_app"}))


@contextmanager
def run_clone(word="0", source=None):
    """A clone of the template: its name. It and its relatives go afterwards.

    ``word`` distinguishes the clones of one process; ``source`` is the template if the
    caller knows it.

    Relatives are databases whose names start with that of the clone.
    """
    _drop_abandoned()
    source = source or template()
    name = f"{paths.DATABASE_PREFIX}run_{os.getpid()}_{word}"
    with step("clone the prepared database"):
        clone(source, name)
    try:
        yield name
    finally:
        for relative in postgres.databases(name):
            drop(relative)


def clone(source, name):
    """Copy a database and its filestore."""
    drop(name)
    postgres.clone(source, name)
    if (paths.FILESTORE / source).exists():
        # Stored files are never changed, so that links serve as copies.
        shutil.copytree(
            paths.FILESTORE / source, paths.FILESTORE / name, copy_function=os.link
        )


def drop(name):
    """Drop a database of this checkout and its filestore."""
    postgres.drop(name)
    shutil.rmtree(paths.FILESTORE / name, ignore_errors=True)


def _make(name, fill):
    """Fill a database under another name, so that a half-made one is not used."""
    new = f"{name}_new"
    drop(new)
    fill(new)
    shutil.rmtree(paths.FILESTORE / name, ignore_errors=True)
    postgres.rename(new, name)
    if (paths.FILESTORE / new).exists():
        (paths.FILESTORE / new).rename(paths.FILESTORE / name)


def _install_on_clone(source, new):
    clone(source, new)
    _install(new, [paths.ADDON_NAME], ADDON_TIMEOUT)


def _prepare_base(new, needs):
    _install(new, needs, BASE_TIMEOUT)
    _warm_up(new)


def _prepare_template(source, new):
    _install_on_clone(source, new)
    _warm_up(new)


def _prepare_neighbours(source, new):
    clone(source, new)
    _install(new, NEIGHBOURS, BASE_TIMEOUT, neighbours=True)


def _warm_up(name):
    """Build the asset bundles, which the first page would wait for.

    Done for the base too: a clone builds only those that its addon changes.
    """
    script = paths.RUN / "warm_up.py"
    script.write_text(WARM_UP)
    words = ["shell", "-c", config.write("prepare"), "-d", name, "--no-http"]
    shell.run(
        [*odoo.command(), *words], "database", BASE_TIMEOUT, env=CARELESS, stdin=script
    )


def _install(name, addons, timeout, neighbours=False):
    _odoo(name, ["-i", ",".join(addons)], timeout, neighbours)
    installed = postgres.query(
        "select name from ir_module_module where state = 'installed'", database=name
    )
    missing = sorted(set(addons) - {row[0] for row in installed})
    if missing:
        raise StepError(
            f"Odoo could not install {', '.join(missing)}",
            log=paths.LOG / "database.log",
        )


def _odoo(name, words, timeout, neighbours=False):
    conf = config.write("prepare", neighbours=neighbours)
    command = [*odoo.command(), "-c", conf, "-d", name, *words]
    options = ["--stop-after-init", "--no-http", "--max-cron-threads=0"]
    shell.run([*command, *options], "database", timeout, env=CARELESS)


def _dependencies():
    path = paths.ROOT / "__manifest__.py"
    return sorted(ast.literal_eval(path.read_text())["depends"])


def _files(outside):
    """Names and paths of the files that matter, in a fixed order."""
    for folder, names, files in os.walk(paths.ROOT):
        names[:] = sorted(n for n in names if n not in outside and n[0] not in "._")
        for name in sorted(files):
            if os.path.splitext(name)[1] in SUFFIXES:
                path = Path(folder, name)
                yield path.relative_to(paths.ROOT)
                yield path


def _drop_others(kind, keep):
    for name in postgres.databases(paths.DATABASE_PREFIX + kind):
        if name != keep:
            drop(name)


def _drop_abandoned():
    prefix = paths.DATABASE_PREFIX + "run_"
    for name in postgres.databases(prefix):
        pid = name.removeprefix(prefix).split("_")[0]
        if not os.path.exists(f"/proc/{pid}"):
            drop(name)


@contextmanager
def _lock():
    """One preparation at a time in a checkout."""
    with open(paths.RUN / "databases.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
