"""Placing hunks in a text: ``(old bytes, hunks) -> new bytes``, or why not.

Lines are bytes that end with ``\\n`` and nothing else.  All places are sought in the
old text, so one index of its lines serves every hunk.

A place is right when GNU patch or ``git apply`` takes it; where they would take
different places, or one of two equally near ones, nothing is guessed.  Their rules:
GNU patch begins the search at the hunk's old line plus the offset of the hunk before;
it ties a hunk that begins at line 1 with less context before than after its changes to
the start of the file, and one with less after than before to the end.  git begins at
the hunk's new line; it ties every hunk that begins at line 1 to the start, and one
without context after its changes to the end.  (GNU diffutils manual, "Imperfect
Patches"; git-apply, "-C"; the rest was found by trying, see the property tests.)
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import Literal

from poach.diff import MAX_BINARY, Binary, Hunk, split_lines
from poach.traces import groups, is_there_in_part

Reason = Literal[
    "not found",
    "ambiguous",
    "already applied",
    "partly applied",
    "line endings",
    "order",
    "only at the start",
    "only at the end",
]

_COMMON = 32  # a line that occurs more often says nothing about the place
_NEAR = 500  # lines away that are searched without an index of all lines
_FEW = 8  # such searches before the index pays
_PATIENCE = 2048  # failed comparisons before the search turns to a linear one
_SHOWN = 400  # lines of a hunk that are compared for a message


@dataclass(frozen=True, slots=True)
class Landing:
    """Where a hunk fits: the `line` (from 1) of its first line in the old text.

    `offset` says how far that is from the line in its `header`, `fuzz` how many
    lines of context had to be ignored.
    """

    header: str
    line: int
    offset: int = 0
    fuzz: int = 0


@dataclass(frozen=True, slots=True)
class Miss:
    """Why a hunk does not apply.

    `number` counts the file's hunks from 1.  `lines` are the places that come into
    question (from 1), the nearest first.  `differ` is a small diff at the first of
    them: ``-`` what the hunk expects, ``+`` what is there.
    """

    number: int
    header: str
    reason: Reason
    lines: tuple[int, ...] = ()
    differ: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """The new contents, and where each hunk landed."""

    data: bytes
    landings: tuple[Landing, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """The hunks that do not apply; `landings` tells of those that would."""

    misses: tuple[Miss, ...]
    landings: tuple[Landing, ...]


def apply_hunks(old: bytes, hunks: Sequence[Hunk], fuzz: int = 0) -> Applied | Rejected:
    """Apply all `hunks` to `old`, or none.

    `fuzz` is the number of context lines that may be ignored at either end.
    """
    text = _Text(split_lines(old))
    landings: list[Landing] = []
    misses: list[Miss] = []
    for number, hunk in enumerate(hunks, 1):
        found = text.place(hunk, fuzz)
        if isinstance(found, Landing):
            landings.append(found)
        else:
            misses.append(replace(found, number=number))
    if misses:
        return Rejected(tuple(misses), tuple(landings))
    return Applied(text.edited(), tuple(landings))


def without_cr(hunks: Iterable[Hunk]) -> tuple[Hunk, ...]:
    """Return `hunks` with LF for CR LF, as GNU patch reads a CR LF diff."""
    return tuple(replace(hunk, lines=_without_cr(hunk.lines)) for hunk in hunks)


class BadBinary(ValueError):
    """A binary change that does not fit; the message says why."""


def apply_binary(old: bytes, binary: Binary) -> bytes:
    """Return the contents that a git binary hunk makes of `old`.

    Both names must agree, as ``git apply`` wants.  Raises `BadBinary`.
    """
    if not _is_blob(old, binary.old_oid, allow_null=True):
        raise BadBinary("binary change of other contents than the tree has")
    new = _apply_delta(old, binary.data) if binary.delta else binary.data
    if not _is_blob(new, binary.new_oid, allow_null=True):
        raise BadBinary("damaged binary data")
    return new


def is_result(old: bytes, binary: Binary) -> bool:
    """Tell whether `old` is what the binary change would make already."""
    return _is_blob(old, binary.new_oid)


@dataclass(frozen=True, slots=True)
class _Window:
    """A way to fit a hunk: its `lines` without `skip` at the start, between two places.

    `low` and `high` are the first and last place (from 0) of the whole hunk.
    """

    lines: list[bytes]
    skip: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    lines: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the search needs to know of a hunk, counted once."""

    hunk: Hunk
    old: list[bytes]
    prefix: int
    suffix: int

    @classmethod
    def of(cls, hunk: Hunk) -> _Shape:
        prefix = _context(hunk.lines)
        suffix = _context(reversed(hunk.lines))
        return cls(hunk, hunk.old, prefix, suffix)

    @property
    def is_first(self) -> bool:
        """Tell whether the hunk begins at line 1."""
        return self.hunk.old_start <= 1


