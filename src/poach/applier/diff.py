"""Reading diffs: from the bytes of a file to values, and those values.

A scanner of our own, because real diffs hold much that the libraries for them reject or
read silently wrong: names with time stamps, carriage returns or quotes, git's extended
headers and binary data, hunks that lost blank context lines on their way.  It takes the
lines of a hunk by their marks, all at once.

The rules are those of the GNU diffutils manual ("Unified Format"), of GNU patch
("Multiple Patches in a File") and of git ("Generating patch text with -p").

`poach.applier.scanner` finds the sections of files, `poach.applier.headers` and
`poach.applier.git_headers` read their headers, `poach.applier.bodies` reads hunks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import attrgetter

from poach.applier.filediff import (
    MAX_BINARY,
    MAX_DIFF,
    MAX_LINE,
    Binary,
    DiffError,
    FileDiff,
    Hunk,
    NamedDiff,
    Status,
    check_length,
)
from poach.applier.patterns import searcher
from poach.applier.scanner import Scanner
from poach.errors import raise_faults

__all__ = [
    "MAX_BINARY",
    "MAX_DIFF",
    "MAX_LINE",
    "Binary",
    "DiffError",
    "FileDiff",
    "Hunk",
    "NamedDiff",
    "Status",
    "parse",
]

_MARK = b"\xef\xbb\xbf"
_PACKED = (b"\x1f", b"\xfd", b"B", b"P", b"7", b"R", b"\x28", b"]", b"L", b"\x04")
_PLAIN_STARTS = (b"d", b"I", b"F", b"D", b"#", b"+")  # of most diffs, undamaged
_indented = searcher(rb"(?m)^([ \t]{1,80})--- [^\n]*\n\1\+\+\+ [^\n]*\n\1@@ -")


def parse(
    data: bytes, is_left_out: Callable[[Sequence[str]], bool] = lambda names: False
) -> tuple[FileDiff, ...]:
    """Parse the unified diffs in `data`; other text may stand around them.

    Returns one value for each file section, in order.  Raises `DiffError`, or
    `Faults` of them, for everything that cannot be understood: damaged hunks,
    other kinds of diffs, no diff at all, changes that the diff announces and lacks.
    What gzip, bzip2 or xz packed is unpacked.  `is_left_out` is asked about the names
    of each file that the diff announces and lacks, and says whether it is left out.
    """
    data = _readable(data)
    scanner = Scanner(data, is_left_out)
    files = scanner.run()
    if not scanner.faults and all(file.lost and not file.git for file in files):
        indented = _indented(data)
        if indented:
            return parse(re.sub(rb"(?m)^" + indented[1], b"", data), is_left_out)
        from poach.applier.nodiff import why_nothing

        scanner.faults.append(DiffError(0, why_nothing(data)))
    scanner.faults.sort(key=attrgetter("line"))
    raise_faults(scanner.faults)
    return tuple(files)


def _readable(data: bytes) -> bytes:
    """Return the text of a diff, unpacked and without byte order marks.

    Raises `DiffError` where something became of the whole diff on its way.
    """
    check_length("the diff", len(data), MAX_DIFF)
    if data[:1] in _PACKED or data[257:262] == b"ustar":
        from poach.applier.packing import BadPacking, unpacked

        try:
            data = unpacked(data, MAX_DIFF)
        except BadPacking as error:
            raise DiffError(0, str(error)) from error
    if _MARK in data:  # also within, where several files were put together
        data = re.sub(rb"(?m)^" + _MARK, b"", data)
    bare = b"\r" in data and b"\n" not in data.rstrip(b"\n")
    if bare or data[:1] not in _PLAIN_STARTS or b"\x1b[" in data:
        from poach.applier.nodiff import damage

        if reason := damage(data):
            raise DiffError(0, reason)
    return data
