"""Folders that appear whole, durably and at once, for all who share a folder."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import NamedTuple

#: How often a folder may be put where another process just removes an empty parent.
_TRIES = 5


#: The rights that a folder may give others to all its files, with any umask: its
#: group to change it, and everybody to read it.
_OTHERS = 0o075
_RUN = stat.S_IXGRP | stat.S_IXOTH


class Common(NamedTuple):
    """The folder `top`: what is made in it lets others do what `top` itself lets them.

    So who shares it need not agree about a umask.  All methods raise OSError.
    """

    top: Path

    def make(self, folder: Path) -> None:
        """Make a folder, and those that lead to it, unless it is there."""
        if folder.is_dir():
            return
        if self.top not in folder.parents:  # that is the user's
            folder.mkdir(parents=True, exist_ok=True)
            return
        self.make(folder.parent)
        folder.mkdir(exist_ok=True)
        self.share(folder)

    def share(self, *paths: Path) -> None:
        """Give others the same rights to our files and folders as to `top`.

        Where that hands its group on (setgid), they get it: what pip has moved has not.
        """
        if os.name == "nt":  # where folders hand that on by themselves
            return
        top = self.top.stat()
        for path in paths:
            status = path.lstat()
            if status.st_uid == os.geteuid() and not stat.S_ISLNK(status.st_mode):
                _share(path, status, top)


def _share(path: Path, status: os.stat_result, top: os.stat_result) -> None:
    is_folder = stat.S_ISDIR(status.st_mode)
    allowed = top.st_mode & (_OTHERS | stat.S_ISGID if is_folder else _OTHERS)
    if not is_folder and not status.st_mode & stat.S_IXUSR:
        allowed &= ~_RUN
    strange = top.st_mode & stat.S_ISGID and status.st_gid != top.st_gid
    if strange:
        with contextlib.suppress(PermissionError):  # who is no member is no owner there
            os.chown(path, -1, top.st_gid)
    mode = stat.S_IMODE(status.st_mode)
    if strange or mode | allowed != mode:
        path.chmod(mode | allowed)


def appear(made: Path, place: Path, common: Common) -> None:
    """Rename the folder `made` to `place`; an existing folder there stays.

    Raises OSError.
    """
    share_and_sync(made, common)
    for left in reversed(range(_TRIES)):
        try:
            common.make(place.parent)
            made.rename(place)
            break
        except FileNotFoundError:
            if not left:
                raise
        except OSError:
            # Where locks mean nothing, another process may have been faster.
            if place.is_dir():
                break
            if place.parent.is_dir() or not left:
                raise
    sync(place.parent)


def share_and_sync(made: Path, common: Common) -> None:
    """Make the folder `made`, with all in it, ready to appear; raise OSError."""
    common.share(made, *made.rglob("*"))
    _sync_tree(made)


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