class _Text:
    """The old lines, their index, and the edits so far."""

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines
        self._places: dict[bytes, list[int]] | None = None
        self._unix: _Text | None = None
        self._searches = 0
        self.edits: list[_Edit] = []
        self.floor = 0  # GNU patch: no hunk begins before the last change
        self.offset = 0  # GNU patch: the next hunk is sought as far off as the last
        self.growth = 0  # git counts lines in the new text
        self.bare = bool(lines) and not lines[-1].endswith(b"\n")
        self.taken: list[tuple[int, int]] = []  # git: lines of earlier hunks, sorted

    def edited(self) -> bytes:
        """Return the text with all edits made.

        A line that ends without a newline gets one where others come after it.
        """
        pieces: list[bytes] = []
        at = 0
        for edit in sorted(self.edits, key=lambda edit: (edit.start, edit.end)):
            pieces += self.lines[at : edit.start]
            pieces += edit.lines
            at = edit.end
        pieces += self.lines[at:]
        pieces[:-1] = map(_ended, pieces[:-1]) if self.bare else pieces[:-1]
        return b"".join(pieces)

    def place(self, hunk: Hunk, fuzz: int) -> Landing | Miss:
        """Find the place of `hunk` and note its edit."""
        shape = _Shape.of(hunk)
        exact = self._exact(shape)
        if exact is not None:
            return self._land(shape, exact, 0)
        for level in range(min(fuzz, max(shape.prefix, shape.suffix)) + 1):
            places = self._choices(shape, level)
            if len(places) > 1:
                lines = tuple(place + 1 for place in places)
                return Miss(0, hunk.header, "ambiguous", lines)
            if places:
                return self._land(shape, places[0], level)
        return _Diagnosis(self, shape).miss()

    def _exact(self, shape: _Shape) -> int | None:
        """Return the place that both begin with, when the hunk is there."""
        guess = self._gnu_guess(shape)
        if not shape.old or guess != self._git_guess(shape) or guess < self.floor:
            return None
        ends = guess + len(shape.old)
        tied = (guess and shape.is_first and shape.prefix < shape.suffix) or (
            ends != len(self.lines) and shape.suffix < shape.prefix
        )
        fits = self.lines[guess:ends] == shape.old
        return guess if fits and not tied else None

    def _land(self, shape: _Shape, place: int, fuzz: int) -> Landing:
        hunk, ends = shape.hunk, place + len(shape.old)
        start = min(place + shape.prefix, len(self.lines))
        end = max(start, ends - shape.suffix)
        new = hunk.new
        core = new[shape.prefix : max(shape.prefix, len(new) - shape.suffix)]
        self.edits.append(_Edit(start, end, core))
        self.bare |= bool(core) and not core[-1].endswith(b"\n")
        self.floor = max(self.floor, end)
        self.offset = place - self._first(shape)
        self.growth += len(core) - (end - start)
        interval = (place, ends)
        self.taken.insert(bisect_left(self.taken, interval), interval)
        return Landing(hunk.header, place + 1, self.offset, fuzz)

    def _first(self, shape: _Shape) -> int:
        """Return the hunk's own place; a hunk of new lines only comes *after* it."""
        return max(0, shape.hunk.old_start - (1 if shape.old else 0))

    def _gnu_guess(self, shape: _Shape) -> int:
        guess = self._first(shape) + self.offset
        return guess if shape.old else min(guess, len(self.lines))

    def _git_guess(self, shape: _Shape) -> int:
        return max(0, shape.hunk.new_start - 1) - self.growth

    def _choices(self, shape: _Shape, fuzz: int) -> list[int]:
        """Return where GNU patch and git would put the hunk: best one place."""
        guess = self._gnu_guess(shape)
        gnu = self._nearest(self._gnu_window(shape, fuzz), guess)
        gnu = [place for place in gnu if place + shape.prefix >= self.floor]
        if fuzz or not shape.old:
            return gnu
        git = self._nearest(self._git_window(shape), self._git_guess(shape))
        git = [place for place in git if self._free(place, shape)]
        return list(dict.fromkeys(gnu + git))

    def _gnu_window(self, shape: _Shape, fuzz: int) -> _Window:
        old, context = shape.old, max(shape.prefix, shape.suffix)
        head, tail = fuzz + shape.prefix - context, fuzz + shape.suffix - context
        skip, drop = max(head, 0), max(tail, 0)
        last = len(self.lines) - len(old)
        low, high = min(self.floor, self._gnu_guess(shape)), last + drop
        if head < 0 and shape.is_first:
            high = min(high, 0)
        if tail < 0:
            low = max(low, last)
        return _Window(old[skip : len(old) - drop], skip, low, high)

    def _git_window(self, shape: _Shape) -> _Window:
        last = len(self.lines) - len(shape.old)
        low = last if shape.suffix == 0 else 0
        high = 0 if shape.is_first else last
        return _Window(shape.old, 0, low, high)

    def _free(self, place: int, shape: _Shape) -> bool:
        """Tell whether no earlier hunk has any of these lines."""
        ends = place + len(shape.old)
        at = bisect_left(self.taken, (place, place))
        near = self.taken[max(0, at - 1) : at + 1]
        return all(end <= place or start >= ends for start, end in near)

    def _nearest(self, window: _Window, guess: int) -> list[int]:
        """Return the place nearest to `guess`, or two where they are equally near."""
        if window.low > window.high:
            return []
        if not window.lines:
            return [max(window.low, min(guess, window.high))]
        first = next(self._matches(window, guess), None)
        if first is None:
            return []
        other = 2 * guess - first
        tied = other != first and window.low <= other <= window.high
        return [first, other] if tied and self._fits(window, other) else [first]

    def _fits(self, window: _Window, place: int) -> bool:
        at = place + window.skip
        return at >= 0 and self.lines[at : at + len(window.lines)] == window.lines

    def _matches(self, window: _Window, guess: int) -> Iterator[int]:
        """Yield the places of a window's lines, nearest to `guess` first."""
        if self._places is None and self._searches < _FEW:
            self._searches += 1
            yield from self._near(window, guess)
            beyond = _NEAR + 1
        else:
            beyond = 0
        yield from self._far(window, guess, beyond)

    def _near(self, window: _Window, guess: int) -> Iterator[int]:
        """Yield the places that are at most so many lines away."""
        wanted = window.lines
        key = max(wanted, key=len)
        shift = wanted.index(key) + window.skip
        low, high = guess + shift - _NEAR, guess + shift + _NEAR + 1
        low, high = max(low, 0), max(high, 0)
        hits = [at for at, line in enumerate(self.lines[low:high], low) if line == key]
        for hit in _outward(hits, guess + shift):
            place = hit - shift
            if window.low <= place <= window.high and self._fits(window, place):
                yield place

    def _far(self, window: _Window, guess: int, beyond: int) -> Iterator[int]:
        """Yield the places that are at least `beyond` lines away."""
        wanted = window.lines
        rare = min(range(len(wanted)), key=lambda at: len(self.where(wanted[at])))
        shift = rare + window.skip
        failed = 0
        for hit in _outward(self.where(wanted[rare]), guess + shift):
            place = hit - shift
            distance = abs(place - guess)
            if distance < beyond or not window.low <= place <= window.high:
                continue
            if self._fits(window, place):
                yield place
            elif (failed := failed + 1) > _PATIENCE:
                yield from self._rest(window, guess, distance)
                return

    def _rest(self, window: _Window, guess: int, beyond: int) -> Iterator[int]:
        """Go on from the distance `beyond` with a search in linear time."""
        places = [at - window.skip for at in _search(self.lines, window.lines)]
        for place in _outward(places, guess):
            inside = window.low <= place <= window.high
            if inside and abs(place - guess) >= beyond:
                yield place

    def where(self, line: bytes) -> Sequence[int]:
        """Return the places of `line`, from 0, in order."""
        if self._places is None:
            self._places = defaultdict(list)
            for at, each in enumerate(self.lines):
                self._places[each].append(at)
        return self._places.get(line, ())

    def without_cr(self) -> _Text:
        """Return the text with LF for CR LF, itself where it has none."""
        if self._unix is None:
            lines = list(_without_cr(self.lines))
            self._unix = self if lines == self.lines else _Text(lines)
        return self._unix


