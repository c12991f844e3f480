"""Permissions in a store: an item that this user may not read is not damaged."""

from __future__ import annotations

import os
from pathlib import Path

from poach.errors import PoachError
from poach.system import user_name

#: Permissions bind the effective user, where the system can tell.
_EFFECTIVE = os.access in os.supports_effective_ids


class PermissionDenied(PoachError):
    """Something in the store that this user may not read."""

    #: What was to be read.
    path: Path
    #: The folder of the store.
    store: Path
    #: What keeps us from it: that itself, or a folder on the way.
    barrier: Path
    #: The owner of the barrier.
    owner: str
    #: The permissions of the barrier.
    mode: int

    @property
    def reason(self) -> str:
        """Its owner, and what to do."""
        ours = self.barrier.is_relative_to(self.store)
        how = f" (chmod -R a+rX {self.barrier})" if ours else ""
        return (
            f"{self.barrier} belongs to {self.owner} (mode {self.mode:04o}), who has "
            f"to let others read it{how}"
        )

    def __str__(self) -> str:
        # In the store lies the folder of its format, in which everything lies.
        some = self.store in self.barrier.parents[1:]
        what = self.path if some else f"the patched-egg store {self.store}"
        return f"Cannot read {what}: {self.reason}; or set patched-eggs-directory"


def denied(path: Path, store: Path) -> PermissionDenied:
    """Return the error about `path` in `store`, which this user may not read."""
    folders = (folder for folder in reversed(path.parents) if not _may_pass(folder))
    barrier = next(folders, path)
    try:
        status = barrier.lstat()
    except OSError:  # it has just gone
        return PermissionDenied(path, store, barrier, "somebody", 0)
    mode = status.st_mode & 0o7777
    return PermissionDenied(path, store, barrier, user_name(status.st_uid), mode)


def may_read(path: str | Path) -> bool:
    """Return whether this user may read the file, or list the folder, `path`."""
    wanted = os.R_OK | os.X_OK if Path(path).is_dir() else os.R_OK
    return os.access(path, wanted, effective_ids=_EFFECTIVE)


def _may_pass(folder: Path) -> bool:
    return os.access(folder, os.X_OK, effective_ids=_EFFECTIVE)
