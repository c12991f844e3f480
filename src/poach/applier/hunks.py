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

Two rules are poach's own, and stricter.  A hunk without any context applies at its own
line only.  A hunk that lands elsewhere while its new lines stand in the text already is
refused (`poach.applier.lookalikes`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from poach.applier.diff import Hunk
from poach.applier.lookalikes import Place, rival
from poach.applier.text import Edit, Shape, Text, Window

if TYPE_CHECKING:
    from poach.applier.diagnosis import Doubt, Miss

Rule = Literal["gnu", "git"]
RULES: frozenset[Rule] = frozenset({"gnu", "git"})

_CROWD = 64  # places of earlier hunks that git's rule tries in vain for a hunk
_DISORDER = 50_000_000  # sums counted again before git's rule gives up on the order
_TIES = 4  # hunks with two places equally near that are tried both ways


class Placement(NamedTuple):
    """Where a hunk fits."""

    header: str
    #: The line (from 1) of its first line in the old text.
    line: int
    #: How far that is from the line in its `header`.
    offset: int = 0
    #: How many lines of context had to be ignored.
    fuzz: int = 0
    #: Whether its line endings are not the file's, which keeps its own.
    eol: bool = False


class Applied(NamedTuple):
    """The new text, the place of each hunk, and the rules that give this result."""

    data: bytes
    placements: tuple[Placement, ...]
    rules: frozenset[Rule] = RULES


class Rejected(NamedTuple):
    """The hunks that do not apply; `placements` has those that would."""

    misses: tuple[Miss, ...]
    placements: tuple[Placement, ...]


def apply_hunks(
    old: bytes, hunks: Sequence[Hunk], fuzz: int = 0, rules: frozenset[Rule] = RULES
) -> Applied | Rejected:
    """Apply all `hunks` to `old`, or none.

    `fuzz` is the number of context lines that may be ignored at either end.  `rules`
    are those that have a place for everything else in the same diff.
    """
    if not old and len(hunks) == 1 and not hunks[0].old_start and not hunks[0].old:
        return _made(hunks[0], rules)
    shapes = [Shape.of(hunk) for hunk in hunks]
    text = Text(old, shapes)
    runs: list[_Run] = []
    if "gnu" in rules:
        runs.append(_run(text, shapes, fuzz, _GnuRule))
    if "git" in rules:
        known = runs[0].places if runs else [None] * len(shapes)
        runs.append(_run(text, shapes, 0, _GitRule, known))
    whole = [run for run in runs if run.is_whole]
    if not whole:
        best = max(runs, key=lambda run: run.placed)  # GNU's where they are equal
        return _refused(best, best.misses())
    return _settled(whole, frozenset(run.rule.name for run in whole))


def _made(hunk: Hunk, rules: frozenset[Rule]) -> Applied:
    """Return a new file, which has one place for its one hunk by any rule."""
    return Applied(b"".join(hunk.new), (Placement(hunk.header, 1),), rules)


class _Found(NamedTuple):
    """A hunk's `place` (from 0); `other` is one that is equally near."""

    place: int
    other: int | None = None
    fuzz: int = 0


class _GnuRule:
    """Where GNU patch puts one hunk after the other."""

    name: Rule = "gnu"

    def __init__(self, text: Text) -> None:
        self.text = text
        self.floor = 0  # no hunk begins before the last change
        self.offset = 0  # the next hunk is sought as far off as the last

    def guess(self, shape: Shape) -> int:
        guess = shape.first + self.offset
        return guess if shape.old else min(guess, len(self.text.lines))

    def find(self, shape: Shape, fuzz: int, known: int | None) -> _Found | None:
        """Return the nearest place with the least fuzz."""
        exact = self._exact(shape)
        if exact is not None:
            return _Found(exact)
        for level in range(min(fuzz, max(shape.prefix, shape.suffix)) + 1):
            found = self._at(shape, level)
            if found is not None:
                return found if self._is_sound(shape, found) else None
        return None

    def land(self, shape: Shape, place: int, edit: Edit) -> None:
        self.floor = max(self.floor, edit.end)
        if shape.old:
            self.offset = place - shape.first

    def _exact(self, shape: Shape) -> int | None:
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

    def _at(self, shape: Shape, fuzz: int) -> _Found | None:
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

    def _window(self, shape: Shape, fuzz: int) -> Window:
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
        return Window(old[skip : len(old) - drop], skip, low, high)

    def _bounds(self, shape: Shape, high: int) -> tuple[int, int]:
        """Return where the search may begin and end.

        Where the first guess is before the last change, GNU patch begins as far
        before the guess as the change is behind it.
        """
        guess = self.guess(shape)
        early = guess < self.floor and guess <= high
        return max(0, 2 * guess - self.floor) if early else self.floor, high

    def _is_sound(self, shape: Shape, found: _Found) -> bool:
        """Return whether GNU patch would not garble the text there.

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

    def __init__(self, text: Text) -> None:
        self.text = text
        self.taken: list[tuple[int, int]] = []  # lines of the hunks so far, sorted
        self.growth: list[int] = []  # by each of them
        self.sums: list[int] = []  # by all up to each of them
        self.work = 0
        self.ends: list[int] = []  # where the lines after each of them are now

    def guess(self, shape: Shape) -> int:
        return self._before(self._line(shape))

    def find(self, shape: Shape, fuzz: int, known: int | None) -> _Found | None:
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
        return self._nearest(Window(shape.old, 0, low, high), shape, line)

    def land(self, shape: Shape, place: int, edit: Edit) -> None:
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

    def _line(self, shape: Shape) -> int:
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
        """Return whether an earlier hunk has the last line."""
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

    def _is_free(self, place: int, shape: Shape) -> bool:
        """Return whether no earlier hunk has any of these lines."""
        ends = place + len(shape.old)
        at = bisect_left(self.taken, (place, place))
        near = self.taken[max(0, at - 1) : at + 1]
        return all(end <= place or start >= ends for start, end in near)

    def _nearest(self, window: Window, shape: Shape, line: int) -> _Found | None:
        """Return the free place nearest to `line`, both in the changed text."""
        guess = self._before(line)
        first = self._next(window, shape, guess)
        if first is None:
            return None
        away = abs(self._now(first) - line)
        if first < guess:
            beyond = self._before(line + away)
            sides = window._replace(low=guess, high=min(window.high, beyond))
        else:
            beyond = self._before(line - away) if line >= away else 0
            sides = window._replace(low=max(window.low, beyond), high=guess - 1)
        second = self._next(sides, shape, guess) if away else None
        if second is None:
            return _Found(first)
        gap = abs(self._now(second) - line)
        if gap == away:
            return _Found(max(first, second), min(first, second))
        return _Found(second if gap < away else first)

    def _next(self, window: Window, shape: Shape, guess: int) -> int | None:
        if window.low > window.high:
            return None
        places = islice(self.text.matches(window, guess), _CROWD)
        return next((each for each in places if self._is_free(each, shape)), None)


class _Run:
    """All hunks of a file as one rule places them; None where it has no place."""

    def __init__(
        self,
        text: Text,
        shapes: Sequence[Shape],
        rule: _GnuRule | _GitRule,
        fuzz: int,
    ) -> None:
        self.text = text
        self.shapes = shapes
        self.rule = rule
        self.fuzz = fuzz
        self.found: list[_Found | None] = []
        self.edits: list[Edit] = []
        self.guesses: dict[int, int] = {}  # where nothing was found

    @property
    def places(self) -> list[int | None]:
        sure = (each if each and not each.fuzz else None for each in self.found)
        return [each.place if each else None for each in sure]

    @property
    def placed(self) -> int:
        return len(self.edits)

    @property
    def is_whole(self) -> bool:
        return not self.guesses

    @property
    def placements(self) -> tuple[Placement, ...]:
        pairs = zip(self.shapes, self.found, strict=True)
        return tuple(_placement(shape, each) for shape, each in pairs if each)

    def data(self) -> bytes:
        return self.text.edited(self.edits)

    def place(self, known: Sequence[int | None], forced: Mapping[int, int]) -> None:
        """Place all hunks; `forced` says which of two places equally near to take."""
        for at, shape in enumerate(self.shapes):
            found = self.rule.find(shape, self.fuzz, known[at] if known else None)
            if found and not self._is_own(shape, found.place):
                found = None
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

    def _is_own(self, shape: Shape, place: int) -> bool:
        """Return whether a hunk without context is at its line; an empty file has
        one."""
        own = place == shape.first or not self.text.lines
        return own or shape.has_context

    def misses(self) -> tuple[Miss, ...]:
        """Return why the hunks without a place have none."""
        from poach.applier.diagnosis import Patient

        patient = Patient(self.text, self.shapes)
        return tuple(patient.diagnose(at, to) for at, to in self.guesses.items())

    def rivals(self) -> dict[int, int]:
        """Return where the new lines of hunks in doubt stand already."""
        rivals: dict[int, int] = {}
        carry = 0
        for at, (shape, found) in enumerate(zip(self.shapes, self.found, strict=False)):
            if found is None:
                continue
            offset = found.place - shape.first
            place = Place(found.place, offset, carry, found.fuzz)
            other, carry = rival(self.text, shape, place), offset
            if other is not None:
                rivals[at] = other
        return rivals

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


def _placement(shape: Shape, found: _Found) -> Placement:
    place = found.place
    return Placement(shape.hunk.header, place + 1, place - shape.first, found.fuzz)


def _run(
    text: Text,
    shapes: Sequence[Shape],
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
        return _rejected(first, ties[0], "tie")
    if first.rivals():
        return _refused(first)
    return Applied(first.data(), first.placements, rules)


def _refused(run: _Run, misses: Iterable[Miss] = ()) -> Rejected:
    """Refuse the hunks without a place, and those that are in doubt."""
    rivals = run.rivals()
    doubts = _rejected(run, rivals, "there") if rivals else None
    if doubts is None:
        return Rejected(tuple(misses), run.placements)
    every = sorted((*misses, *doubts.misses), key=lambda miss: miss.number)
    return Rejected(tuple(every), doubts.placements)


def _clashes(first: _Run, last: _Run) -> dict[int, int]:
    pairs = zip(first.found, last.found, strict=True)
    return {
        at: git.place
        for at, (gnu, git) in enumerate(pairs)
        if gnu and git and gnu.place != git.place
    }


def _rejected(run: _Run, others: Mapping[int, int], doubt: Doubt = "clash") -> Rejected:
    """Refuse hunks that could be at these `others` as well."""
    from poach.applier.diagnosis import Miss

    misses = []
    placements = []
    pairs = zip(run.shapes, run.found, strict=False)
    for at, (shape, found) in enumerate(pairs):
        if found is None:
            continue
        placement = _placement(shape, found)
        if at not in others:
            placements.append(placement)
            continue
        lines = (placement.line, others[at] + 1)
        misses.append(Miss(at + 1, placement.header, "ambiguous", lines, doubt=doubt))
    return Rejected(tuple(misses), tuple(placements))
