"""What applying diffs comes to: values that say what is done to each file."""

from __future__ import annotations

from typing import Any, NamedTuple

from poach.applier.hunks import Placement

FILE, PROGRAM, LINK, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o160000


class Entry(NamedTuple):
    """The entry at a path."""

    #: The contents, of a link its target.
    data: bytes
    #: Git's mode.
    mode: int = FILE
    #: The path of the file in the tree whose permissions it gets; None to keep those of
    #: the entry at its own path.
    like: str | None = None

    def is_same(self, other: Entry | None) -> bool:
        """Return whether `other` has the same contents and mode."""
        return other is not None and self[:2] == other[:2]


class PatchedFile(NamedTuple):
    """What a diff does to one file."""

    #: Relative to the tree.
    path: str
    #: One of "modify", "create", "delete", "rename", "copy".
    action: str
    #: The path, relative to the tree, from which a file is renamed or copied.
    source: str | None = None
    hunks: tuple[Placement, ...] = ()
    #: Git's mode before; None for a new file.
    old_mode: int | None = None
    #: Git's mode after, where it is another.
    new_mode: int | None = None


class PatchedBy(NamedTuple):
    """What one diff does."""

    name: str
    owner: str
    #: The strip level, given or found.
    strip: int
    #: The directory, given or found.
    directory: str
    files: tuple[PatchedFile, ...]
    #: As given: globs of files to leave out.
    exclude: tuple[str, ...] = ()
    #: The names of files left out.
    excluded: tuple[str, ...] = ()
    #: As given: "keep" or "any".
    eol: str = "keep"


def patch_json(patch: PatchedBy) -> dict[str, Any]:
    """Return what one diff does in JSON's types."""
    return {
        "patch": patch.name,
        "owner": patch.owner,
        "strip": patch.strip,
        "directory": patch.directory,
        "exclude": list(patch.exclude),
        "excluded": list(patch.excluded),
        "eol": patch.eol,
        "files": [_file_json(file) for file in patch.files],
    }


def _file_json(file: PatchedFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "action": file.action,
        "source": file.source,
        "old_mode": _octal(file.old_mode),
        "new_mode": _octal(file.new_mode),
        "hunks": [
            {
                "header": hunk.header,
                "line": hunk.line,
                "offset": hunk.offset,
                "fuzz": hunk.fuzz,
                "eol": hunk.eol,
            }
            for hunk in file.hunks
        ],
    }


def _octal(mode: int | None) -> str | None:
    return None if mode is None else f"{mode:06o}"


def plain_mode(mode: int) -> int | None:
    """Return which of git's modes `mode` comes to, None where it is of no file.

    Only the right to execute counts: no diff makes a file setuid.
    """
    kind = mode & 0o170000
    if kind == LINK:
        return LINK
    if kind in (0, 0o100000):
        return PROGRAM if mode & 0o100 else FILE
    return None
