"""What the operating system says, in values and words that messages need."""

from __future__ import annotations

import errno
import os

#: The error numbers of a file system that takes no more.
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def user_name(user: int) -> str:
    """Return what a user, given by number, is called in messages."""
    try:
        import pwd

        return pwd.getpwuid(user).pw_name
    except (ImportError, KeyError):
        return f"user {user}"
