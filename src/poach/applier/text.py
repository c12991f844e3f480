"""A text as lines and their index, and hunks as a search for them sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, takewhile
from typing import NamedTuple

from poach.applier.cursor import split_lines
from poach.applier.diff import Hunk
from poach.applier.searching import outward, search

_NEAR = 500  # lines away that are searched without an index of all lines
_FEW = 8  # such searches before the index pays
_PATIENCE = 2048  # failed comparisons before the search turns to a linear one


class Window(NamedTuple):
    """A way to fit a hunk between two places."""

    #: The hunk's lines without `skip` at the start.
    lines: list[bytes]
    #: How many lines of the hunk are left out at the start.
    skip: int
    #: The first place of the whole hunk, from 0.
    low: int
    #: The last place of the whole hunk, from 0.
    high: int


class Edit(NamedTuple):
    """The lines from `start` to `end` (from 0, without it) become `lines`."""

    start: int
    end: int
    lines: Sequence[bytes]


class Shape(NamedTuple):
    """What the search needs to know of a hunk, counted once."""

    hunk: Hunk
    old: list[bytes]
    new: list[bytes]
    #: How many lines of context stand before all changes.
    prefix: int
    #: How many lines of context stand after all changes.
    suffix: int

    @classmethod
    def of(cls, hunk: Hunk) -> Shape:
        """Return the shape of a hunk."""
        prefix = _context(hunk.lines)
        suffix = _context(reversed(hunk.lines))
        return cls(hunk, hunk.old, hunk.new, prefix, suffix)

    @property
    def is_first(self) -> bool:
        """Return whether the hunk begins at line 1."""
        return self.hunk.old_start <= 1

    @property
    def has_context(self) -> bool:
        """Return whether the hunk has lines that stay: else it belongs to its line."""
        return len(self.hunk.lines) < len(self.old) + len(self.new)

    @property
    def first(self) -> int:
        """The hunk's own place; a hunk of new lines only comes *after* its line."""
        return max(0, self.hunk.old_start - (1 if self.old else 0))

    def edit(self, place: int, length: int) -> Edit:
        """Return the change without its context, in a text of so many lines."""
        start = min(place + self.prefix, length)
        end = max(start, place + len(self.old) - self.suffix)
        ends = max(self.prefix, len(self.new) - self.suffix)
        return Edit(start, end, self.new[self.prefix : ends])


