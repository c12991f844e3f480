"""The names that a diff gives its files, for people and for globs."""

from __future__ import annotations

import re
from urllib.parse import quote

from poach.applier.filediff import DiffError, FileDiff
from poach.applier.header_names import split_names

_GLOB_MARKS = re.compile(r"[*?[]")
PREFIXES = ("a/", "b/", "c/", "i/", "o/", "w/")  # git's, also diff.mnemonicPrefix


def names(file: FileDiff) -> list[str]:
    """Return all names that the diff gives the file, as written."""
    return [name for name in (file.new, file.old, file.indexed) if name]


def git_names(file: FileDiff) -> tuple[str, ...]:
    """Return the names that ``diff --git`` gives, new one first, none without it.

    They are for a file whose ``---`` and ``+++`` have names that do not fit.
    """
    if not file.git_line:
        return ()
    try:
        old, new = split_names(file.git_line.rstrip(b"\r\n"), file.line)
    except DiffError:
        return ()
    return tuple(name for name in (new, old) if name)


def has_prefix(file: FileDiff) -> bool:
    """Return whether the names begin with a folder that is not of the tree."""
    if file.git:
        return (file.new or file.old or "").startswith(PREFIXES)
    if file.old and file.new:
        return file.old.partition("/")[0] != file.new.partition("/")[0]
    return (file.new or file.old or "").startswith("b/")


def shown(file: FileDiff) -> str:
    """Return the file's name as the diff has it, without a prefix like ``a/``.

    Both sides may begin with folders of their own, as in ``x.orig/f`` and ``x/f``;
    then they are left out.
    """
    old, new = file.old or "", file.new or ""
    name = new or old or file.indexed or ""
    if old and new and old != new and not file.git:
        (_, _, before), (_, _, after) = old.partition("/"), new.partition("/")
        return after if before == after and after else name
    if file.status in ("rename", "copy"):
        name = old
    prefixed = file.git or not (old and new)
    return name[2:] if prefixed and name.startswith(PREFIXES) and name[2:] else name


def as_glob(path: str) -> str:
    """Return a glob that matches the path, fit for the fragment of a location."""
    pieces = (_GLOB_MARKS.sub(r"[\g<0>]", each) for each in path)
    exact = "".join(each if each.isprintable() else "?" for each in pieces)
    return quote(f"?{exact[1:]}" if path.startswith("/") else exact, safe="/*?[]")
