"""Why a hunk has no place in a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

from poach.searching import outward
from poach.text import Shape, Text, Window, without_cr
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
_SHOWN = 400  # lines of a hunk that are compared for a message


class Miss(NamedTuple):
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


def diagnose(number: int, text: Text, shape: Shape, guess: int) -> Miss:
    """Return why the hunk of this `number` has no place; `guess` is where it began."""
    return _Diagnosis(text, shape, guess).miss()._replace(number=number)


class _Diagnosis(NamedTuple):
    text: Text
    shape: Shape
    guess: int

    def miss(self) -> Miss:
        header = self.shape.hunk.header
        for reason, lines in self._reasons():
            if lines:
                return Miss(0, header, reason, lines)
        return self._nearest()

    def _reasons(self) -> Iterator[tuple[Reason, tuple[int, ...]]]:
        new, old = self.shape.new, self.shape.old
        if len(new) > 1 or (new and not self.shape.prefix + self.shape.suffix):
            yield "already applied", self._find(self.text, new)
        yield "partly applied", self._in_part()
        yield self._bound(), self._find(self.text, old)
        yield "line endings", self._without_cr(old)

    def _without_cr(self, old: list[bytes]) -> tuple[int, ...]:
        """Return where the hunk fits but for the line endings."""
        text, lines = self.text.without_cr(), list(without_cr(old))
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

    def _find(self, text: Text, lines: list[bytes]) -> tuple[int, ...]:
        if not lines:
            return ()
        window = Window(lines, 0, 0, len(text.lines))
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
