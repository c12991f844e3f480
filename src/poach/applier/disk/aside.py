"""The folders ``.poach-*`` of a tree, in which files wait while it is written.

With a whole journal in it, the tree may be changed in part.  Without one, nothing was
changed yet, or everything was: then it is rubbish, which the next run removes.  Whoever
writes to a tree holds its lock, so that nobody else's folder is in use then.
"""

from __future__ import annotations

import os
from contextlib import suppress

from poach.applier.disk.below import Root

PREFIX = ".poach-"
JOURNAL = "journal.json"

_MODE = 0o700
_MADE = ("new-", "old-", "back")  # how the names in the folder begin


def is_aside(name: str) -> bool:
    """Return whether a folder's name is that of one in which new files wait."""
    return name.lower().startswith(PREFIX)


def asides(root: Root) -> list[str]:
    """Return the names of the folders of a tree in which new files wait."""
    try:
        return sorted(filter(is_aside, root.names()[0]))
    except OSError:
        return []


def other_owner(root: Root, aside: str) -> str | None:
    """Return whose a folder, or its journal, is; None for the user of this process.

    For root, too, the folder of another user is that of another: who obeys its journal
    changes files and permissions as its owner wants.
    """
    if not hasattr(os, "geteuid"):
        return None
    # Imported late: a run that finds no such folder needs no pathlib.
    from poach.system import user_name

    found = (root.lstat(path).st_uid for path in (aside, f"{aside}/{JOURNAL}"))
    others = [owner for owner in found if owner != os.geteuid()]
    return user_name(others[0]) if others else None


def is_private(root: Root, aside: str) -> bool:
    """Return whether a folder has the permissions that `new_aside` gives it.

    What is unpacked, cloned or put there by others seldom has them.
    """
    mode = root.lstat(aside).st_mode
    return not hasattr(os, "geteuid") or mode & 0o777 == _MODE


def sweep(root: Root, aside: str) -> None:
    """Remove a folder without a journal if it is this user's, and nothing else in it.

    Without the lock it may be in use: then it stays.
    """
    with suppress(OSError):
        if root.is_locked and _is_rubbish(root, aside):
            root.remove_tree(aside)


def _is_rubbish(root: Root, aside: str) -> bool:
    """Return whether a folder and all in it look as this user's poach made them."""
    if root.lstat(aside).st_uid != os.geteuid() or not is_private(root, aside):
        return False
    folders, files = root.names(aside)
    return all(name == JOURNAL or name.startswith(_MADE) for name in [*folders, *files])


def remove(root: Root, aside: str) -> None:
    """Remove a folder, the journal first: without it nothing is to be put back."""
    root.forget()
    with suppress(FileNotFoundError):
        root.unlink(f"{aside}/{JOURNAL}")
    with suppress(OSError):
        root.remove_tree(aside)


def new_aside(root: Root) -> str:
    """Make a folder for new and old files; return its name.  Raises OSError."""
    aside = f"{PREFIX}{os.getpid()}-{os.urandom(4).hex()}"
    root.mkdir(aside, _MODE)
    return aside