class Text:
    """The old lines and an index of them, which serves every hunk and both rules.

    The index is of the lines that the hunks have, so that it takes next to nothing.
    """

    def __init__(self, data: bytes, shapes: Sequence[Shape]) -> None:
        self.lines = split_lines(data)
        self._data = data
        self._shapes = shapes
        self._places: dict[bytes, list[int]] | None = None
        self._unix: Text | None = None
        self._searches = 0

    @property
    def is_bare(self) -> bool:
        """Return whether the last line has no newline."""
        return bool(self.lines) and not self.lines[-1].endswith(b"\n")

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """Return the text with all edits made.

        A line that ends without a newline gets one where others come after it.
        """
        pieces: list[bytes] = []
        at = 0
        bare = self.is_bare
        for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
            pieces += self.lines[at : edit.start]
            pieces += edit.lines
            at = edit.end
            bare |= bool(edit.lines) and not edit.lines[-1].endswith(b"\n")
        pieces += self.lines[at:]
        pieces[:-1] = map(_ended, pieces[:-1]) if bare else pieces[:-1]
        return b"".join(pieces)

    def nearest(self, window: Window, guess: int) -> list[int]:
        """Return the place nearest to `guess`, or two where they are equally near."""
        if window.low > window.high:
            return []
        if not window.lines:
            return [max(window.low, min(guess, window.high))]
        first = next(self.matches(window, guess), None)
        if first is None:
            return []
        other = 2 * guess - first
        tied = other != first and window.low <= other <= window.high
        if not tied or not self._fits(window, other):
            return [first]
        return [max(first, other), min(first, other)]

    def _fits(self, window: Window, place: int) -> bool:
        at = place + window.skip
        return at >= 0 and self.lines[at : at + len(window.lines)] == window.lines

    def matches(self, window: Window, guess: int) -> Iterator[int]:
        """Yield the places of a window's lines, nearest to `guess` first."""
        if self._places is None and self._searches < _FEW:
            self._searches += 1
            yield from self._near(window, guess)
            beyond = _NEAR + 1
        else:
            beyond = 0
        yield from self._far(window, guess, beyond)

    def _near(self, window: Window, guess: int) -> Iterator[int]:
        """Yield the places that are at most so many lines away."""
        wanted = window.lines
        key = max(wanted, key=len)
        shift = wanted.index(key) + window.skip
        low = max(guess - _NEAR, window.low, -shift) + shift
        high = max(min(guess + _NEAR, window.high) + shift + 1, 0)
        hits = [at for at, line in enumerate(self.lines[low:high], low) if line == key]
        for hit in outward(hits, guess + shift):
            place = hit - shift
            if self._fits(window, place):
                yield place

    def _far(self, window: Window, guess: int, beyond: int) -> Iterator[int]:
        """Yield the places that are at least `beyond` lines away."""
        wanted = window.lines
        rare = min(range(len(wanted)), key=lambda at: len(self.where(wanted[at])))
        shift = rare + window.skip
        failed = 0
        inside = range(window.low + shift, window.high + shift + 1)
        for hit in outward(self.where(wanted[rare]), guess + shift, inside):
            place = hit - shift
            distance = abs(place - guess)
            if distance < beyond:
                continue
            if self._fits(window, place):
                yield place
            elif (failed := failed + 1) > _PATIENCE:
                yield from self._rest(window, guess, distance)
                return

    def _rest(self, window: Window, guess: int, beyond: int) -> Iterator[int]:
        """Go on from the distance `beyond` with a search in linear time."""
        places = [at - window.skip for at in search(self.lines, window.lines)]
        inside = range(window.low, window.high + 1)
        for place in outward(places, guess, inside):
            if abs(place - guess) >= beyond:
                yield place

    def where(self, line: bytes) -> Sequence[int]:
        """Return the places of `line`, from 0, in order."""
        if self._places is None:
            self._places = self._indexed()
        if line not in self._places:
            hits = [at for at, each in enumerate(self.lines) if each == line]
            self._places[line] = hits
        return self._places[line]

    def _indexed(self) -> dict[bytes, list[int]]:
        """Return the places of all lines that the hunks have."""
        sides = chain.from_iterable((each.old, each.new) for each in self._shapes)
        places: dict[bytes, list[int]] = {line: [] for side in sides for line in side}
        for at, line in enumerate(self.lines):
            if line in places:
                places[line].append(at)
        return places

    def without_cr(self) -> Text:
        """Return the text with LF for CR LF, itself where it has none."""
        if self._unix is None:
            data = self._data.replace(b"\r\n", b"\n").removesuffix(b"\r")
            shapes = [Shape.of(unix_hunk(shape.hunk)) for shape in self._shapes]
            self._unix = Text(data, shapes) if b"\r" in self._data else self
        return self._unix


def _ended(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + b"\n"


def _context(lines: Iterable[bytes]) -> int:
    return sum(1 for _ in takewhile(lambda line: line[0] == 32, lines))


def unix_hunk(hunk: Hunk) -> Hunk:
    """Return `hunk` with LF for CR LF, as GNU patch reads a CR LF diff."""
    return hunk._replace(lines=without_cr(hunk.lines))


def without_cr(lines: Iterable[bytes]) -> tuple[bytes, ...]:
    """Return `lines` with LF for CR LF."""
    return tuple(
        line[:-2] + b"\n" if line.endswith(b"\r\n") else line.removesuffix(b"\r")
        for line in lines
    )
