"""The folders ``.poach-*`` of a tree, in which files wait while it is written.

A folder is locked for as long as its process lives.  With a whole journal in it, the
tree may be changed in part; without one, nothing was changed yet, or everything was:
then it is rubbish, which the next run clears when nobody has the lock.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

StrPath = str | os.PathLike[str]
"""A path; what each run imports works without pathlib, which takes a while to load."""

PREFIX = ".poach-"
JOURNAL = "journal.json"

_UNLOCKED = "unlocked"
_MADE = ("new-", "old-")  # how the names in the folder begin


def is_aside(name: str) -> bool:
    """Tell whether a folder's name is that of one in which new files wait."""
    return name.startswith(PREFIX)


def asides(tree: StrPath) -> list[str]:
    """Return what bears the name of a folder in which new files wait."""
    try:
        return sorted(f"{tree}/{name}" for name in os.listdir(tree) if is_aside(name))
    except OSError:
        return []


def is_journal(path: str) -> bool:
    """Tell whether a file is a journal as a whole: then renames may have begun.

    One that cannot be read may be.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return False
        with open(path, "rb") as stream:
            data = stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return _is_whole(data)


def _is_whole(data: bytes) -> bool:
    import json

    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return False
    if not isinstance(said, dict) or not isinstance(said.get("format"), int):
        return False
    old = said.get("old")
    return isinstance(old, dict) and all(map(_is_backup, old.values()))


def _is_backup(name: object) -> bool:
    return name is None or (isinstance(name, str) and name.startswith("old-"))


def sweep(tree: StrPath) -> None:
    """Remove the folders of runs that were killed before they changed anything."""
    for aside in asides(tree):
        with suppress(OSError, ImportError):
            _remove_if_dead(aside)


def _remove_if_dead(aside: str) -> None:
    """Remove a folder if it is ours, and no process that lives has its lock."""
    handle = locked(aside)
    try:
        if _is_ours(handle) and not is_journal(f"{aside}/{JOURNAL}"):
            remove(aside)
    finally:
        os.close(handle)


def _is_ours(folder: int) -> bool:
    """Tell whether an open folder and all in it look as this user's poach made them."""
    status = os.fstat(folder)
    mode = stat.S_IMODE(status.st_mode) & 0o777
    return (status.st_uid, mode) == (os.geteuid(), 0o700) and all(
        name == JOURNAL or name.startswith(_MADE) for name in os.listdir(folder)
    )


def remove(aside: str) -> None:
    """Remove a folder, the journal first: without it nothing is to be undone."""
    with suppress(FileNotFoundError):
        os.unlink(f"{aside}/{JOURNAL}")
    try:
        os.rmdir(aside)  # where all was new, nothing else is left
    except OSError:
        import shutil

        shutil.rmtree(aside, ignore_errors=True)


def locked(folder: str) -> int:
    """Lock a folder for as long as the handle is open, or this process lives.

    Raises `BlockingIOError` where another process has the lock, another `OSError` or
    `ImportError` where the folder is none or the system knows no such locks.
    """
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(handle)
        raise
    return handle


def new_aside(tree: StrPath) -> tuple[str, int | None]:
    """Make and lock a folder for new and old files; return it with its lock, if any.

    Before it is locked, another run may take it for a dead one's: then comes the next.
    """
    while True:
        aside = f"{tree}/{PREFIX}{os.getpid()}-{os.urandom(4).hex()}"
        os.mkdir(aside, 0o700)
        try:
            lock = locked(aside)
        except (BlockingIOError, FileNotFoundError):
            continue
        except (OSError, ImportError):
            # So that nobody takes it for a dead one's.
            os.close(os.open(f"{aside}/{_UNLOCKED}", os.O_WRONLY | os.O_CREAT))
            return aside, None
        if os.path.isdir(aside):
            return aside, lock
        os.close(lock)
