"""git's extended headers: what they say, and what a diff lacks of it."""

from __future__ import annotations

import re

from poach.applier.cursor import Cursor, has_cr
from poach.applier.filediff import DiffError
from poach.applier.header_names import name_in
from poach.applier.headers import Head, names_of
from poach.applier.patterns import GIT, matcher, oids_in

_extended = matcher(
    rb"(old mode|new mode|deleted file mode|new file mode|copy from|copy to"
    rb"|rename from|rename to|rename old|rename new|similarity index"
    rb"|dissimilarity index|index) (.*)",
)
_MOVES = ((b"rename from", b"rename to"), (b"copy from", b"copy to"))
_EMPTY_OIDS = (
    b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    b"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)
_HALF_A_MOVE = "a rename or copy that lacks one of its names; the diff is damaged"


def read_head(cursor: Cursor) -> Head:
    """Read ``diff --git`` and the lines of git below it.

    Raises `DiffError` for a rename or copy that lacks one of its names.
    """
    line = cursor.lines[cursor.at]
    head = Head(cursor.at + 1, git=line[len(GIT) :])
    head.crlf = has_cr(line)
    cursor.at += 1
    while found := _extended(cursor.peek(cursor.at)):
        head.extended[found[1]] = found[2]
        cursor.at += 1
    for source, target in _MOVES:
        if (source in head.extended) != (target in head.extended):
            raise DiffError(head.line, _HALF_A_MOVE)
    return head


def lacks_contents(words: dict[bytes, bytes]) -> bool:
    """Return whether a header says that contents change; for one without hunks."""
    return _is_unsaid(words) or _is_unlike(words)


def says_something(words: dict[bytes, bytes]) -> bool:
    """Return whether git's extended headers ask for a change, or name one."""
    index = words.get(b"index")
    others = words.keys() - {b"index", b"similarity index", b"dissimilarity index"}
    return bool(others) or (index is not None and bool(oids_in(index)))


def _is_unsaid(words: dict[bytes, bytes]) -> bool:
    """Return whether git's index line names other contents, which the diff lacks.

    What deletes a file may leave its lines out: it fits an empty file only.
    """
    found = oids_in(words.get(b"index", b""))
    if not found or b"deleted file mode" in words:
        return False
    old, new = found[1], found[2]
    empty = any(each.startswith(new) for each in _EMPTY_OIDS) or not new.strip(b"0")
    return not (empty if b"new file mode" in words else old == new)


def _is_unlike(words: dict[bytes, bytes]) -> bool:
    """Return whether git's header says that the contents are not wholly the same."""
    alike = words.get(b"similarity index", b"100%").strip()
    return alike != b"100%" or b"dissimilarity index" in words


def is_cut_off(cursor: Cursor, head: Head) -> bool:
    """Return whether the diff ends in the middle of git's header.

    Of a new file without lines, git writes an index line, Mercurial writes none.
    """
    if not cursor.ends_at(cursor.at):
        return False
    words = head.extended
    if cursor.at >= len(cursor.lines) and cursor.cut_off:
        return not (len(words) > 1 and b"index" in words)
    if b"new file mode" in words:
        return b"index" not in words and not _is_of_mercurial(cursor)
    if (b"old mode" in words) != (b"new mode" in words):
        return True
    return not says_something(words)


def _is_of_mercurial(cursor: Cursor) -> bool:
    """Return whether Mercurial made the diff: it writes no index line for text."""
    is_one = b"\n# Node ID " in cursor.data or cursor.data.startswith(b"# HG ")
    return is_one or (
        re.search(rb"(?m)^diff --git .*\n--- ", cursor.data) is not None
        and re.search(rb"(?m)^index [0-9a-f]+\.\.", cursor.data) is None
    )


def is_own(cursor: Cursor, head: Head) -> bool:
    """Return whether ``---`` belongs to the section; a rename may have no hunks."""
    moved = head.extended.keys() & {b"rename from", b"copy from"}
    return not moved or name_in(cursor.lines[cursor.at][4:]) in names_of(head)
