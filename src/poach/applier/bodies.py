"""The hunks of a file as the diff has them: their lines, and whether all are there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from poach.applier.cursor import Cursor, hunk_header
from poach.applier.filediff import DiffError, Hunk, short
from poach.applier.patterns import HUNK, matcher

_CHOPPED = 3
_PLAIN = re.compile(rb"[ +-]*")
_NEXT = (  # how lines begin that come after a hunk at once
    *(b"@@", b"diff ", b"Index: ", b"From ", b"=", b"***", b"#", b"commit ", b"_"),
    *(b"Only in ", b"Binary ", b"Files ", b"Common ", b"Cannot ", b"cvs ", b">"),
    *(b"Property ", b"retrieving ", b"GIT "),
)
_AFTER_HUNK = b" \t\r\n+-\\"  # first letters of what may belong to the hunk above
_version = matcher(rb"\d+\.\d+[\w.]*(?: \(.*\))?\s*$")
_field = matcher(rb"[A-Z][A-Za-z-]*: ")
_TOO_FEW = "the hunk has fewer lines than its header says; the diff is damaged"
_TOO_MANY = "the hunk has other lines than its header says; the diff is damaged"
_TOO_LARGE = (
    "the header counts more lines than the hunk has, so that text after the hunk "
    "would be taken for lines of it; the diff is damaged"
)
_SURPLUS = (
    "the hunk has more lines than its header says, from line {} of the diff on, which "
    "would be lost"
)
_WRAPPED = (
    "this comes at once after an added line, so that it may be the rest of that line, "
    "which was wrapped; get the diff again, or put a blank line before this text"
)
_MAY_BE_CUT_OFF = (
    "the last line of the diff, an added one, has no newline, so that it may be cut "
    "off; get the diff again, or end that line with a newline if it is whole"
)
_NO_CHANGE = "the hunk changes nothing; the diff is damaged"
_GOES_ON = "the file goes on after its end; the diff is damaged"


def read_hunks(cursor: Cursor) -> Iterator[Hunk]:
    """Read the hunks that begin here; raise `DiffError` where one is damaged."""
    while found := HUNK.match(cursor.peek(cursor.at)):
        old_start, old, new_start, new = map(int, found.groups(b"1"))
        start, cursor.at = cursor.at, cursor.at + 1
        bare: list[int] = []  # lines that lack their newline
        lines = _body(cursor, start, old, new, bare)
        _check_body(cursor, start, lines, bare)
        _refuse_a_header_within(cursor, start)
        if cursor.at < len(cursor.lines):
            _check_following(cursor, start, lines[-1])
        # The last ones may have been put in the place of lines that are lacking.
        chopped = max(0, len(lines) - (cursor.at - start - 1))
        loose = _loose(cursor, chopped)
        header = found[0].decode()
        yield Hunk(header, old_start, new_start, tuple(lines), chopped, loose)


def _body(
    cursor: Cursor, start: int, old: int, new: int, bare: list[int]
) -> list[bytes]:
    """Read the lines of the hunk that begins at `start`, made good.

    Blanks that were stripped of context lines are put back, as GNU patch does;
    a marker in any language takes the newline before it away; `bare` gets the places
    of such lines.
    """
    body: list[bytes] = []
    while old > 0 or new > 0:
        if body and cursor.peek(cursor.at).startswith(b"\\"):
            _end_bare(cursor, body, bare)
            continue
        lines = _plain(cursor, max(old, new)) or _repaired(cursor)
        if not lines:
            return body + _chopped(cursor, start, old, new, bool(body))
        end = cursor.at + len(lines)
        old -= len(lines) - cursor.marks.count(b"+", cursor.at, end)
        new -= len(lines) - cursor.marks.count(b"-", cursor.at, end)
        if old < 0 or new < 0:
            header = hunk_header(cursor.lines[start])
            raise DiffError(start + 1, f"{header}: {_TOO_MANY}")
        body += lines
        cursor.at = end
    if body and cursor.peek(cursor.at).startswith(b"\\"):
        _end_bare(cursor, body, bare)
    return body


def _plain(cursor: Cursor, most: int) -> list[bytes]:
    """Return the lines that need no repair, at `most` so many: nearly always all.

    A hunk has at least as many lines as its longer side, so that many cannot
    lead beyond it.
    """
    found = _PLAIN.match(cursor.marks, cursor.at, cursor.at + most)
    return cursor.lines[cursor.at : found.end()] if found else []


def _repaired(cursor: Cursor) -> list[bytes]:
    """Return the context line that has another mark than a blank, or none."""
    line = cursor.peek(cursor.at)
    if line.startswith(b"="):  # of old, for a blank
        return [b" " + line[1:]]
    return [b" " + line] if line.startswith((b"\t", b"\r", b"\n")) else []


def _end_bare(cursor: Cursor, body: list[bytes], bare: list[int]) -> None:
    """Take the newline off the last line, as the marker after it says."""
    body[-1] = body[-1].removesuffix(b"\n")
    bare.append(len(body) - 1)
    cursor.at += 1


def _chopped(cursor: Cursor, start: int, old: int, new: int, some: bool) -> list[bytes]:
    """Return the blank context lines that were cut off at the diff's end.

    GNU patch takes a diff that lacks as many as its context may have.
    """
    if some and old == new <= _CHOPPED and cursor.at >= len(cursor.lines):
        return [b" \n"] * old
    raise DiffError(start + 1, f"{hunk_header(cursor.lines[start])}: {_TOO_FEW}")


def _loose(cursor: Cursor, chopped: int) -> int:
    """Count the last lines of a hunk that may be blank lines after it.

    Where another hunk follows at once, they are lines of this one.
    """
    first = cursor.at
    while cursor.lines[first - 1] in (b"\n", b"\r\n"):
        first -= 1
    ends = not cursor.peek(cursor.at).startswith(b"@@")
    return cursor.at - first + chopped if ends and first < cursor.at else 0


def _check_body(
    cursor: Cursor, start: int, lines: list[bytes], bare: list[int]
) -> None:
    """Refuse what GNU patch and git call malformed."""
    cut_off = cursor.cut_off and cursor.at >= len(cursor.lines)
    # Of another line than an added one, nothing can be lost: the tree has it.
    if cut_off and lines[-1:] and lines[-1][0] == 43 and lines[-1][-1] == 10:
        raise DiffError(len(cursor.lines), _MAY_BE_CUT_OFF)
    if not _has(cursor, b"+", start) and not _has(cursor, b"-", start):
        raise DiffError(start + 1, f"{hunk_header(cursor.lines[start])}: {_NO_CHANGE}")
    if bare and _goes_on(lines, bare):
        raise DiffError(start + 1, f"{hunk_header(cursor.lines[start])}: {_GOES_ON}")


def _has(cursor: Cursor, mark: bytes, start: int) -> bool:
    """Return whether a line from `start` up to here has this mark."""
    return cursor.marks.find(mark, start, cursor.at) >= 0


def _refuse_a_header_within(cursor: Cursor, start: int) -> None:
    """Refuse a hunk that has taken the lines after it for its own."""
    mark = cursor.marks[cursor.at - 1]
    if mark not in b"+-" or cursor.at - start < 3:
        return
    before, last = cursor.lines[cursor.at - 2 : cursor.at]
    after, then = cursor.peek(cursor.at), cursor.peek(cursor.at + 1)
    is_half = last.startswith(b"--- ") and after.startswith(b"+++ ")
    is_whole = before.startswith(b"--- ") and last.startswith(b"+++ ")
    is_signature = last.rstrip() == b"--" and _version(after)
    if (
        (is_half and HUNK.match(then))
        or (is_whole and HUNK.match(after))
        or is_signature
    ):
        raise DiffError(start + 1, f"{hunk_header(cursor.lines[start])}: {_TOO_LARGE}")


def _check_following(cursor: Cursor, start: int, last: bytes) -> None:
    """Refuse what comes after a hunk, and may be a part of it that is lost."""
    line = cursor.lines[cursor.at]
    if line[0] in _AFTER_HUNK:
        _refuse_surplus(cursor, start)
    elif last[0] == 43 and not line.startswith(_NEXT) and not _field(line):
        from poach.applier import announced

        if not announced.read(line, cursor.peek(cursor.at + 1)):
            raise DiffError(cursor.at + 1, f"{short(line)}: {_WRAPPED}")


def _refuse_surplus(cursor: Cursor, start: int) -> None:
    """Refuse lines after the hunk that look like more of it.

    A mail's signature, a header and text end the search, blank lines do not.
    """
    close = True  # to the hunk: context comes at once, or prose that is indented
    for at in range(cursor.at, len(cursor.lines)):
        line = cursor.lines[at]
        plain = line.strip()
        if line[0] not in _AFTER_HUNK or cursor.begins_file(at):
            return
        if line.startswith(b"--") and _ends_part(cursor, line):
            return
        is_signature = plain == b"--" or (not close and not plain.strip(b"-"))
        is_change = line[0] in b"+-" and not is_signature
        if is_change or (close and line[0] in b" \t" and plain):
            header = hunk_header(cursor.lines[start])
            raise DiffError(start + 1, f"{header}: {_SURPLUS.format(at + 1)}")
        close = close and bool(plain)


def _ends_part(cursor: Cursor, line: bytes) -> bool:
    """Return whether a line is the boundary of a MIME part, as its mail says."""
    return line.rstrip() in cursor.boundaries()


def _goes_on(lines: list[bytes], bare: list[int]) -> bool:
    """Return whether a side has lines after one that lacks its newline."""
    return any(_shares_side(lines[at], lines[at + 1 :]) for at in bare)


def _shares_side(line: bytes, others: list[bytes]) -> bool:
    mark = line[0]
    return any(32 in (mark, other[0]) or other[0] == mark for other in others)
