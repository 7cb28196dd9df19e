"""Virtual environments: of Odoo, the app and the tests; of the lint tools; of docs.

What lint and Sphinx want disagrees with Odoo's needs, and with each other's.
"""

import os
import shutil
import tarfile
import zipfile

from . import odoo, paths, settings, shell, stamps
from .progress import step

MINIMUM = (3, 10)
MAXIMUM = (3, 13)  # the newest that Odoo 19 supports

REQUIREMENTS = paths.ROOT / "requirements-dev.txt"
# Addons depend on "odoo", which is no distribution of pip's here.
ADDON_REQUIREMENTS = paths.ROOT / "devtools/requirements-addons.txt"
NEIGHBOUR_REQUIREMENTS = paths.ROOT / "devtools/requirements-neighbours.txt"
DOCUMENT_REQUIREMENTS = paths.ROOT / "devtools/requirements-documents.txt"
LINT_REQUIREMENTS = paths.ROOT / "devtools/requirements-lint.txt"
DOCS_REQUIREMENTS = paths.ROOT / "devtools/requirements-docs.txt"
APP_REQUIREMENTS = tuple(
    paths.ROOT / "pharmacy_app" / name
    for name in ("requirements.txt", "requirements-test.txt")
)
PIP_TIMEOUT = 1200


def python():
    """The interpreter that has Odoo and everything else."""
    return paths.VENV / "bin/python"


def ensure():
    """Have the virtual environment of Odoo, the app and the tests."""
    files = [REQUIREMENTS, *(path for path in APP_REQUIREMENTS if path.exists())]
    key = stamps.digest(*files, ADDON_REQUIREMENTS, str(odoo.folder()))
    if stamps.is_done("venv", key) and python().exists():
        return
    with step("Python packages of Odoo, the app and the tests"):
        _create(paths.VENV)
        _pip(paths.VENV, *(f"-r{path}" for path in files))
        _pip(paths.VENV, "--no-deps", f"-r{ADDON_REQUIREMENTS}")
        site = next((paths.VENV / "lib").glob("python3*/site-packages"))
        (site / "odoo19.pth").write_text(f"{odoo.folder()}\n")
        odoo.write_script()
        stamps.mark_done("venv", key)


def ensure_lint():
    """Have the virtual environment of the lint tools."""
    _ensure_tools("lint", LINT_REQUIREMENTS, paths.LINT_VENV, "ruff")


def ensure_docs():
    """Have the virtual environment of the documentation."""
    _ensure_tools("docs", DOCS_REQUIREMENTS, paths.DOCS_VENV, "sphinx-build")


def ensure_neighbours():
    """Have the addons that tests install beside this one, in a folder of their own:
    no other database finds them."""
    key = stamps.digest(NEIGHBOUR_REQUIREMENTS)
    if stamps.is_done("neighbours", key) and paths.NEIGHBOURS.exists():
        return
    with step("addons of others, to be tested beside"):
        shutil.rmtree(paths.NEIGHBOURS, ignore_errors=True)
        target = f"--target={paths.NEIGHBOURS}"
        _pip(paths.VENV, "--no-deps", target, f"-r{NEIGHBOUR_REQUIREMENTS}")
        stamps.mark_done("neighbours", key)


def ensure_documents():
    """Have the descriptions of others' APIs, which packages for them carry."""
    key = stamps.digest(DOCUMENT_REQUIREMENTS)
    if stamps.is_done("documents", key) and paths.DOCUMENTS.exists():
        return
    with step("descriptions of others' APIs, to be tested against"):
        shutil.rmtree(paths.DOCUMENTS, ignore_errors=True)
        options = ["--no-deps", "--no-build-isolation"]
        target = f"--dest={paths.DOCUMENTS}"
        _pip(
            paths.VENV, *options, target, f"-r{DOCUMENT_REQUIREMENTS}", verb="download"
        )
        for archive in paths.DOCUMENTS.glob("*.tar.gz"):
            _take_documents(archive)
        for archive in paths.DOCUMENTS.glob("*.whl"):
            _take_documents_of_wheel(archive)
        stamps.mark_done("documents", key)


def _take_documents(archive):
    with tarfile.open(archive) as opened:
        for member in opened:
            if member.isfile() and member.name.endswith("openapi.yaml"):
                target = paths.DOCUMENTS / member.name.rpartition("/")[2]
                target.write_bytes(opened.extractfile(member).read())


def _take_documents_of_wheel(archive):
    """One that is ``<product>/schema.json`` there is ``<product>.json`` from now on."""
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            folder, __, file = name.rpartition("/")
            if file == "schema.json":
                target = paths.DOCUMENTS / f"{folder.rpartition('/')[2]}.json"
                target.write_bytes(opened.read(name))


def kit_python():
    """The interpreter that has what the contract kit needs, and no more."""
    return paths.KIT_VENV / "bin/python"


def ensure_kit():
    """Have the virtual environment of the contract kit."""
    (requests,) = (
        line
        for line in REQUIREMENTS.read_text().splitlines()
        if line.startswith("requests==")
    )
    key = stamps.digest(requests)
    if stamps.is_done("conform", key) and kit_python().exists():
        return
    with step("Python packages of the contract kit"):
        _create(paths.KIT_VENV)
        _pip(paths.KIT_VENV, requests)
        stamps.mark_done("conform", key)


def missing_packages():
    """Debian packages that the interpreter wants before it makes environments."""
    return ["python3-venv"] if _is_bare() and _is_debians() else []


def problems():
    """What is wrong with the interpreter, one text each."""
    version = _version()
    if not _is_made(paths.VENV) and not (version and MINIMUM <= version <= MAXIMUM):
        yield (
            f"{settings.python()} is not a Python 3.10 to 3.13. "
            "Install one, or name it in PHARMACY_SYNC_PYTHON."
        )
    elif _is_bare() and not _is_debians():
        yield (
            f"{settings.python()} makes no environments, as it lacks ensurepip. "
            "Name another Python in PHARMACY_SYNC_PYTHON."
        )


def _is_bare():
    """Whether the interpreter runs, and could not make an environment of ours."""
    made = _is_made(paths.VENV)
    return not made and bool(_version()) and not _version("ensurepip")


def _is_debians():
    """Whether Debian's package would help."""
    return os.path.dirname(shutil.which(settings.python()) or "") == "/usr/bin"


def _ensure_tools(name, requirements, folder, tool):
    key = stamps.digest(requirements)
    if stamps.is_done(name, key) and (folder / "bin" / tool).exists():
        return
    with step(f"Python packages of {name}"):
        _create(folder)
        _pip(folder, f"-r{requirements}")
        stamps.mark_done(name, key)


def _is_made(folder):
    # Its interpreter is a link to the system's, which an upgrade may have removed.
    return (folder / "bin/pip").exists() and (folder / "bin/python").exists()


def _version(module="sys"):
    """The interpreter's version, or None: it does not run, or lacks a module."""
    code = f"import {module}, sys; print(*sys.version_info[:2])"
    answer = shell.text([settings.python(), "-c", code])
    return tuple(map(int, answer.split())) if answer else None


def _create(folder):
    if _is_made(folder):
        return
    shell.run([settings.python(), "-m", "venv", "--clear", folder], "venv", 120)


def _pip(folder, *words, verb="install"):
    options = ["--quiet", "--disable-pip-version-check", "--no-input"]
    command = [folder / "bin/python", "-m", "pip", verb, *options, *words]
    shell.run(command, "venv", PIP_TIMEOUT)
