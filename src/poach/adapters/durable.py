"""Folders that appear whole, durably and at once, on disks that may be full."""

from __future__ import annotations

import errno
import os
from pathlib import Path

#: What a file system says that takes no more.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

#: How often a folder may be put where another process just removes an empty parent.
_TRIES = 5


def appear(made: Path, place: Path) -> None:
    """Let the folder `made` appear at `place`; what is there already stays.

    Raises OSError.
    """
    _sync_tree(made)
    for left in reversed(range(_TRIES)):
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            made.rename(place)
            break
        except OSError:
            # Where locks mean nothing, another process may have been faster.
            if place.is_dir():
                break
            if place.parent.is_dir() or not left:
                raise
    sync(place.parent)


def sync(path: Path) -> None:
    """Wait until what was written at `path` is on the disk."""
    # Folders cannot be opened on Windows, where renames are durable without.
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)
