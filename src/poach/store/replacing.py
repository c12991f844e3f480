"""Replacing what lies at a path, which others may be using, by something ready-made."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from poach.store.atomic import Common, appear, share_and_sync, sync

#: Of renameat2(2), Linux 3.15: both names exist, and swap what they stand for.
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
#: What a file system, a system or a sandbox says that cannot do that.
_CANNOT = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM}


def replace(made: Path, place: Path, old: Path, common: Common) -> None:
    """Let the folder `made` appear at `place`; what was there is moved to `old`.

    `place` is never without the one or the other, except for the moment between two
    renames where the system cannot swap them.  All three are on one file system.  If
    nothing lies at `place`, `made` appears there all the same.  Raises OSError.
    """
    share_and_sync(made, common)
    try:
        _exchange(made, place, old)
    except FileNotFoundError:  # somebody has removed it meanwhile
        appear(made, place, common)
    else:
        sync(place.parent)


def _exchange(made: Path, place: Path, old: Path) -> None:
    try:
        _swap(made, place)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        _rename_both(made, place, old)
    else:
        made.rename(old)


def _rename_both(made: Path, place: Path, old: Path) -> None:
    place.rename(old)
    try:
        made.rename(place)
    except BaseException:
        old.rename(place)
        raise


def _swap(one: Path, other: Path) -> None:
    """Swap two paths; raise OSError, ENOSYS where the system cannot do that."""
    exchange = _renameat2()
    if exchange is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    failed = exchange(os.fsencode(one), os.fsencode(other))
    if failed:
        raise OSError(failed, os.strerror(failed), str(one), None, str(other))


def _renameat2() -> Callable[[bytes, bytes], int] | None:
    """Return a function that swaps two paths and returns errno; None without one.

    Python's library has none; glibc has it since 2.28.
    """
    # Imported late: it is needed where something is damaged, and takes a while.
    try:
        import ctypes

        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (ImportError, OSError, AttributeError, TypeError):
        return None
    renameat2.argtypes = [
        *(ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p),
        ctypes.c_uint,
    ]

    def exchange(one: bytes, other: bytes) -> int:
        done = renameat2(_AT_FDCWD, one, _AT_FDCWD, other, _RENAME_EXCHANGE)
        return ctypes.get_errno() if done else 0

    return exchange
