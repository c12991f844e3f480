"""A text as lines and their index, and hunks as a search for them sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from poach.diff import Hunk
from poach.searching import outward, search

_NEAR = 500  # lines away that are searched without an index of all lines
_FEW = 8  # such searches before the index pays
_PATIENCE = 2048  # failed comparisons before the search turns to a linear one


class Window(NamedTuple):
    """A way to fit a hunk: its `lines` without `skip` at the start, between two places.

    `low` and `high` are the first and last place (from 0) of the whole hunk.
    """

    lines: list[bytes]
    skip: int
    low: int
    high: int


class Edit(NamedTuple):
    """The lines from `start` to `end` (from 0, without it) become `lines`."""

    start: int
    end: int
    lines: Sequence[bytes]


class Shape(NamedTuple):
    """What the search needs to know of a hunk, counted once.

    `prefix` and `suffix` are its lines of context before and after all changes.
    """

    hunk: Hunk
    old: list[bytes]
    new: list[bytes]
    prefix: int
    suffix: int

    @classmethod
    def of(cls, hunk: Hunk) -> Shape:
        """Return the shape of a hunk."""
        prefix = _context(hunk.lines)
        suffix = _context(reversed(hunk.lines))
        return cls(hunk, hunk.old, hunk.new, prefix, suffix)

    @property
    def is_first(self) -> bool:
        """Tell whether the hunk begins at line 1."""
        return self.hunk.old_start <= 1

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
    """The old lines and their index, which serves every hunk and both rules."""

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines
        self._places: dict[bytes, list[int]] | None = None
        self._unix: Text | None = None
        self._searches = 0

    @property
    def is_bare(self) -> bool:
        """Tell whether the last line has no newline."""
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
            self._places = {}
            for at, each in enumerate(self.lines):
                self._places.setdefault(each, []).append(at)
        return self._places.get(line, ())

    def without_cr(self) -> Text:
        """Return the text with LF for CR LF, itself where it has none."""
        if self._unix is None:
            lines = list(without_cr(self.lines))
            self._unix = self if lines == self.lines else Text(lines)
        return self._unix


def _ended(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + b"\n"


def _context(lines: Iterable[bytes]) -> int:
    return sum(1 for _ in takewhile(lambda line: line[0] == 32, lines))


def without_cr(lines: Iterable[bytes]) -> tuple[bytes, ...]:
    """Return `lines` with LF for CR LF."""
    return tuple(
        line[:-2] + b"\n" if line.endswith(b"\r\n") else line.removesuffix(b"\r")
        for line in lines
    )
