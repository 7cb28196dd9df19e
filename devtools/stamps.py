"""Steps that need not be done again: a hash of their inputs, kept in a file."""

import hashlib
from pathlib import Path

from . import paths


def digest(*inputs):
    """Short hash of texts, and of the contents of absolute paths."""
    total = hashlib.sha256()
    for item in inputs:
        is_file = isinstance(item, Path) and item.is_absolute()
        data = item.read_bytes() if is_file else str(item).encode()
        total.update(hashlib.sha256(data).digest())
    return total.hexdigest()[:10]


def is_done(name, key):
    """Whether step ``name`` was finished with these inputs."""
    path = paths.STAMPS / name
    return path.exists() and path.read_text() == key


def mark_done(name, key):
    """Remember that step ``name`` is finished with these inputs."""
    (paths.STAMPS / name).write_text(key)
