"""Whether a text has a change already, as a whole or in part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from poach.applier.diff import Hunk

_MOST_WAYS = 64  # a hunk with more ways to be there in part is left alone
_TURN = {43: b"-", 45: b"+", 32: b" "}

Group = tuple[tuple[bytes, ...], tuple[bytes, ...]]
_Way = tuple[int, bool, bool]  # the place reached; was a change missing, was one there


def backwards(hunks: Iterable[Hunk]) -> tuple[Hunk, ...]:
    """Return the hunks that undo `hunks`."""
    return tuple(
        hunk._replace(
            old_start=hunk.new_start,
            new_start=hunk.old_start,
            lines=tuple(_TURN[line[0]] + line[1:] for line in hunk.lines),
        )
        for hunk in hunks
    )


def groups(hunk: Hunk) -> list[Group]:
    """Return the old and the new lines of each run of context and of each change."""
    found = []
    for _, run in groupby(hunk.lines, key=lambda line: line[0] == 32):
        lines = list(run)
        old = tuple(line[1:] for line in lines if line[0] != 43)
        found.append((old, tuple(line[1:] for line in lines if line[0] != 45)))
    return found


def is_there_in_part(
    text: Sequence[bytes], start: int, wanted: Sequence[Group]
) -> bool:
    """Return whether at `start` some changes of a hunk are made and others are not."""
    ways: set[_Way] = {(start, False, False)}
    for old, new in wanted:
        ways = {after for way in ways for after in _after(text, way, old, new)}
        if not ways or len(ways) > _MOST_WAYS:
            return False
    return any(missing and there for _, missing, there in ways)


def _after(
    text: Sequence[bytes], way: _Way, old: tuple[bytes, ...], new: tuple[bytes, ...]
) -> Iterator[_Way]:
    at, missing, there = way
    changes = old != new
    if tuple(text[at : at + len(old)]) == old:
        yield at + len(old), missing or changes, there
    if changes and tuple(text[at : at + len(new)]) == new:
        yield at + len(new), missing, True
