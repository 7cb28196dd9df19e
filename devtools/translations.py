"""``./dev i18n``: the catalogue of texts, and its translations brought up to it."""

import shutil

from . import config, copying, databases, odoo, paths, shell
from .progress import StepError, step

SCRIPT = paths.ROOT / "devtools" / "catalogues.py"
FOLDER = paths.ROOT / "i18n"
TIMEOUT = 300


def write():
    """Write ``i18n/*.pot`` from the prepared database, and merge ``i18n/*.po``."""
    with step("catalogue of texts"):
        made = _make()
        FOLDER.mkdir(exist_ok=True)
        for path in made.glob("*.po*"):
            shutil.copy(path, FOLDER / path.name)
    print((paths.LOG / "i18n.log").read_text().rpartition("catalogues: ")[2].strip())


def check():
    """Raise :class:`StepError` when a catalogue is not what would be written."""
    with step("catalogue of texts"):
        for path in _make().glob("*.po*"):
            kept = FOLDER / path.name
            if not kept.exists() or kept.read_bytes() != path.read_bytes():
                raise StepError(f"i18n/{path.name} is not up to date: run ./dev i18n")


def _make():
    """The folder of the catalogues as they should be."""
    # Odoo's exporter follows every link below the addon, .dev included.
    addon = copying.clean_copy("i18n")
    # An addon of the tests is another module, with texts of its own.
    shutil.rmtree(addon / paths.TEST_ADDONS.relative_to(paths.ROOT))
    conf = config.write("i18n", addons=addon.parent)
    with databases.run_clone("i18n") as database:
        words = ["shell", "-c", conf, "-d", database, "--no-http"]
        shell.run([*odoo.command(), *words], "i18n", TIMEOUT, stdin=SCRIPT)
    return addon / "i18n"
