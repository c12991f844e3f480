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
    """A diff to apply, and whose it is.

    `name` is the patch's name as the user wrote it, `owner` who asked for it
    (``"buildout.cfg:12"``, may be empty), `data` the bytes of the diff.  `strip` and
    `directory` are None where they are to be found out; an empty `directory` is the
    top of the tree.  `fuzz` is how many lines of context may be ignored, `exclude`
    holds globs of files to leave out (`poach.applier.excluding`), `eol` is "keep" or
    "any" (`poach.applier.endings`).
    """

    name: str
    owner: str
    data: bytes
    strip: int | None = None
    directory: str | None = None
    fuzz: int = 0
    exclude: tuple[str, ...] = ()
    eol: str = "keep"


class Hunk(NamedTuple):
    """One hunk.

    `header` is ``@@ -1,2 +3,4 @@`` as the diff has it, without the section heading.
    `old_start` and `new_start` are its line numbers.  Each of `lines` is a mark (a
    blank, ``+`` or ``-``) and a line with its newline, which is lacking only where
    the file ends without one.  `chopped` of them, the last ones, are blank context that
    the diff lacks at its end.  `loose` of them, the last ones, are blank lines without
    a mark at the end of the file's hunks: they may be no part of the hunk.
    """

    header: str
    old_start: int
    new_start: int
    lines: tuple[bytes, ...]
    chopped: int = 0
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
    """The forward half of a git binary hunk.

    `data` is the new contents or, for a `delta`, the instructions that make them of
    the old ones.  `old_oid` and `new_oid` are git's names of both, in hex.
    """

    delta: bool
    data: bytes
    old_oid: str
    new_oid: str


class FileDiff(NamedTuple):
    """What a diff asks for one file.

    `old` and `new` are the names as written, nothing stripped; None is /dev/null.
    `indexed` is the name after svn's ``Index:``.  `status` is what is to happen; a
    "modify" whose only hunk begins at line 0 may create the file.  Modes are git's
    and None where the diff has none.  `git` tells that the names come with git's
    meaning: nothing is guessed.  `crlf` tells that the diff's own lines end with CR LF.
    `part` counts the mails of a mailbox, `line` is where the file begins in the
    diff.  `lost` tells of a binary change that the diff mentions but lacks.
    `reversed` tells that by its times or names the diff leads back: from the newer
    side to the older one, or from ``f`` to ``f.orig``.  `subject` is that of the
    mail or commit which the file belongs to, as the mail has it, empty where none is
    told.  `git_line` is what follows ``diff --git`` (see `filenames.git_names`).
    """

    old: str | None
    new: str | None
    indexed: str | None = None
    status: Status = "modify"
    old_mode: int | None = None
    new_mode: int | None = None
    hunks: tuple[Hunk, ...] = ()
    binary: Binary | None = None
    git: bool = False
    crlf: bool = False
    part: int = 0
    line: int = 1
    lost: bool = False
    reversed: bool = False
    subject: str = ""
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