@dataclass(frozen=True, slots=True)
class _Diagnosis:
    """Finds out why a hunk has no place."""

    text: _Text
    shape: _Shape

    def miss(self) -> Miss:
        header = self.shape.hunk.header
        for reason, lines in self._reasons():
            if lines:
                return Miss(0, header, reason, lines)
        return self._nearest()

    def _reasons(self) -> Iterator[tuple[Reason, tuple[int, ...]]]:
        new, old = self.shape.hunk.new, self.shape.old
        if len(new) > 1 or (new and not self.shape.prefix + self.shape.suffix):
            yield "already applied", self._find(self.text, new)
        yield "partly applied", self._in_part()
        yield self._bound(), self._find(self.text, old)
        yield "line endings", self._without_cr(old)

    def _without_cr(self, old: list[bytes]) -> tuple[int, ...]:
        """Return where the hunk fits but for the line endings."""
        text, lines = self.text.without_cr(), list(_without_cr(old))
        same = text is self.text and lines == old
        return () if same else self._find(text, lines)

    def _in_part(self) -> tuple[int, ...]:
        """Return the place where some of the hunk's changes are made already."""
        wanted = groups(self.shape.hunk)
        if sum(old != new for old, new in wanted) < 2:
            return ()
        guess = self.text._gnu_guess(self.shape)
        firsts = {line for side in wanted[0] for line in side[:1]}
        near = (_outward(self.text.where(line), guess) for line in sorted(firsts))
        hits = [at for places in near for at in islice(places, _COMMON)]
        places = (at for at in hits if is_there_in_part(self.text.lines, at, wanted))
        return tuple(place + 1 for place in _first(places))

    def _bound(self) -> Reason:
        """Return why a place where the hunk fits is not for it."""
        if self.shape.is_first and self.shape.prefix < self.shape.suffix:
            return "only at the start"
        if self.shape.suffix < self.shape.prefix:
            return "only at the end"
        return "order"

    def _find(self, text: _Text, lines: list[bytes]) -> tuple[int, ...]:
        if not lines:
            return ()
        window = _Window(lines, 0, 0, len(text.lines))
        guess = self.text._gnu_guess(self.shape)
        return tuple(place + 1 for place in _first(text._matches(window, guess)))

    def _nearest(self) -> Miss:
        """Tell of the place where most lines agree."""
        header, old = self.shape.hunk.header, self.shape.old[:_SHOWN]
        votes: Counter[int] = Counter()
        for at, line in enumerate(old):
            hits = self.text.where(line)
            if line.strip() and len(hits) <= _COMMON:
                votes.update(hit - at for hit in hits if hit >= at)
        if not votes:
            return Miss(0, header, "not found")
        guess = self.text._gnu_guess(self.shape)
        best = max(votes, key=lambda place: (votes[place], -abs(place - guess)))
        there = self.text.lines[best : best + len(old)]
        return Miss(0, header, "not found", (best + 1,), tuple(_differ(old, there)))


