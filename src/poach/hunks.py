"""Placing hunks in a text: ``(old bytes, hunks) -> new bytes``, or why not.

Lines are bytes that end with ``\\n`` and nothing else.  All places are sought in the
old text, so one index of its lines serves every hunk.

A file's hunks are placed twice, all by GNU patch's rule and all by git's, each with its
own notes of what came before; a place is right when the rule that gave it has one for
every hunk.  Where both have, and the results differ, nothing is guessed; nor where a
rule has two places equally near whose results differ.  The rules:
GNU patch begins the search at the hunk's old line plus the offset of the hunk before;
it ties a hunk that begins at line 1 with less context before than after its changes to
the start of the file, and one with less after than before to the end.  git begins at
the hunk's new line, and counts lines in the text as changed so far; it ties every hunk
that begins at line 1 to the start, and one without context after its changes to the
end.  Of two places equally near both take the later one.  (GNU diffutils manual,
"Imperfect Patches"; git-apply, "-C"; the rest was found by trying, see the property
tests.)
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, islice, takewhile
from types import MappingProxyType
from typing import Literal

from poach.diff import Hunk, split_lines
from poach.searching import outward, search
from poach.traces import groups, is_there_in_part

Rule = Literal["gnu", "git"]
RULES: frozenset[Rule] = frozenset({"gnu", "git"})

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
_CROWD = 64  # places of earlier hunks that git's rule tries in vain for a hunk
_DISORDER = 50_000_000  # sums counted anew before git's rule gives up on the order
_TIES = 4  # hunks with two places equally near that are tried both ways
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
    them: ``-`` what the hunk expects, ``+`` what is there.  `clash` tells that the
    ambiguous `lines` are GNU patch's place and git's, each of them certain.
    """

    number: int
    header: str
    reason: Reason
    lines: tuple[int, ...] = ()
    differ: tuple[bytes, ...] = ()
    clash: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """The new contents, where each hunk landed, and by whose rules they come so."""

    data: bytes
    landings: tuple[Landing, ...]
    rules: frozenset[Rule] = RULES


@dataclass(frozen=True, slots=True)
class Rejected:
    """The hunks that do not apply; `landings` tells of those that would."""

    misses: tuple[Miss, ...]
    landings: tuple[Landing, ...]


def apply_hunks(
    old: bytes, hunks: Sequence[Hunk], fuzz: int = 0, rules: frozenset[Rule] = RULES
) -> Applied | Rejected:
    """Apply all `hunks` to `old`, or none.

    `fuzz` is the number of context lines that may be ignored at either end.  `rules`
    are those that have a place for everything else in the same diff.
    """
    text = _Text(split_lines(old))
    shapes = [_Shape.of(hunk) for hunk in hunks]
    runs: list[_Run] = []
    if "gnu" in rules:
        runs.append(_run(text, shapes, fuzz, _GnuRule))
    if "git" in rules:
        known = runs[0].places if runs else [None] * len(shapes)
        runs.append(_run(text, shapes, 0, _GitRule, known))
    whole = [run for run in runs if run.is_whole]
    if not whole:
        best = max(runs, key=lambda run: run.landed)  # GNU's where they are equal
        return Rejected(best.misses(), best.landings)
    return _settled(whole, frozenset(run.rule.name for run in whole))


def without_cr(hunks: Iterable[Hunk]) -> tuple[Hunk, ...]:
    """Return `hunks` with LF for CR LF, as GNU patch reads a CR LF diff."""
    return tuple(replace(hunk, lines=_without_cr(hunk.lines)) for hunk in hunks)


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

    @property
    def first(self) -> int:
        """The hunk's own place; a hunk of new lines only comes *after* its line."""
        return max(0, self.hunk.old_start - (1 if self.old else 0))

    def landing(self, place: int, fuzz: int) -> Landing:
        return Landing(self.hunk.header, place + 1, place - self.first, fuzz)

    def edit(self, place: int, length: int) -> _Edit:
        """Return the change without its context, in a text of so many lines."""
        start = min(place + self.prefix, length)
        end = max(start, place + len(self.old) - self.suffix)
        new = self.hunk.new
        core = new[self.prefix : max(self.prefix, len(new) - self.suffix)]
        return _Edit(start, end, core)


@dataclass(frozen=True, slots=True)
class _Found:
    """A hunk's `place` (from 0); `other` is one that is equally near."""

    place: int
    other: int | None = None
    fuzz: int = 0


