"""Names in diffs as paths in a tree; what would leave the tree is refused.

A path is relative to the tree, with ``/`` between its parts, and bytes that are not
UTF-8 as surrogates (``surrogateescape``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from poach.applier.rejects import Fault

# A path with nothing to refuse, as nearly all are: letters, digits, and no part that
# begins with a dot.
_PLAIN = re.compile(r"(?:[\w-][\w.-]*/)*[\w-][\w.-]*", re.ASCII)
# What Windows takes for a device, with anything after a dot and with blanks before it
# (Microsoft, "Naming Files, Paths, and Namespaces").
_RESERVED = (
    r"(?i)(con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])"
    r" *([.:].*)?"
)
_UNFIT = r":|[. ]$"
# HFS+ skips these letters, so that git refuses a ".git" with any of them in it.
_INVISIBLE = "[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]"
_GITS = r"(?i)(\.git|git~1)[ .]*(:.*)?"
_OURS = r"(?is)\.poach-.*"  # where `write` keeps files
_DRIVE = r"[A-Za-z]:(/|$)"  # backslashes are refused before
_LONGEST = 255  # bytes in one part of a path, on all usual file systems
_DEEPEST = 4000  # bytes in a path, a little less than Linux allows


def first_word(name: str) -> str:
    """Return the name up to its first blank."""
    return next(iter(name.split()), "")


def shortness(path: str) -> tuple[int, int, int]:
    """Return by what GNU patch chooses among several names: the least is best."""
    return path.count("/"), len(path.rpartition("/")[2]), len(path)


def parents(path: str) -> Iterator[str]:
    """Yield the folders that lead to `path`, the outermost first."""
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def stripped(name: str, strip: int) -> str | None:
    """Take the smallest prefix with `strip` slashes off, as GNU patch -p does."""
    if strip > name.count("/"):
        return None
    if "//" not in name:
        return name.split("/", strip)[strip] or None
    found = re.match(rf"(?:[^/]*/+){{{strip}}}", name)
    return name[found.end() :] or None if found else None


def clean(path: str) -> str:
    """Return the path without empty and ``.`` parts; refuse what leads outside."""
    if len(path) <= _LONGEST and _PLAIN.fullmatch(path):
        return path
    parts = [part for part in path.split("/") if part not in ("", ".")]
    for wrong, detail in (
        ("\0" in path, "has a NUL in its name"),
        ("\\" in path, "has a backslash in its name"),
        (path.startswith("/"), "is an absolute path"),
        (re.match(_DRIVE, path), "has a drive letter"),
        (".." in parts, "leads out of the tree"),
        (any(map(_is_gits, parts)), "is git's own"),
        (any(map(_is_ours, parts)), "is poach's own"),
        (any(len(part) > _LONGEST for part in parts), "has a name that is too long"),
        (len(path) > _DEEPEST, "is too long"),
    ):
        if wrong:
            raise Fault.of("unsafe", detail, path)
    return "/".join(parts)


def _is_gits(part: str) -> bool:
    """Return whether some file system takes the name for ``.git``."""
    return bool(re.fullmatch(_GITS, re.sub(_INVISIBLE, "", part)))


def _is_ours(part: str) -> bool:
    """Return whether some file system takes the name for one that poach writes."""
    return bool(re.fullmatch(_OURS, re.sub(_INVISIBLE, "", part)))


def check_name(path: str) -> None:
    """Refuse a new name that is not UTF-8, or that Windows reads as another one."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise Fault.of("unsafe", "its name is not UTF-8", path) from error
    if not all(map(_is_fit, path.split("/"))):
        raise Fault.of("unsafe", "its name is not allowed on Windows", path)


@lru_cache(maxsize=1024)  # many files share their folders
def _is_fit(part: str) -> bool:
    return not (re.fullmatch(_RESERVED, part) or re.search(_UNFIT, part))
