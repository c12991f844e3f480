"""Text after the lines of a file that may be a hunk of it, with a damaged header.

To GNU patch and git, any text after a file's hunks that is no header is prose.
They drop a hunk whose header a mail program or a person has damaged.  So lines that
look like those of a hunk are not taken for prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

REASON = (
    "this looks like a part of a diff without its header, or with a damaged one, which "
    "would be lost; get the diff again, or delete these lines if they are no part of it"
)

_QUOTES = re.compile(rb"(?:>[ \t]?)+")
_HEADER = re.compile(rb"[ \t>]*@(?:@|[^\n]*\d[^\n]*@)|[ \t>]*@[ \t]?-\d")
_OF_GIT = re.compile(
    rb"(?:dis)?similarity index \d+%|(?:new|deleted) file mode \d{6}"
    rb"|(?:old|new) mode \d{6}|(?:rename|copy) (?:from|to) \S*[/.]\S*\s*$"
)
_BULLET = re.compile(rb"[-+] +\S")
_NEUTRAL = re.compile(rb"-{5}|-[-_ ]*$|(?:---|\+\+\+) ")  # rulers, names of a file
_NUMBERS = re.compile(rb"[^\n]*\d(?: +\+|,\d+ +)\d")  # as in the header of a hunk
_CHANGE = re.compile(rb"[-+][^\s\d]")
_FEW = 2  # added lines that make a hunk, without others


def find(lines: Sequence[bytes], boundaries: frozenset[bytes]) -> int | None:
    """Return which of the `lines`, from 0, is the first that looks like a hunk's.

    `boundaries` are lines between the parts of a mail.  None is for mere text.
    """
    headers = (
        at
        for at, line in enumerate(lines)
        if _HEADER.match(line) or _OF_GIT.match(line)
    )
    first = next(headers, None)
    plain = [_QUOTES.sub(b"", line, count=1).rstrip() for line in lines]
    bodies = (
        stretch[0]
        for stretch in _stretches(plain, boundaries)
        if _is_body([plain[at] for at in stretch])
    )
    body = next(bodies, None)
    lone = next(_lone(lines, boundaries), None)
    return min((at for at in (first, body, lone) if at is not None), default=None)


def _lone(lines: Sequence[bytes], boundaries: frozenset[bytes]) -> Iterator[int]:
    """Yield the places of changed lines, without context, at once below other text.

    That text may be the damaged header of their hunk.  The points of a list, numbers
    and what comes after ``--``, a signature, are no such lines, unless the text has
    numbers as a header has.
    """
    is_signed = False
    for at, (above, line) in enumerate(pairwise(lines), 1):
        is_signed = is_signed or above.rstrip() == b"--"
        is_text = not is_signed and above.strip() and above[0] not in b" \t+->"
        if _NEUTRAL.match(line) or line.rstrip() in boundaries:
            continue
        is_change = line[0] in b"+-" and _NUMBERS.match(above)
        if is_change or (is_text and _CHANGE.match(line)):
            yield at


def _stretches(
    lines: Sequence[bytes], boundaries: frozenset[bytes]
) -> Iterator[list[int]]:
    """Yield the places of lines in a row that begin as in a hunk, except blank ones."""
    stretch: list[int] = []
    for at, line in enumerate(lines):
        if not line or line in boundaries or _NEUTRAL.match(line):
            continue
        if line[0] in b" \t+-":
            stretch.append(at)
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _is_body(lines: Sequence[bytes]) -> bool:
    """Return whether lines are those of a hunk, and not a list or text that is
    indented.

    A hunk has lines that stay beside those that change, or removed and added ones.
    """
    marks = {line[:1] for line in lines}
    if not marks & {b"+", b"-"} or _is_list(lines, marks):
        return False
    added = sum(line[0] == 43 for line in lines)
    return len(marks) > 1 or added >= _FEW


def _is_list(lines: Sequence[bytes], marks: Iterable[bytes]) -> bool:
    """Return whether lines are the points of a list, with text below that is
    indented."""
    one_mark = len({b"+", b"-"} & set(marks)) == 1
    return (
        one_mark
        and lines[0][0] in b"+-"
        and all(
            _BULLET.match(line) if line[0] in b"+-" else line.startswith((b"  ", b"\t"))
            for line in lines
        )
    )