class _GnuRule:
    """Where GNU patch puts one hunk after the other."""

    name: Rule = "gnu"

    def __init__(self, text: _Text) -> None:
        self.text = text
        self.floor = 0  # no hunk begins before the last change
        self.offset = 0  # the next hunk is sought as far off as the last

    def guess(self, shape: _Shape) -> int:
        guess = shape.first + self.offset
        return guess if shape.old else min(guess, len(self.text.lines))

    def find(self, shape: _Shape, fuzz: int, known: int | None) -> _Found | None:
        """Return the nearest place with the least fuzz."""
        exact = self._exact(shape)
        if exact is not None:
            return _Found(exact)
        for level in range(min(fuzz, max(shape.prefix, shape.suffix)) + 1):
            found = self._at(shape, level)
            if found is not None:
                return found if self._is_sound(shape, found) else None
        return None

    def land(self, shape: _Shape, place: int, edit: _Edit) -> None:
        self.floor = max(self.floor, edit.end)
        if shape.old:
            self.offset = place - shape.first

    def _exact(self, shape: _Shape) -> int | None:
        """Return the first guess, when the hunk is there and not tied elsewhere."""
        guess, count = self.guess(shape), len(self.text.lines)
        ends = guess + len(shape.old)
        if not shape.old or guess < self.floor:
            return None
        if self.text.lines[guess:ends] != shape.old:
            return None
        tied = (guess and shape.is_first and shape.prefix < shape.suffix) or (
            ends != count and shape.suffix < shape.prefix
        )
        return None if tied else guess

    def _at(self, shape: _Shape, fuzz: int) -> _Found | None:
        if not shape.old:
            guess = self.guess(shape)
            return _Found(guess) if guess >= 0 else None
        window, guess = self._window(shape, fuzz), self.guess(shape)
        if window.low < guess < self.floor:
            guess = window.low  # from there GNU patch only goes on
        places = self.text.nearest(window, guess)
        if not places:
            return None
        return _Found(places[0], places[1] if places[1:] else None, fuzz)

    def _window(self, shape: _Shape, fuzz: int) -> _Window:
        old, context = shape.old, max(shape.prefix, shape.suffix)
        head, tail = fuzz + shape.prefix - context, fuzz + shape.suffix - context
        skip, drop = max(head, 0), max(tail, 0)
        last = len(self.text.lines) - len(old)
        low, high = self._bounds(shape, last + drop)
        if head < 0 and shape.is_first:
            low, high = 0, min(high, 0 if self.floor <= shape.prefix else -1)
            low = max(low, last) if tail < 0 else low
        elif tail < 0:
            low = max(self.floor, last)
        return _Window(old[skip : len(old) - drop], skip, low, high)

    def _bounds(self, shape: _Shape, high: int) -> tuple[int, int]:
        """Return where the search may begin and end.

        Where the first guess is before the last change, GNU patch begins as far
        before the guess as the change is behind it.
        """
        guess = self.guess(shape)
        early = guess < self.floor and guess <= high
        return max(0, 2 * guess - self.floor) if early else self.floor, high

    def _is_sound(self, shape: _Shape, found: _Found) -> bool:
        """Tell whether GNU patch would not garble the text there.

        It says so itself of what begins before the last change; where fuzz leads
        beyond the end, it would join new lines to a last line without a newline.
        """
        beyond = found.place + len(shape.old) > len(self.text.lines)
        if beyond and shape.old and self.text.is_bare:
            return False
        return found.place + shape.prefix >= self.floor


