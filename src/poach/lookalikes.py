"""Hunks that landed in a look-alike, while their change stands elsewhere already.

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

from poach.text import Shape, Text, Window

_CROWD = 64  # places inside the hunk's own that are passed over


class Place(NamedTuple):
    """Where a hunk landed: its `line` (from 0), how far off, with how much fuzz.

    `carry` is how far off the hunk before it landed.
    """

    line: int
    offset: int
    carry: int = 0
    fuzz: int = 0


def rival(text: Text, shape: Shape, place: Place) -> int | None:
    """Return the line (from 0) where the hunk's new lines stand already, if any do.

    None where there is no doubt: the hunk landed at its own line, or as far off as
    the one before it, and its new lines are not at its own line.
    """
    if not shape.old:
        return _doubled(text, shape, place)
    if not place.offset and not place.fuzz:
        return None
    own = next(_at_its_own_line(text, shape, place), None)
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
    """Yield where the new lines are at the hunk's own line, but for the outer context.

    One line of context before and after the changes counts: the others may differ.
    """
    start = max(0, shape.prefix - 1)
    core = shape.new[start : len(shape.new) - max(0, shape.suffix - 1)]
    if not any(map(bytes.strip, _added(shape))) or len(core) < 2:
        return
    owns = {shape.first, shape.hunk.new_start - 1, shape.first + place.carry}
    if place.fuzz:
        owns.add(place.line)
    for own in sorted(owns):
        at = own + start
        if at >= 0 and text.lines[at : at + len(core)] == core:
            yield at


def _added(shape: Shape) -> Iterator[bytes]:
    return (line[1:] for line in shape.hunk.lines if line[0] == 43)


def _anywhere(text: Text, shape: Shape, place: Place) -> Iterator[int]:
    """Yield where the new lines stand with as much context as the old ones have."""
    context = max(shape.prefix, shape.suffix)
    skip = max(0, place.fuzz + shape.prefix - context)
    drop = max(0, place.fuzz + shape.suffix - context)
    wanted = shape.new[skip : len(shape.new) - drop]
    if not _is_telling(wanted):
        return
    low, high = place.line + skip, place.line + len(shape.old) - drop - len(wanted)
    window = Window(wanted, 0, 0, len(text.lines))
    for at in islice(text.matches(window, place.line), _CROWD):
        if not low <= at <= high:  # lines that stay where others of them go
            yield at


def _is_telling(lines: Sequence[bytes]) -> bool:
    """Tell whether lines that are the same elsewhere are no mere chance."""
    return len({line for line in lines if line.strip()}) > 1
