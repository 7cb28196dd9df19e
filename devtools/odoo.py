"""Odoo 19: the user's own, or the Debian package unpacked into ``.dev/odoo``.

Debian ships Odoo in its unstable suite only. The package is fetched from the
mirror that this machine's apt already uses, with a private source list and
private state, and unpacked, not installed: the system stays as it is.
"""

import shutil
import stat
from contextlib import suppress

from . import paths, settings, shell
from .progress import StepError, step

SUITE = "sid"
# The package replaces some of Odoo's files by links into these.
PACKAGES = (
    "odoo-19",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-inconsolata",
    "fonts-montserrat",
    "fonts-roboto-unhinted",
)
# Later releases carry version 7, which lacks the linked files.
FONT_AWESOME_SUITE = "bookworm"
FONT_AWESOME = f"fonts-font-awesome/{FONT_AWESOME_SUITE}"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DIST = paths.ODOO / "usr/lib/python3/dist-packages"
# What apt prints in place of an origin that it has not read yet.
UNKNOWN = "$(ORIGIN)"
PROBE = "odoo/addons/web/static/lib/jquery/jquery.js"
NAME_ONE = "\nGet Odoo 19 yourself, and name its folder in PHARMACY_SYNC_ODOO."
ABSENT_FILES = (
    "odoo/addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js",
)


def folder():
    """The folder that holds the ``odoo`` package and Odoo's ``addons``."""
    return settings.odoo_folder() or DIST


def identity():
    """A text that changes when Odoo does."""
    home = folder()
    release = (home / "odoo/release.py").read_text()
    head = home / ".git/HEAD"
    return f"{home} {release} {head.read_text() if head.exists() else ''}"


def problems():
    """What keeps this machine from having an Odoo 19, one text each."""
    own = settings.odoo_folder()
    if own:
        release = own / "odoo/release.py"
        if not release.exists() or not _own_addons(own):
            yield f"PHARMACY_SYNC_ODOO={own}: no folder odoo/ with Odoo's addons"
        elif "version_info = (19," not in release.read_text():
            yield f"PHARMACY_SYNC_ODOO={own}: this is not Odoo 19"
    elif not _is_complete() and not paths.DOWNLOADS.exists():
        yield from (f"Odoo 19 {text}{NAME_ONE}" for text in apt_problems())


