"""Applying hunks with any line endings: CR LF counts as LF, the file keeps its own.

This is ``eol=any``.  A line that replaces another gets that line's ending, one after
the other; a line that is new gets the ending of the line before it, at the start of the
file that of the first line.  So a file with one kind of endings keeps it, and each part
of a mixed file keeps its own.  Lines that stay are not touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poach.applier.cursor import split_lines
from poach.applier.diff import Hunk
from poach.applier.hunks import RULES, Applied, Placement, Rejected, Rule, apply_hunks
from poach.applier.text import Edit, Shape, Text

_CRLF, _LF = b"\r\n", b"\n"


def apply_any(
    old: bytes, hunks: Sequence[Hunk], fuzz: int = 0, rules: frozenset[Rule] = RULES
) -> Applied | Rejected:
    """Apply all `hunks` to `old`, or none, as `apply_hunks` does, except for endings.

    The placements say where the endings were others than in the diff.
    """
    plain = [_plain_hunk(hunk) for hunk in hunks]
    if not old or (b"\r" not in old and plain == list(hunks)):
        return apply_hunks(old, hunks, fuzz, rules)
    lines = split_lines(old)
    done = apply_hunks(b"".join(map(_plain, lines)), plain, fuzz, rules)
    if isinstance(done, Rejected):
        return done
    text = Text(old, ())
    edits: list[Edit] = []
    placements: list[Placement] = []
    for hunk, placement in zip(hunks, done.placements, strict=True):
        edit = _edit(hunk, placement.line - 1, lines)
        edits.append(edit)
        placements.append(
            placement._replace(eol=_is_other(hunk, placement, edit, lines))
        )
    return Applied(text.edited(edits), tuple(placements), done.rules)


def is_endings_only(hunk: Hunk) -> bool:
    """Return whether nothing of the change is left where CR LF counts as LF."""
    plain = _plain_hunk(hunk)
    return hunk.old != hunk.new and plain.old == plain.new


def _plain(line: bytes) -> bytes:
    return line[:-2] + _LF if line.endswith(_CRLF) else line


def _plain_hunk(hunk: Hunk) -> Hunk:
    lines = tuple(line[:1] + _plain(line[1:]) for line in hunk.lines)
    return hunk._replace(lines=lines)


def _edit(hunk: Hunk, place: int, lines: Sequence[bytes]) -> Edit:
    """Return the change that the hunk makes at `place`, with the file's own endings."""
    shape = Shape.of(hunk)
    edit = shape.edit(place, len(lines))
    changes = hunk.lines[shape.prefix : len(hunk.lines) - shape.suffix]
    return edit._replace(lines=list(_written(changes, edit.start, lines)))


def _written(
    changes: Sequence[bytes], at: int, lines: Sequence[bytes]
) -> Iterator[bytes]:
    """Yield the lines that come instead of those from `at` on."""
    ending = _ending(lines, at - 1)
    replaced: list[bytes] = []  # endings of the lines that were just removed
    for change in changes:
        if change[0] == 43:
            ending = replaced.pop(0) if replaced else ending
            yield _ended(change[1:], ending)
            continue
        if change[0] == 45:
            replaced.append(_ending(lines, at))
        else:
            yield lines[at]
            replaced, ending = [], _ending(lines, at)
        at += 1


def _ending(lines: Sequence[bytes], at: int) -> bytes:
    """Return the ending of a line; of the last, which may have none, the one before."""
    near = (each for each in (at, at - 1, at + 1, 0) if 0 <= each < len(lines))
    found = (lines[each] for each in near if lines[each].endswith(_LF))
    line = next(found, _LF)
    return _CRLF if line.endswith(_CRLF) else _LF


def _ended(line: bytes, ending: bytes) -> bytes:
    plain = _plain(line)
    return plain[:-1] + ending if plain.endswith(_LF) else plain


def _is_other(
    hunk: Hunk, placement: Placement, edit: Edit, lines: Sequence[bytes]
) -> bool:
    """Return whether the diff has other line endings than the file has there."""
    place, old = placement.line - 1, hunk.old
    there = lines[max(0, place) : place + len(old)]
    if place >= 0 and any(
        one.endswith(_CRLF) != other.endswith(_CRLF)
        for one, other in zip(old, there, strict=False)
    ):
        return True
    shape = Shape.of(hunk)
    ends = len(shape.new) - shape.suffix
    return list(edit.lines) != shape.new[shape.prefix : max(ends, shape.prefix)]
