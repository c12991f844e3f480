"""Diffs of other kinds than unified ones, which are refused: context, ed, merges."""

from __future__ import annotations

from poach.applier.cursor import Cursor
from poach.applier.filediff import DiffError
from poach.applier.patterns import matcher

_ED_LINES = 1000  # that are looked at for the end of what ed adds
_context = matcher(
    rb"\*\*\* [^\n]*\n--- [^\n]*\n\*{15}|\*{15}[^\n]*\n\*\*\* \d+(?:,\d+)? \*{4}"
)
_normal = matcher(rb"\d+(?:,\d+)?[acd]\d+(?:,\d+)?\r?\n(?:[<>] |[<>]\r?\n)")
_ed = matcher(rb"\d+(?:,\d+)?[ac]\s*$")
_BELOW_COMBINED = (b"diff --", b"mode ", b"new file mode ", b"deleted file mode ")
_CONTEXT_DIFF = "a context diff; only unified diffs apply, make it with diff -ruN"
_NORMAL_DIFF = (
    "a diff without file names; only unified diffs apply, make it with diff -ruN"
)
_NO_BINARY_HEAD = "a git binary patch without its header; the diff is damaged"
_ODD_HEADER = "a hunk header that cannot be understood; the diff is damaged"


def refuse(cursor: Cursor, line: bytes) -> None:
    """Raise `DiffError` where a diff of another kind begins here, at `line`."""
    if line.startswith(b"***") and _context(cursor.glance()):
        raise DiffError(cursor.at + 1, _CONTEXT_DIFF)
    if line[:1].isdigit() and _normal(cursor.glance()):
        raise DiffError(cursor.at + 1, _NORMAL_DIFF)
    if line[:1].isdigit() and _ed(line) and _ends_like_ed(cursor):
        from poach.applier.nodiff import ED

        raise DiffError(cursor.at + 1, ED)
    if line.startswith(b"GIT binary patch"):
        raise DiffError(cursor.at + 1, _NO_BINARY_HEAD)
    if line.startswith(b"@@@ -") or _is_combined(cursor, line):
        from poach.applier.nodiff import COMBINED

        raise DiffError(cursor.at + 1, COMBINED)
    if line.startswith(b"@@ -"):
        raise DiffError(cursor.at + 1, _ODD_HEADER)


def _ends_like_ed(cursor: Cursor) -> bool:
    """Return whether a dot ends the lines here, as those that ed adds."""
    for at in range(cursor.at + 1, min(cursor.at + _ED_LINES, len(cursor.lines))):
        if cursor.begins_section(at):
            return False
        if cursor.lines[at].rstrip() == b".":
            return True
    return False


def _is_combined(cursor: Cursor, line: bytes) -> bool:
    """Return whether a diff of a merge begins here, also one that has nothing below.

    A sentence has more words than a name, or goes on.
    """
    if not line.startswith((b"diff --cc ", b"diff --combined ")):
        return False
    following = cursor.peek(cursor.at + 1)
    several = following.startswith(b"index ") and b"," in following
    goes_on = following.strip() and not following.startswith(_BELOW_COMBINED)
    return several or (len(line.split()) == 3 and not goes_on)