def apt_problems():
    """What keeps :func:`private_apt` from working here, one text each."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        yield "is downloaded by means of apt-get, which is not on this machine."
    elif not _mirror():
        yield "is downloaded from a Debian mirror, and apt here has none."


def ensure():
    """Have an Odoo 19 in :func:`folder`, and the link to this addon."""
    own = settings.odoo_folder()
    if not own and not _is_complete():
        with step("Odoo 19: download and unpack the Debian package"):
            _download()
            for package in sorted(paths.DOWNLOADS.glob("*.deb")):
                shell.run(["dpkg", "-x", package, paths.ODOO], "odoo", 300)
            if not _is_complete():
                raise StepError(f"{paths.ODOO} is not complete: ./dev clean --all")
    if not own:
        _fill_gaps()
    link_addon()


def addons_path(addons, neighbours=False):
    """Odoo's own addons, those installed by pip, this one, in ``addons``, those of
    the tests, and its neighbours."""
    home = folder()
    site = next((paths.VENV / "lib").glob("python3*/site-packages"))
    return [
        *(str(path) for path in _own_addons(home)),
        str(site / "odoo/addons"),
        str(addons),
        str(paths.TEST_ADDONS),
        *([str(paths.NEIGHBOURS / "odoo/addons")] if neighbours else ()),
    ]


def write_script():
    """The ``odoo`` command: one for all the ways Odoo can be laid out.

    A script is needed: the prefork server re-executes ``argv[0]``, which
    ``python -m odoo`` does not survive.
    """
    text = (
        f"#!{paths.VENV}/bin/python\n"
        "import os\n\n"
        "import odoo.cli\n\n"
        # A server that reloads starts its interpreter by name.
        f"os.environ['PATH'] = {str(paths.VENV / 'bin')!r} + os.pathsep + "
        "os.environ.get('PATH', os.defpath)\n"
        'if __name__ == "__main__":\n'
        "    odoo.cli.main()\n"
    )
    paths.ODOO_SCRIPT.parent.mkdir(parents=True, exist_ok=True)
    paths.ODOO_SCRIPT.write_text(text)
    paths.ODOO_SCRIPT.chmod(paths.ODOO_SCRIPT.stat().st_mode | stat.S_IXUSR)


def command():
    """The words that start Odoo."""
    return [str(paths.VENV / "bin/python"), str(paths.ODOO_SCRIPT)]


def _own_addons(home):
    """Folders of Odoo's addons; Debian's has a second, stripped one beside it."""
    candidates = (home / "odoo/addons", home / "addons")
    return [path for path in candidates if (path / "web/static").is_dir()]


def _is_complete():
    return (DIST / "odoo/release.py").exists() and (DIST / PROBE).exists()


def _fill_gaps():
    """Empty files where the package has none: a missing one fails every tour."""
    for name in ABSENT_FILES:
        path = DIST / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()


def link_addon():
    """Have this addon under its own name: a folder of links to what is in the checkout.

    A link to the checkout itself would lead back into ``.dev``: a server that watches
    its addons (``--dev=reload``) would walk it for ever.
    """
    folder = paths.ADDON_LINK
    if folder.is_symlink():  # made by an earlier version
        folder.unlink()
    folder.mkdir(exist_ok=True)
    wanted = {path.name for path in paths.ROOT.iterdir() if path.name[0] != "."}
    for name in {path.name for path in folder.iterdir()} - wanted:
        if (folder / name).is_symlink():
            (folder / name).unlink(missing_ok=True)
    for name in wanted - {"__pycache__"}:
        with suppress(FileExistsError):
            (folder / name).symlink_to(f"../../../{name}")


def _download():
    if paths.DOWNLOADS.exists():
        return
    partial = paths.STATE / "debs.partial"
    partial.mkdir(parents=True, exist_ok=True)
    apt_get = ["apt-get", *private_apt()]
    shell.run([*apt_get, "update"], "odoo", 300)
    # As root, apt would fetch as a user that cannot write into a home folder.
    options = ["-o", "APT::Sandbox::User=root"]
    words = [*apt_get, *options, "download", *PACKAGES, FONT_AWESOME]
    shell.run(words, "odoo", 900, cwd=partial)
    partial.rename(paths.DOWNLOADS)


def private_apt():
    """Options for an apt that reads our list and writes nothing of the system."""
    lists = paths.APT / "lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    mirror = _mirror()
    source = paths.APT / "sources.list"
    source.write_text(
        "".join(
            f"deb [signed-by={KEYRING}] {mirror} {suite} main\n"
            for suite in (SUITE, FONT_AWESOME_SUITE)
        )
    )
    return [
        f"-oDir::Etc::SourceList={source}",
        "-oDir::Etc::SourceParts=/dev/null",
        f"-oDir::State::Lists={lists}",
        "-oDir::Cache::pkgcache=",
        "-oDir::Cache::srcpkgcache=",
    ]


def _mirror():
    """The Debian mirror of this machine's own apt configuration, or None."""
    form = "$(CREATED_BY) $(COMPONENT) $(REPO_URI) $(ORIGIN)"
    command = ["apt-get", "indextargets", "--format", form]
    # Where nobody ran "apt-get update" yet, as in an image, apt lists none otherwise.
    return choose_mirror(shell.text(command) or "") or choose_mirror(
        shell.text([*command, "--no-release-info"]) or ""
    )


def choose_mirror(targets):
    """The Debian mirror among apt's targets, or None.

    :param targets: a line each: what it is, component, address, origin
    """
    mirrors = {
        words[2]
        for words in map(str.split, targets.splitlines())
        if words[:2] == ["Packages", "main"]
        and "security" not in words[2]
        and _is_debian(*words[2:])
    }
    return min(mirrors, default=None)


def _is_debian(address, *origin):
    # Repositories of others, such as PostgreSQL's, have a component "main" too.
    return origin == ("Debian",) or (origin == (UNKNOWN,) and "debian" in address)
