"""The place in a text that is most like what a hunk expects, for messages.

Lines that the hunk removes count for more than its context, and context that is nearly
everywhere (blank lines, brackets, quotes) for next to nothing.  Words that the hunk's
lines share with the text bring the places together that come into question; only a few
of them are compared line by line.  So the time grows with the size of the text, and not
with that times the number of hunks.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from poach.applier.text import Shape, Text

_COMMON = 32  # what occurs more often says nothing about the place
_SHOWN = 400  # lines of a hunk that are compared
_WIDE = 200  # bytes of a line that are compared
_LONG = 500_000  # lines of a text whose words are looked at
_SHORTLIST = 6  # places of a hunk that are compared line by line
_PATIENCE = 120  # such comparisons in one text
_BLOCK = 12  # lines that are compared each with each
_REMOVED, _SIGNIFICANT, _TRIFLING = 3.0, 1.0, 0.1
_MOVED = 0.8  # of its worth has a line that is there, but in another order
_LEAST, _ENOUGH = 0.3, 0.7
_words = re.compile(rb"\w{3,}").findall


class Like(NamedTuple):
    """A place (from 0) and how much of what is expected is there: from 0 to 1."""

    place: int
    score: float


def is_significant(line: bytes) -> bool:
    """Return whether a line says something: two words, or a long one."""
    words = re.findall(rb"\w+", line[:_WIDE])
    return len(words) > 1 or len(b"".join(words)) > 7


class Likeness:
    """Finds in one text what is most like each of the hunks for it."""

    def __init__(self, text: Text, shapes: Sequence[Shape]) -> None:
        self._text = text
        self._shapes = shapes
        self._where: dict[bytes, list[int]] | None = None
        self._patience = _PATIENCE

    def nearest(
        self, shape: Shape, guess: int, beside: range | None = None
    ) -> Like | None:
        """Return the place that is most like the old side of a hunk, if any is.

        Of equal ones it is the one nearest to `guess`.  `beside` are lines that it
        must not have.
        """
        best = None
        for places in self._shortlists(shape, guess):
            left = [at for at in places if _is_beside(at, shape, beside)]
            if left and self._patience <= 0:
                return Like(left[0], _LEAST)
            self._patience -= len(left)
            scored = [Like(at, self._score(shape, at)) for at in left]
            best = max(
                [*scored, *([best] if best else [])],
                key=lambda like: (like.score, -abs(like.place - guess)),
                default=None,
            )
            if best and best.score >= _ENOUGH:
                break
        return best if best and best.score >= _LEAST else None

    def places(self, shape: Shape, guess: int) -> Iterator[int]:
        """Yield the places that come into question, the likeliest first."""
        for places in self._shortlists(shape, guess):
            yield from places

    def _shortlists(self, shape: Shape, guess: int) -> Iterator[list[int]]:
        """Yield the places that share most lines, then those that share most words."""
        yield self._shortlist(shape, guess, self._same)
        yield self._shortlist(shape, guess, self._alike)

    def _shortlist(
        self,
        shape: Shape,
        guess: int,
        hits_of: Callable[[bytes], Iterator[Sequence[int]]],
    ) -> list[int]:
        votes: Counter[int] = Counter()  # in thousandths
        for at, (line, weight) in enumerate(_weighted(shape)):
            for hits in hits_of(line):
                each = int(1000 * weight / (1 + len(hits)))
                for hit in hits:
                    votes[max(0, hit - at)] += each
        ranked = sorted(votes, key=lambda at: (-votes[at], abs(at - guess)))
        return ranked[:_SHORTLIST]

    def _same(self, line: bytes) -> Iterator[Sequence[int]]:
        """Yield the places of the line, if it is not everywhere."""
        hits = self._text.where(line) if line.strip() else ()
        if len(hits) <= _COMMON:
            yield hits

    def _alike(self, line: bytes) -> Iterator[Sequence[int]]:
        """Yield the places of each of its words, but of those that are everywhere."""
        where = self._words()
        for word in set(_words(line[:_WIDE])):
            hits = where.get(word, ())
            if len(hits) <= _COMMON:
                yield hits

    def _words(self) -> dict[bytes, list[int]]:
        """Return the lines in which each word of the hunks' old lines is."""
        if self._where is None:
            self._where = self._indexed() if len(self._text.lines) <= _LONG else {}
        return self._where

    def _indexed(self) -> dict[bytes, list[int]]:
        where: dict[bytes, list[int]] = {
            word: []
            for shape in self._shapes
            for line in shape.old[:_SHOWN]
            for word in _words(line[:_WIDE])
        }
        counts = Counter(self._text.lines)
        for line in [line for line, count in counts.items() if count > _COMMON]:
            del counts[line]
            for word in _words(line[:_WIDE]):
                where.pop(word, None)  # it is nearly everywhere
        if where:
            for at, line in enumerate(self._text.lines):
                if line in counts:
                    for word in where.keys() & _words(line[:_WIDE]):
                        where[word].append(at)
        return where

    def _score(self, shape: Shape, place: int) -> float:
        """Return how much of the old side is at `place`, about."""
        weighted = list(_weighted(shape))
        there = self._text.lines[place : place + len(weighted)]
        lines = [b" ".join(line.split()) for line, _ in weighted]
        others = [b" ".join(line.split()) for line in there]
        weights = [weight for _, weight in weighted]
        matcher = difflib.SequenceMatcher(None, lines, others, autojunk=False)
        score = 0.0
        for word, i, j, k, m in matcher.get_opcodes():
            if word == "equal":
                score += sum(weights[i:j])
            elif word == "replace":
                score += _alike(lines[i:j], weights[i:j], others[k:m])
        shared = set(others)
        pairs = zip(lines, weights, strict=True)
        moved = sum(weight for line, weight in pairs if line in shared)
        return max(score, _MOVED * moved) / (sum(weights) or 1)


def _is_beside(place: int, shape: Shape, beside: range | None) -> bool:
    if beside is None or place >= beside.stop:
        return True
    return place + len(shape.old[:_SHOWN]) <= beside.start


def _weighted(shape: Shape) -> Iterator[tuple[bytes, float]]:
    """Yield the old lines of a hunk and how much each counts."""
    left = _SHOWN
    for line in shape.hunk.lines:
        if line[0] != 43 and left:
            left -= 1
            weight = _REMOVED if line[0] == 45 else _SIGNIFICANT
            yield line[1:], weight if is_significant(line[1:]) else _TRIFLING


def _alike(
    lines: Sequence[bytes], weights: Sequence[float], others: Sequence[bytes]
) -> float:
    """Return what lines are worth that are not the same, but like others."""
    pairs = zip(lines[:_BLOCK], weights, strict=False)
    return sum(
        weight * max(_ratio(line, other) for other in others[:_BLOCK])
        for line, weight in pairs
    )


def _ratio(line: bytes, other: bytes) -> float:
    matcher = difflib.SequenceMatcher(None, line[:_WIDE], other[:_WIDE])
    if matcher.quick_ratio() < 0.5:
        return 0.0
    ratio = matcher.ratio()
    return ratio if ratio >= 0.5 else 0.0
