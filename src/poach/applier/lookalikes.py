"""Hunks that would apply to a look-alike, while their change is elsewhere already.

A hunk that fits at its own line is beyond doubt.  One that fits only at an offset, or
with fuzz, may be there already, at its own line or in the function that it is for, and
may have found a twin of that function that was never changed.  Then both places are in
question, and nothing is guessed.  (The rule is poach's own: GNU patch and git put the
change into the twin.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from poach.applier.text import Shape, Text, Window

_ENOUGH = 3  # different lines that say where they belong, not quite exactly there
_CROWD = 64  # places inside the hunk's own that are passed over


class Place(NamedTuple):
    """The place of a hunk."""

    #: Counts from 0.
    line: int
    #: Its offset.
    offset: int
    #: The offset of the hunk before.
    carry: int = 0
    fuzz: int = 0


def rival(text: Text, shape: Shape, place: Place) -> int | None:
    """Return the line (from 0) where the hunk's new lines stand already, if any do.

    None where there is no doubt: the hunk is placed at its own line, or as far off as
    the one before it, and its new lines are not at its own line.
    """
    if not shape.old:
        return _doubled(text, shape, place)
    if not place.offset and not place.fuzz:
        return None
    for rivals in (_at_its_own_line, _whole_at_its_own_line, _nearer):
        own = next(rivals(text, shape, place), None)
        if own is not None:
            return own
    if place.offset == place.carry and not place.fuzz:
        return None
    return next(_anywhere(text, shape, place), None)


def _doubled(text: Text, shape: Shape, place: Place) -> int | None:
    """Return the place of lines that a hunk without any old lines would double."""
    ends = place.line + len(shape.new)
    same = any(map(bytes.strip, shape.new)) and (
        text.lines[place.line : ends] == shape.new
    )
    return place.line if same else None


def _at_its_own_line(text: Text, shape: Shape, place: Place) -> Iterator[int]:
    """Yield where the new lines are at the hunk's own line, except the outer context.

    One line of context before and after the changes counts: the others may differ.
    """
    start = max(0, shape.prefix - 1)
    core = shape.new[start : len(shape.new) - max(0, shape.suffix - 1)]
    adds = any(map(bytes.strip, _added(shape)))
    if len(core) < 2 or not (adds or _is_significant(core)):
        return
    taken = range(0) if adds else range(place.line, place.line + len(shape.old))
    for own in _owns(shape, place):
        at = own + start
        if at >= 0 and at not in taken and text.lines[at : at + len(core)] == core:
            yield at


def _whole_at_its_own_line(text: Text, shape: Shape, place: Place) -> Iterator[int]:
    """Yield where the new lines are at the hunk's own line with all of their context.

    However little that says, it is more than old lines that fit with a fuzz, or
    elsewhere than as far off as the hunk before.
    """
    new = shape.new
    if len(new) < 2 or not any(map(bytes.strip, new)):
        return
    if place.offset == place.carry and not place.fuzz:
        return
    taken = range(place.line, place.line + len(shape.old) * (not place.fuzz))
    for own in _owns(shape, place):
        if own >= 0 and own not in taken and text.lines[own : own + len(new)] == new:
            yield own


def _owns(shape: Shape, place: Place) -> list[int]:
    """Return what may be called the hunk's own line."""
    owns = {shape.first, shape.hunk.new_start - 1, shape.first + place.carry}
    return sorted(owns | {place.line} if place.fuzz else owns)


def _nearer(text: Text, shape: Shape, place: Place) -> Iterator[int]:
    """Yield where the new lines are nearer to the hunk's own line than its old ones.

    There may be more lines above, the outer context may be another one, and a line may
    have come between the change and its context on one side.
    """
    own = shape.first + place.carry
    away = abs(place.line - own)
    taken = range(place.line, place.line + len(shape.old))
    for skip, core in _cores(shape):
        window = Window(core, skip, max(0, own - away + 1), own + away - 1)
        for found in islice(text.matches(window, own), _CROWD):
            at = found + skip
            if at not in taken and at + len(core) - 1 not in taken:
                yield at


def _cores(shape: Shape) -> Iterator[tuple[int, list[bytes]]]:
    """Yield parts of the new lines that say enough, and how many lines come before.

    First the changes with as little context on both sides as says enough; then the
    lines added, if they alone say something, with a line of context on one side.
    """
    new, prefix, ends = shape.new, shape.prefix, len(shape.new) - shape.suffix
    for context in range(1, max(prefix, shape.suffix) + 1):
        start = max(0, prefix - context)
        core = new[start : ends + context]
        if _is_significant(core, _ENOUGH):
            yield start, core
            break
    if _is_significant(list(_added(shape))):
        for start, end in ((prefix - 1, ends), (prefix, ends + 1)):
            if start >= 0 and _is_significant(new[start:end], _ENOUGH):
                yield start, new[start:end]


def _added(shape: Shape) -> Iterator[bytes]:
    return (line[1:] for line in shape.hunk.lines if line[0] == 43)


def _anywhere(text: Text, shape: Shape, place: Place) -> Iterator[int]:
    """Yield where the new lines stand with as much context as the old ones have."""
    context = max(shape.prefix, shape.suffix)
    skip = max(0, place.fuzz + shape.prefix - context)
    drop = max(0, place.fuzz + shape.suffix - context)
    wanted = shape.new[skip : len(shape.new) - drop]
    if not _is_significant(wanted):
        return
    low, high = place.line + skip, place.line + len(shape.old) - drop - len(wanted)
    window = Window(wanted, 0, 0, len(text.lines))
    for at in islice(text.matches(window, place.line), _CROWD):
        if not low <= at <= high:  # lines that stay where others of them go
            yield at


def _is_significant(lines: Sequence[bytes], least: int = 2) -> bool:
    """Return whether lines that are the same elsewhere are no mere chance."""
    return len({line for line in lines if line.strip()}) >= least