class _GitRule:
    """Where git puts one hunk after the other, in the text as changed so far."""

    name: Rule = "git"

    def __init__(self, text: _Text) -> None:
        self.text = text
        self.taken: list[tuple[int, int]] = []  # lines of the hunks so far, sorted
        self.growth: list[int] = []  # by each of them
        self.sums: list[int] = []  # by all up to each of them
        self.work = 0
        self.ends: list[int] = []  # where the lines after each of them are now

    def guess(self, shape: _Shape) -> int:
        return self._before(self._line(shape))

    def find(self, shape: _Shape, fuzz: int, known: int | None) -> _Found | None:
        """Return the nearest place; at `known` the hunk is known to fit."""
        if self.work > _DISORDER:
            return None
        last = self._last() - len(shape.old)
        low = last if shape.suffix == 0 else 0
        high = 0 if shape.is_first else last
        if shape.old and not shape.suffix and self._is_end_taken():
            return None
        line = min(self._line(shape), self._now(len(self.text.lines)))
        guess = self._before(line)
        if not shape.old:  # git moves such lines to the end: only if they belong there
            return _Found(guess) if low <= guess <= high and guess == last else None
        known_there = guess == known and low <= guess <= high
        if known_there and self._now(guess) == line and self._is_free(guess, shape):
            return _Found(guess)
        return self._nearest(_Window(shape.old, 0, low, high), shape, line)

    def land(self, shape: _Shape, place: int, edit: _Edit) -> None:
        interval = (place, place + len(shape.old))
        growth = len(edit.lines) - (edit.end - edit.start)
        at = bisect_left(self.taken, interval)
        self.taken.insert(at, interval)
        self.growth.insert(at, growth)
        if at == len(self.sums):
            self.sums.append((self.sums[-1] if self.sums else 0) + growth)
            self.ends.append(interval[1] + self.sums[-1])
        else:  # out of order
            self.work += len(self.growth)
            self.sums = list(accumulate(self.growth))
            pairs = zip(self.taken, self.sums, strict=True)
            self.ends = [ends + grown for (_, ends), grown in pairs]

    def _line(self, shape: _Shape) -> int:
        return max(0, shape.hunk.new_start - 1)

    def _last(self) -> int:
        """Return the end of the text, less what was removed there."""
        last = len(self.text.lines)
        for (start, end), grown in zip(
            reversed(self.taken), reversed(self.growth), strict=True
        ):
            if end < last or grown != start - end:
                break
            last = start  # all of its lines are gone
        return last

    def _is_end_taken(self) -> bool:
        """Tell whether an earlier hunk has the last line."""
        if not self.taken or self.taken[-1][1] < len(self.text.lines):
            return False
        start, end = self.taken[-1]
        return self.growth[-1] > start - end

    def _before(self, line: int) -> int:
        """Return the place in the old text of the `line` in the changed one."""
        at = bisect_right(self.ends, line)
        place = line - (self.sums[at - 1] if at else 0)
        return min(place, self.taken[at][0]) if at < len(self.taken) else place

    def _now(self, place: int) -> int:
        """Return the line in the changed text of a free `place` in the old one."""
        at = bisect_left(self.taken, (place + 1, 0))
        while at and self.taken[at - 1][1] > place:
            at -= 1
        return place + (self.sums[at - 1] if at else 0)

    def _is_free(self, place: int, shape: _Shape) -> bool:
        """Tell whether no earlier hunk has any of these lines."""
        ends = place + len(shape.old)
        at = bisect_left(self.taken, (place, place))
        near = self.taken[max(0, at - 1) : at + 1]
        return all(end <= place or start >= ends for start, end in near)

    def _nearest(self, window: _Window, shape: _Shape, line: int) -> _Found | None:
        """Return the free place nearest to `line`, both in the changed text."""
        guess = self._before(line)
        first = self._next(window, shape, guess)
        if first is None:
            return None
        away = abs(self._now(first) - line)
        if first < guess:
            beyond = self._before(line + away)
            sides = replace(window, low=guess, high=min(window.high, beyond))
        else:
            beyond = self._before(line - away) if line >= away else 0
            sides = replace(window, low=max(window.low, beyond), high=guess - 1)
        second = self._next(sides, shape, guess) if away else None
        if second is None:
            return _Found(first)
        gap = abs(self._now(second) - line)
        if gap == away:
            return _Found(max(first, second), min(first, second))
        return _Found(second if gap < away else first)

    def _next(self, window: _Window, shape: _Shape, guess: int) -> int | None:
        if window.low > window.high:
            return None
        places = islice(self.text.matches(window, guess), _CROWD)
        return next((each for each in places if self._is_free(each, shape)), None)


@dataclass(slots=True)
class _Run:
    """All hunks of a file as one rule places them; None where it has no place."""

    text: _Text
    shapes: Sequence[_Shape]
    rule: _GnuRule | _GitRule
    fuzz: int
    found: list[_Found | None] = field(default_factory=list)
    edits: list[_Edit] = field(default_factory=list)
    guesses: dict[int, int] = field(default_factory=dict)  # where nothing was found

    @property
    def places(self) -> list[int | None]:
        sure = (each if each and not each.fuzz else None for each in self.found)
        return [each.place if each else None for each in sure]

    @property
    def landed(self) -> int:
        return len(self.edits)

    @property
    def is_whole(self) -> bool:
        return not self.guesses

    @property
    def landings(self) -> tuple[Landing, ...]:
        pairs = zip(self.shapes, self.found, strict=True)
        return tuple(
            shape.landing(each.place, each.fuzz) for shape, each in pairs if each
        )

    def data(self) -> bytes:
        return self.text.edited(self.edits)

    def place(self, known: Sequence[int | None], forced: Mapping[int, int]) -> None:
        """Place all hunks; `forced` says which of two places equally near to take."""
        for at, shape in enumerate(self.shapes):
            found = self.rule.find(shape, self.fuzz, known[at] if known else None)
            if found and at in forced and found.other == forced[at]:
                found = _Found(forced[at], found.place, found.fuzz)
            self.found.append(found)
            if found is None:
                self.guesses[at] = self.rule.guess(shape)
                if known and None not in known:
                    break  # the other rule has them all
                continue
            edit = shape.edit(found.place, len(self.text.lines))
            self.edits.append(edit)
            self.rule.land(shape, found.place, edit)

    def misses(self) -> tuple[Miss, ...]:
        """Return why the hunks without a place have none."""
        return tuple(
            replace(_Diagnosis(self.text, self.shapes[at], guess).miss(), number=at + 1)
            for at, guess in self.guesses.items()
        )

    def ties(self) -> dict[int, int]:
        """Return the other places of hunks that have two, which make a difference."""
        others = {
            at: found.other
            for at, found in enumerate(self.found)
            if found and found.other is not None
        }
        if not others or len(others) > _TIES:
            return others
        data = self.data()
        return {at: to for at, to in others.items() if self._other(at, to) != data}

    def _other(self, at: int, place: int) -> bytes | None:
        kind = type(self.rule)
        run = _run(self.text, self.shapes, self.fuzz, kind, forced={at: place})
        return run.data() if run.is_whole else None