def _differ(expected: Sequence[bytes], there: Sequence[bytes]) -> Iterator[bytes]:
    import difflib

    matcher = difflib.SequenceMatcher(None, expected, there, autojunk=False)
    for word, i, j, k, m in matcher.get_opcodes():
        if word != "equal":
            yield from (b"-" + line for line in expected[i:j])
            yield from (b"+" + line for line in there[k:m])


def _first(places: Iterator[int]) -> list[int]:
    return [place for place, _ in zip(places, range(1), strict=False)]


def _ended(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + b"\n"


def _context(lines: Iterable[bytes]) -> int:
    return sum(1 for _ in takewhile(lambda line: line[0] == 32, lines))


def _without_cr(lines: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(
        line[:-2] + b"\n" if line.endswith(b"\r\n") else line.removesuffix(b"\r")
        for line in lines
    )


def _outward(places: Sequence[int], guess: int) -> Iterator[int]:
    """Yield the sorted `places` by their distance from `guess`, later ones first."""
    right = bisect_left(places, guess)
    left = right - 1
    while left >= 0 or right < len(places):
        if left < 0 or (
            right < len(places) and places[right] - guess <= guess - places[left]
        ):
            yield places[right]
            right += 1
        else:
            yield places[left]
            left -= 1


def _search(text: Sequence[bytes], wanted: Sequence[bytes]) -> Iterator[int]:
    """Yield all places of `wanted` in `text` in linear time (Knuth, Morris, Pratt)."""
    borders = _borders(wanted)
    length = 0
    for at, line in enumerate(text):
        while length and (length == len(wanted) or wanted[length] != line):
            length = borders[length - 1]
        if wanted[length] == line:
            length += 1
        if length == len(wanted):
            yield at - length + 1


def _borders(wanted: Sequence[bytes]) -> list[int]:
    borders = [0]
    length = 0
    for line in wanted[1:]:
        while length and wanted[length] != line:
            length = borders[length - 1]
        length += wanted[length] == line
        borders.append(length)
    return borders


def _is_blob(data: bytes, oid: str, allow_null: bool = False) -> bool:
    """Tell whether git calls `data` so; a null oid stands for no file at all."""
    if allow_null and not oid.strip("0"):
        return not data
    kind = {40: "sha1", 64: "sha256"}.get(len(oid))
    if kind is None:
        return False
    import hashlib

    found = hashlib.new(kind, b"blob %d\0" % len(data), usedforsecurity=False)
    found.update(data)
    return found.hexdigest() == oid


def _apply_delta(old: bytes, delta: bytes) -> bytes:
    """Follow git's pack delta (gitformat-pack, "Deltified representation")."""
    try:
        source, at = _size(delta, 0)
        target, at = _size(delta, at)
        if source != len(old) or target > MAX_BINARY:
            raise BadBinary("binary change of other contents than the tree has")
        pieces = list(_pieces(old, delta, at, target))
    except IndexError as error:
        raise BadBinary("damaged binary data") from error
    return b"".join(pieces)


def _pieces(old: bytes, delta: bytes, at: int, target: int) -> Iterator[bytes]:
    while at < len(delta):
        code = delta[at]
        at += 1
        if code & 0x80:
            start, at = _number(delta, at, code & 0x0F)
            size, at = _number(delta, at, code >> 4 & 0x07)
            piece = old[start : start + (size or 0x10000)]
        else:
            piece = delta[at : at + code]
            at += code
        target -= len(piece)
        if not piece or target < 0:
            raise BadBinary("damaged binary data")
        yield piece
    if target:
        raise BadBinary("damaged binary data")


def _size(delta: bytes, at: int) -> tuple[int, int]:
    """Read a size: seven bits in each byte, the lowest first."""
    value = shift = 0
    while True:
        byte = delta[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at


def _number(delta: bytes, at: int, present: int) -> tuple[int, int]:
    """Read the bytes of a number that the bits of `present` say are there."""
    value = 0
    for index in range(4):
        if present >> index & 1:
            value |= delta[at] << 8 * index
            at += 1
    return value, at
