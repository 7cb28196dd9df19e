"""What changed for users: fragments of the next version, and those that were released.

A change that a user would notice brings a file ``<a few words>.<kind>.rst`` with a
sentence or two in ``readme/newsfragments``. ``./dev readme`` shows them under *Next
version*; ``./dev news`` makes them those of the manifest's version, in
``readme/HISTORY.rst``.
"""

import ast
import datetime

from . import paths
from .progress import StepError, say

FOLDER = paths.ROOT / "readme/newsfragments"
HISTORY = paths.ROOT / "readme/HISTORY.rst"
KINDS = {
    "feature": "New",
    "bugfix": "Fixed",
    "removal": "Removed, or changed for administrators",
}


def history():
    """The change log as reStructuredText, the next version first."""
    parts = [_section("Next version")] if _fragments() else []
    return "\n".join([*parts, HISTORY.read_text()]).strip() + "\n"


def release():
    """Make the fragments those of the version that the manifest names."""
    if not _fragments():
        raise StepError("readme/newsfragments: there is nothing to release")
    manifest = ast.literal_eval((paths.ROOT / "__manifest__.py").read_text())
    title = f"{manifest['version']} ({datetime.date.today():%Y-%m-%d})"
    if manifest["version"] in HISTORY.read_text():
        raise StepError(f"{manifest['version']} is in readme/HISTORY.rst already")
    HISTORY.write_text(f"{_section(title)}\n{HISTORY.read_text()}")
    for path in _fragments():
        path.unlink()
    say("ok", f"readme/HISTORY.rst has {title}; write the README: ./dev readme")


def _fragments():
    found = sorted(FOLDER.glob("*.rst"))
    for path in found:
        words = path.name.split(".")
        if len(words) != 3 or words[1] not in KINDS:
            raise StepError(f"{path.name}: not <words>.<{'|'.join(KINDS)}>.rst")
    return found


def _section(title):
    lines = [title, "-" * len(title), ""]
    for kind, heading in KINDS.items():
        found = [path for path in _fragments() if path.name.endswith(f".{kind}.rst")]
        if found:
            lines += [f"**{heading}**", ""]
            lines += [_item(path) for path in found]
            lines.append("")
    return "\n".join(lines)


def _item(path):
    return "* " + "\n  ".join(path.read_text().strip().splitlines())
