"""The staging directories ``.poach-*`` of a tree, in which files wait.

With a whole journal in it, the tree may be changed in part.  Without one, nothing was
changed yet, or everything was: then it is rubbish, which the next run removes.  A run
that writes holds the lock of the tree, so that no other directory is in use then.
"""

from __future__ import annotations

import os
from contextlib import suppress

from poach.applier.disk.root import Root

PREFIX = ".poach-"
JOURNAL = "journal.json"

_MODE = 0o700
_MADE = ("new-", "old-", "back")  # how the names in the folder begin


def is_staging(name: str) -> bool:
    """Return whether `name` is that of a staging directory."""
    return name.lower().startswith(PREFIX)


def staging_folders(root: Root) -> list[str]:
    """Return the names of the staging directories of a tree."""
    try:
        return sorted(filter(is_staging, root.names()[0]))
    except OSError:
        return []


def other_owner(root: Root, staging: str) -> str | None:
    """Return the owner of a folder or its journal; None for the user of this process.

    For root, too, the folder of another user is that of another: who obeys its journal
    changes files and permissions as its owner wants.
    """
    if not hasattr(os, "geteuid"):
        return None
    # Imported late: a run that finds no such folder needs no pathlib.
    from poach.system import user_name

    found = (root.lstat(path).st_uid for path in (staging, f"{staging}/{JOURNAL}"))
    others = [owner for owner in found if owner != os.geteuid()]
    return user_name(others[0]) if others else None


def is_private(root: Root, staging: str) -> bool:
    """Return whether a folder has the permissions that `new_staging` gives it.

    What is unpacked, cloned or put there by others seldom has them.
    """
    mode = root.lstat(staging).st_mode
    return not hasattr(os, "geteuid") or mode & 0o777 == _MODE


def sweep(root: Root, staging: str) -> None:
    """Remove a folder without a journal if it is this user's, and nothing else in it.

    Without the lock it may be in use: then it stays.
    """
    with suppress(OSError):
        if root.is_locked and _is_rubbish(root, staging):
            root.remove_tree(staging)


def _is_rubbish(root: Root, staging: str) -> bool:
    """Return whether a folder and all in it look as this user's poach made them."""
    if root.lstat(staging).st_uid != os.geteuid() or not is_private(root, staging):
        return False
    folders, files = root.names(staging)
    return all(name == JOURNAL or name.startswith(_MADE) for name in [*folders, *files])


def remove(root: Root, staging: str) -> None:
    """Remove a folder, the journal first: without it nothing is to be put back."""
    root.forget()
    with suppress(FileNotFoundError):
        root.unlink(f"{staging}/{JOURNAL}")
    with suppress(OSError):
        root.remove_tree(staging)


def new_staging(root: Root) -> str:
    """Make a folder for new and old files; return its name.  Raises OSError."""
    staging = f"{PREFIX}{os.getpid()}-{os.urandom(4).hex()}"
    root.mkdir(staging, _MODE)
    return staging
