"""A copy of the addon as an installer gets it: nothing of the workshop around it."""

import shutil

from . import databases, paths

WANTED = {"tests", "readme"}


def clean_copy(name):
    """Copy the addon to ``.dev/run/<name>/pharmacy_sync``; the copy's path."""
    folder = paths.RUN / name
    shutil.rmtree(folder, ignore_errors=True)
    addon = folder / paths.ADDON_NAME
    outside = (".*", "__pycache__", *databases.OUTSIDE - WANTED)
    shutil.copytree(paths.ROOT, addon, ignore=shutil.ignore_patterns(*outside))
    return addon
