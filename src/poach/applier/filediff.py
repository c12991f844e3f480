"""Diffs as values: what a file of unified diffs asks for, file by file.

Here, and in all that each ``poach apply`` imports, values are named tuples: frozen
dataclasses would add a quarter to the time that it takes to start.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from poach.errors import PoachError

Status = Literal["modify", "create", "delete", "rename", "copy"]

MAX_DIFF = 1 << 28
"""The most bytes of one diff: 256 MB."""
MAX_LINE = 1 << 26
"""The most bytes of one line of a diff: 64 MB."""
MAX_BINARY = 1 << 27
"""The most bytes that git binary data may unpack to, in one diff or file: 128 MB."""

_SHOWN = 200  # bytes of a line in a message


class DiffError(PoachError):
    """A diff that cannot be understood; `line` counts its lines from 1, 0 is all."""

    line: int
    reason: str

    def __str__(self) -> str:
        return (
            f"line {self.line} of the diff: {self.reason}"
            if self.line
            else (self.reason)
        )


class NamedDiff(NamedTuple):
    """A diff to apply, and its origin."""

    #: The patch's name as the user wrote it.
    name: str
    #: Who asked for it (``"buildout.cfg:12"``); may be empty.
    owner: str
    #: The bytes of the diff.
    data: bytes
    #: How many leading components of a path to drop; None: to be found out.
    strip: int | None = None
    #: Where the paths count from; empty for the top of the tree; None: to be found out.
    directory: str | None = None
    #: How many lines of context may be ignored.
    fuzz: int = 0
    #: Globs of files to leave out (`poach.applier.excluding`).
    exclude: tuple[str, ...] = ()
    #: "keep" or "any" (`poach.applier.endings`).
    eol: str = "keep"


class Hunk(NamedTuple):
    """One hunk."""

    #: ``@@ -1,2 +3,4 @@`` as the diff has it, without the section heading.
    header: str
    #: The line number of the old side in the header.
    old_start: int
    #: The line number of the new side in the header.
    new_start: int
    #: Each is a mark (a blank, ``+`` or ``-``) and a line with its newline, which is
    #: lacking only where the file ends without one.
    lines: tuple[bytes, ...]
    #: How many of the last `lines` are blank context that the diff lacks at its end.
    chopped: int = 0
    #: How many of the last `lines` are blank lines without a mark at the end of the
    #: file's hunks: they may be no part of the hunk.
    loose: int = 0

    @property
    def old(self) -> list[bytes]:
        """The lines that the hunk expects."""
        return [line[1:] for line in self.lines if line[0] != 43]

    @property
    def new(self) -> list[bytes]:
        """The lines that it puts in their place."""
        return [line[1:] for line in self.lines if line[0] != 45]


class Binary(NamedTuple):
    """The forward half of a git binary hunk."""

    #: Whether `data` are instructions that make the new contents from the old ones.
    delta: bool
    #: The new contents, or the instructions.
    data: bytes
    #: Git's name of the old contents, in hex.
    old_oid: str
    #: Git's name of the new contents, in hex.
    new_oid: str


class FileDiff(NamedTuple):
    """What a diff asks for one file."""

    #: The old name as written, nothing stripped; None is /dev/null.
    old: str | None
    #: The new name as written, nothing stripped; None is /dev/null.
    new: str | None
    #: The name after svn's ``Index:``.
    indexed: str | None = None
    #: The action; a "modify" with a single hunk at line 0 may create the
    #: file.
    status: Status = "modify"
    #: Git's old mode; None where the diff has none.
    old_mode: int | None = None
    #: Git's new mode; None where the diff has none.
    new_mode: int | None = None
    hunks: tuple[Hunk, ...] = ()
    binary: Binary | None = None
    #: Whether the names come with git's meaning: nothing is guessed.
    git: bool = False
    #: Whether the diff's own lines end with CR LF.
    crlf: bool = False
    #: Counts the mails of a mailbox.
    part: int = 0
    #: Where the file begins in the diff.
    line: int = 1
    #: Whether the diff mentions a binary change but lacks it.
    lost: bool = False
    #: Whether by its times or names the diff leads back: from the newer side to the
    #: older one, or from ``f`` to ``f.orig``.
    reversed: bool = False
    #: The subject, as written, of the mail or commit that the file belongs to; empty
    #: for none.
    subject: str = ""
    #: What follows ``diff --git`` (see `filenames.git_names`).
    git_line: bytes = b""


def check_length(what: str, size: int, most: int, line: int = 0) -> None:
    """Raise `DiffError` if something at `line` has more than `most` bytes."""
    if size > most:
        raise DiffError(line, f"{what} has {size} bytes, more than {most}")


def short(line: bytes) -> str:
    """Return a line for a message, cut."""
    text = show(line.strip()[:_SHOWN])
    return repr(text if len(line) <= _SHOWN else f"{text}...")


def show(line: bytes) -> str:
    """Return a line as text for a message; it need not be UTF-8."""
    return line.decode("utf-8", "backslashreplace")
