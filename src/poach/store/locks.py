"""Locks of files, which mean nothing where a file system does not know them.

No result depends on them: they keep two processes from doing the same work.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from poach.store import manifest

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: What a file system says that has no locks, or whose lock server is away.
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}


def file_lock(path: Path) -> BaseFileLock:
    """Return a lock at `path`, which is not taken yet."""
    # Imported late: a warm run takes no lock.
    from filelock import FileLock

    logging.getLogger("filelock").setLevel(logging.INFO)
    if hasattr(FileLock, "fallback_to_soft"):
        # A file that says "locked" outlives who wrote it, and might block for ever.
        return FileLock(path, mode=0o666, fallback_to_soft=False)
    return FileLock(path, mode=0o666)


def acquire(lock: BaseFileLock, blocking: bool = False) -> bool:
    """Take `lock` if it is free, or wait for it; a file system without locks gives it.

    Returns whether it was free.
    """
    from filelock import Timeout

    try:
        lock.acquire(timeout=-1 if blocking else 0)
    except Timeout:
        return False
    except NotImplementedError:  # no flock there, and a filelock that says so
        pass
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def is_free(path: Path) -> bool:
    """Return whether nobody holds the lock at `path`, or locks mean nothing there."""
    lock = file_lock(path)
    free = acquire(lock)
    lock.release()
    return free


@contextlib.contextmanager
def if_free(path: Path) -> Iterator[Path | None]:
    """Hold the lock at `path` and give that, or None where somebody else holds it."""
    lock = file_lock(path)
    free = acquire(lock)
    try:
        yield path if free else None
    finally:
        lock.release()


def take(path: Path, waiting: Callable[[str], None]) -> BaseFileLock:
    """Take the lock at `path`; call `waiting` with the holder if that must wait.

    Beside the lock stands who holds it: for others to read, and to be trusted by
    nobody, since it outlives a process that is killed.  Raises OSError.
    """
    lock = file_lock(path)
    if not acquire(lock):
        waiting(_read(_holder(path)))
        acquire(lock, blocking=True)
    try:
        _holder(path).unlink(missing_ok=True)  # a dead one's may be another user's
        _holder(path).write_text(f"pid {os.getpid()} on {socket.gethostname()}")
    except OSError:
        lock.release()
        raise
    return lock


def give_back(lock: BaseFileLock) -> None:
    """End what `take` began."""
    try:
        _holder(Path(lock.lock_file)).unlink(missing_ok=True)
    finally:
        lock.release()


def _holder(path: Path) -> Path:
    return path.with_suffix(".holder")


def _read(holder: Path) -> str:
    try:
        return manifest.read(holder).decode() or "another process"
    except (OSError, ValueError):
        return "another process"