def _run(
    text: _Text,
    shapes: Sequence[_Shape],
    fuzz: int,
    kind: type[_GnuRule | _GitRule],
    known: Sequence[int | None] = (),
    forced: Mapping[int, int] = MappingProxyType({}),
) -> _Run:
    run = _Run(text, shapes, kind(text), fuzz)
    run.place(known, forced)
    return run


def _settled(whole: Sequence[_Run], rules: frozenset[Rule]) -> Applied | Rejected:
    """Return what the runs agree on; each has a place for every hunk."""
    first, last = whole[0], whole[-1]
    if first.edits != last.edits and first.data() != last.data():
        return _rejected(first, _clashes(first, last))
    ties = [run.ties() for run in whole]
    if all(ties):
        return _rejected(first, ties[0], clash=False)
    return Applied(first.data(), first.landings, rules)


def _clashes(first: _Run, last: _Run) -> dict[int, int]:
    pairs = zip(first.found, last.found, strict=True)
    return {
        at: git.place
        for at, (gnu, git) in enumerate(pairs)
        if gnu and git and gnu.place != git.place
    }


def _rejected(run: _Run, others: Mapping[int, int], clash: bool = True) -> Rejected:
    """Refuse hunks that could be at these `others` as well."""
    misses = []
    landings = list(run.landings)
    for at, other in others.items():
        lines = (landings[at].line, other + 1)
        misses.append(
            Miss(at + 1, landings[at].header, "ambiguous", lines, clash=clash)
        )
    sure = (landing for at, landing in enumerate(landings) if at not in others)
    return Rejected(tuple(misses), tuple(sure))


class _Text:
    """The old lines and their index, which serves every hunk and both rules."""

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines
        self._places: dict[bytes, list[int]] | None = None
        self._unix: _Text | None = None
        self._searches = 0

    @property
    def is_bare(self) -> bool:
        """Tell whether the last line has no newline."""
        return bool(self.lines) and not self.lines[-1].endswith(b"\n")

    def edited(self, edits: Iterable[_Edit]) -> bytes:
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

    def nearest(self, window: _Window, guess: int) -> list[int]:
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

    def _fits(self, window: _Window, place: int) -> bool:
        at = place + window.skip
        return at >= 0 and self.lines[at : at + len(window.lines)] == window.lines

    def matches(self, window: _Window, guess: int) -> Iterator[int]:
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
        low = max(guess - _NEAR, window.low, -shift) + shift
        high = max(min(guess + _NEAR, window.high) + shift + 1, 0)
        hits = [at for at, line in enumerate(self.lines[low:high], low) if line == key]
        for hit in outward(hits, guess + shift):
            place = hit - shift
            if self._fits(window, place):
                yield place

    def _far(self, window: _Window, guess: int, beyond: int) -> Iterator[int]:
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

    def _rest(self, window: _Window, guess: int, beyond: int) -> Iterator[int]:
        """Go on from the distance `beyond` with a search in linear time."""
        places = [at - window.skip for at in search(self.lines, window.lines)]
        inside = range(window.low, window.high + 1)
        for place in outward(places, guess, inside):
            if abs(place - guess) >= beyond:
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
    guess: int

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
        firsts = {line for side in wanted[0] for line in side[:1]}
        near = (outward(self.text.where(line), self.guess) for line in sorted(firsts))
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
        return tuple(place + 1 for place in _first(text.matches(window, self.guess)))

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
        best = max(votes, key=lambda place: (votes[place], -abs(place - self.guess)))
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
