"""The staging area of a store: work under way, and what killed processes left there.

Each folder in it belongs to a process that holds the lock in it for as long as it
lives.  Where locks prove nothing, age does, and no clock is believed alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from poach.store import locks

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from poach.store.atomic import Common

#: Rubbish of other hosts, whose locks may not be seen here, is kept this long.
STALE_SECONDS = 7 * 24 * 3600
_LOCK = "lock"


class Staging:
    """The staging area in the folder `path` of a `common` one; neither need exist yet.

    All methods raise OSError.
    """

    def __init__(self, path: Path, common: Common) -> None:
        self.path = path
        self._common = common

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a new folder, with nothing but a lock in it, and remove it in the end.

        If this process is killed, a later one sweeps it.
        """
        scratch, lock = self._locked_folder()
        try:
            yield scratch
        finally:
            lock.release()
            shutil.rmtree(scratch, ignore_errors=True)

    def write(self, path: Path, data: bytes) -> None:
        """Write a small file that appears whole, by one rename.

        It takes no lock, for a run that only notes something shall be fast.
        """
        self._common.make(path.parent)
        new = self._new()
        try:
            with new.open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            self._common.share(new)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)

    def is_empty(self) -> bool:
        """Return whether there is neither work under way nor rubbish that we may
        see."""
        return not any(self._all())

    def sweep(self, held: Path, dry_run: bool = False) -> list[Path]:
        """Remove what killed processes left; `held` is a lock that we hold.

        Returns what that was, or would be with `dry_run`.
        """
        trusted = not locks.is_free(held)
        now = self._now()
        return [left for left in self._all() if _swept(left, trusted, now, dry_run)]

    def _all(self) -> Iterator[Path]:
        with contextlib.suppress(
            FileNotFoundError, NotADirectoryError, PermissionError
        ):
            yield from self.path.iterdir()

    def _now(self) -> float:
        """Return the time by the clock that stamps files here, perhaps a server's."""
        new = self._new()
        try:
            new.touch()
            return new.stat().st_mtime
        finally:
            new.unlink(missing_ok=True)

    def _locked_folder(self) -> tuple[Path, BaseFileLock]:
        while True:
            folder = self._new()
            folder.mkdir(mode=0o700)
            lock = locks.file_lock(folder / _LOCK)
            with contextlib.suppress(FileNotFoundError):  # swept before it was ours
                locks.acquire(lock, blocking=True)
                if (folder / _LOCK).exists():
                    return folder, lock
            lock.release()

    def _new(self) -> Path:
        """Return a path that nobody else has."""
        self._common.make(self.path)
        name = f"{os.getpid()}.{socket.gethostname()}.{os.urandom(8).hex()}"
        return self.path / name


def _swept(left: Path, trusted: bool, now: float, dry_run: bool) -> bool:
    """Remove a file or folder of the staging area if no process uses it."""
    with contextlib.suppress(OSError):  # it may be another user's
        if left.is_dir():
            return _swept_folder(left, trusted, now, dry_run)
        if _is_old(left, now):  # what a killed `write` left
            if not dry_run:
                left.unlink()
            return True
    return False


def _swept_folder(left: Path, trusted: bool, now: float, dry_run: bool) -> bool:
    """Remove a folder if its process is gone.

    That is so if nobody holds its lock; and it must be old, too, where that proves
    nothing: there is no lock in it yet, locks are not `trusted`, or another host may
    keep its own to itself.
    """
    ours = left.name.partition(".")[2].rpartition(".")[0] == socket.gethostname()
    has_lock = (left / _LOCK).exists()
    if not (trusted and ours and has_lock) and not _is_old(left, now):
        return False
    if dry_run:
        return not has_lock or locks.is_free(left / _LOCK)
    lock = locks.file_lock(left / _LOCK)
    if locks.acquire(lock):
        # All at once, and before the release: who waits for the lock, and may make the
        # folder again for that, keeps what it makes.
        gone = left.with_name(f"{left.name}{os.urandom(8).hex()}")
        with contextlib.suppress(OSError):  # Windows keeps what is open
            left = left.rename(gone)
        shutil.rmtree(left, ignore_errors=True)
        lock.release()
        shutil.rmtree(left, ignore_errors=True)
    return not left.exists()


def _is_old(path: Path, now: float) -> bool:
    """Return whether nothing at or below `path` was written lately.

    A time that lies far ahead is as old as one long ago: some clock jumped.  Work that
    goes on while it jumps writes with the new time.
    """
    return not any(abs(now - time) <= STALE_SECONDS for time in _times(path))


def _times(path: Path) -> Iterator[float]:
    yield path.lstat().st_mtime
    for folder, _, files in os.walk(path):
        for name in ("", *files):
            with contextlib.suppress(FileNotFoundError):
                yield Path(folder, name).lstat().st_mtime
