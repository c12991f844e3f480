"""What the operating system says, in values and words that messages need."""

from __future__ import annotations

import errno

#: The error numbers of a file system that takes no more.
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def user_name(user: int) -> str:
    """Return what a user, given by number, is called in messages."""
    try:
        import pwd

        return pwd.getpwuid(user).pw_name
    except (ImportError, KeyError):
        return f"user {user}"
