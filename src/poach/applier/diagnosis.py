"""Why a hunk has no place in a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import groupby, islice
from typing import Literal, NamedTuple

from poach.applier.diff import Hunk
from poach.applier.likeness import Likeness, is_significant
from poach.applier.presence import groups, is_there_in_part
from poach.applier.searching import outward
from poach.applier.text import Shape, Text, Window, unix_hunk, without_cr

Reason = Literal[
    "not found",
    "ambiguous",
    "already applied",
    "partly applied",
    "line endings",
    "white space",
    "order",
    "only at the start",
    "only at the end",
    "no context",
    "wrong counts",
]

_COMMON = 32  # a line that occurs more often says nothing about the place
_SHOWN = 400  # lines of a hunk that are compared for a message
_RIVAL = 0.6  # what is so much like the old lines may be what the hunk is for

#: Two places equally near; GNU patch's place and git's, each of them certain; the place
#: of the old lines, and one where the new lines stand already.
Doubt = Literal["tie", "clash", "there"]
_MAY_BE_CUT_OFF = (
    "the diff ends before this hunk does, and may be cut off: blank lines stand in the "
    "place of those that are lacking"
)


class Miss(NamedTuple):
    """Why a hunk does not apply."""

    #: Counts the file's hunks from 1.
    number: int
    header: str
    reason: Reason
    #: The places that come into question (from 1), the nearest first.
    lines: tuple[int, ...] = ()
    #: A small diff at the first of `lines`: ``-`` what the hunk expects, ``+`` what is
    #: there.
    differ: tuple[bytes, ...] = ()
    #: What makes two `lines` ambiguous.
    doubt: Doubt = "tie"
    #: More about the reason, for people: which side has which line endings or blanks.
    note: str = ""
    #: The line (from 1) where the new lines stand, although the hunk does not apply; 0
    #: for none.
    there: int = 0
    #: Which side has which line endings, where that is so beside the `reason`.
    endings: str = ""


class Patient:
    """A text and all hunks for it, with what several diagnoses share."""

    def __init__(self, text: Text, shapes: Sequence[Shape]) -> None:
        self.text = text
        self.shapes = shapes
        self.likeness = Likeness(text, shapes)
        self._texts: dict[Callable[[bytes], bytes], Text] = {}

    def diagnose(self, at: int, guess: int) -> Miss:
        """Return why hunk `at` (from 0) has no place; `guess` is where it began."""
        found = _Diagnosis(self, self.shapes[at], guess).miss()
        return found._replace(number=at + 1)

    @cached_property
    def endings(self) -> str:
        """Which line endings the text has, in words."""
        return _ends(self.text.lines)

    @cached_property
    def without_cr(self) -> Patient:
        """The same with LF for CR LF."""
        shapes = [Shape.of(unix_hunk(shape.hunk)) for shape in self.shapes]
        return Patient(self.text.without_cr(), shapes)

    def read_as(self, reading: Callable[[bytes], bytes]) -> Text:
        """Return the text with each line as `reading` has it, and so the hunks'."""
        if reading not in self._texts:
            data = b"".join(map(reading, self.text.lines))
            hunks = (_read(shape.hunk, reading) for shape in self.shapes)
            self._texts[reading] = Text(data, [Shape.of(hunk) for hunk in hunks])
        return self._texts[reading]


def _read(hunk: Hunk, reading: Callable[[bytes], bytes]) -> Hunk:
    lines = tuple(line[:1] + reading(line[1:]) for line in hunk.lines)
    return hunk._replace(lines=lines)


def _untrailed(line: bytes) -> bytes:
    """Return a line without blanks at its end."""
    return line.rstrip() + b"\n" * line.endswith(b"\n")


def _unspaced(line: bytes) -> bytes:
    """Return a line with one blank for each white space, and none at its ends."""
    return b" ".join(line.split()) + b"\n" * line.endswith(b"\n")


class _Diagnosis(NamedTuple):
    patient: Patient
    shape: Shape
    guess: int

    @property
    def text(self) -> Text:
        return self.patient.text

    def miss(self) -> Miss:
        header = self.shape.hunk.header
        for reason, lines, note in self._reasons():
            if lines:
                return Miss(0, header, reason, lines, note=note)
        return self._but_for_endings() or self._nearest()

    def _but_for_endings(self) -> Miss | None:
        """Return what is to say with CR LF as LF, if the sides have other endings."""
        ours, theirs = _ends(self.shape.old), self.patient.endings
        if (ours == "LF") == (theirs == "LF"):
            return None
        plain = self.patient.without_cr
        miss = _Diagnosis(
            plain, Shape.of(unix_hunk(self.shape.hunk)), self.guess
        ).miss()
        return miss._replace(endings=f"the diff has {ours}, the file has {theirs}")

    def _reasons(self) -> Iterator[tuple[Reason, tuple[int, ...], str]]:
        old = self.shape.old
        yield "already applied", self._applied(), ""
        yield "partly applied", self._in_part(), ""
        lines = self._elsewhere()
        yield self._bound(lines), lines, ""
        lines = self._without_cr(old)
        yield "line endings", lines, self._endings(lines)
        yield "white space", *self._except_space()
        yield "wrong counts", *self._except_the_end()

    # What is there already.

    def _applied(self) -> tuple[int, ...]:
        """Return where the new lines are, if the hunk made them."""
        own = self._new_at_its_own_line()
        if own is not None:
            return () if self._only_removes and self._is_still_there() else (own + 1,)
        there = self._new_elsewhere()
        if there is None or not self.shape.has_context or self._is_still_there():
            return ()
        beside = range(there, there + len(self.shape.new))
        like = self.patient.likeness.nearest(self.shape, self.guess, beside)
        return () if like and like.score >= _RIVAL else (there + 1,)

    @property
    def _only_removes(self) -> bool:
        return all(line[0] != 43 for line in self.shape.hunk.lines)

    def _new_at_its_own_line(self) -> int | None:
        """Return the hunk's own place if the new lines are there."""
        new, shape = self.shape.new, self.shape
        for own in (self.guess, shape.first, shape.hunk.new_start - 1):
            here = self.text.lines[own : own + len(new)] if own >= 0 else []
            if new and here == new and self._is_bound_to(own):
                return own
        return None

    def _new_elsewhere(self) -> int | None:
        """Return the nearest place of the new lines, but of a single line none."""
        if len(self.shape.new) < 2:
            return None
        window = Window(self.shape.new, 0, 0, len(self.text.lines))
        places = islice(self.text.matches(window, self.guess), _COMMON)
        return next((each for each in places if self._is_bound_to(each)), None)

    def _is_bound_to(self, place: int) -> bool:
        """Return whether the new lines can be at `place`: the start and end of a file
        are a kind of context."""
        shape = self.shape
        if shape.is_first and shape.prefix < shape.suffix and place:
            return False
        ends = place + len(shape.new)
        return not (shape.suffix < shape.prefix and ends != len(self.text.lines))

    def _is_still_there(self) -> bool:
        """Return whether code that the hunk removes is in the text: moved, indented.

        For a hunk that only removes, one line of it is enough.  What the hunk itself
        keeps or puts elsewhere does not count.
        """
        text = self.patient.read_as(_unspaced)
        kept = {_unspaced(line) for line in self.shape.new}
        runs = [[_unspaced(line) for line in run] for run in self._removed()]
        wanted = [run for run in runs if any(map(bytes.strip, run))]
        if any(self._stands(text, run) for run in wanted if not kept.issuperset(run)):
            return True
        single = {line for run in runs for line in run if is_significant(line)} - kept
        return self._only_removes and any(text.where(line) for line in single)

    def _removed(self) -> Iterator[list[bytes]]:
        for mark, run in groupby(self.shape.hunk.lines, key=lambda line: line[0]):
            if mark == 45:
                yield [line[1:] for line in run]

    def _stands(self, text: Text, lines: list[bytes]) -> bool:
        window = Window(lines, 0, 0, len(text.lines))
        return next(text.matches(window, self.guess), None) is not None

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

    # Places where the hunk fits with a difference.

    def _bound(self, lines: tuple[int, ...]) -> Reason:
        """Return why one of `lines`, where the hunk fits, is not for it."""
        if not self.shape.has_context and self.shape.first + 1 not in lines:
            return "no context"
        if self.shape.is_first and self.shape.prefix < self.shape.suffix:
            return "only at the start"
        if self.shape.suffix < self.shape.prefix:
            return "only at the end"
        return "order"

    def _elsewhere(self) -> tuple[int, ...]:
        if not self.shape.old:
            return (max(self.guess, 0) + 1,)
        return self._find(self.text, self.shape.old)

    def _without_cr(self, old: list[bytes]) -> tuple[int, ...]:
        """Return where the hunk fits except for the line endings."""
        text, lines = self.text.without_cr(), list(without_cr(old))
        same = text is self.text and lines == old
        return () if same else self._find(text, lines)

    def _endings(self, lines: tuple[int, ...]) -> str:
        """Say which side has which line endings there."""
        if not lines:
            return ""
        old, at = self.shape.old, lines[0] - 1
        there = self.text.lines[at : at + len(old)]
        return f"the diff has {_ends(old)}, the file has {_ends(there)}"

    def _except_space(self) -> tuple[tuple[int, ...], str]:
        """Return where the hunk fits except for white space, and the difference."""
        old = self.shape.old
        for place in self.patient.likeness.places(self.shape, self.guess):
            there = self.text.lines[place : place + len(old)]
            if [*map(_untrailed, there)] == [*map(_untrailed, old)]:
                return (place + 1,), _trailing(old, there)
            if [*map(_unspaced, there)] == [*map(_unspaced, old)]:
                return (place + 1,), "with other tabs and blanks"
        return (), ""

    def _except_the_end(self) -> tuple[tuple[int, ...], str]:
        """Return where the hunk fits without blank lines that may stand after it, and
        how many these are."""
        old = self.shape.old
        for count in range(1, self.shape.hunk.loose + 1):
            if lines := self._find(self.text, old[:-count]):
                return lines, "line is" if count == 1 else f"{count} lines are"
        return (), ""

    def _find(self, text: Text, lines: list[bytes]) -> tuple[int, ...]:
        if not lines:
            return ()
        window = Window(lines, 0, 0, len(text.lines))
        return tuple(place + 1 for place in _first(text.matches(window, self.guess)))

    def _nearest(self) -> Miss:
        """Return the place that is most like the lines that the hunk expects."""
        header, old = self.shape.hunk.header, self.shape.old[:_SHOWN]
        best = self.patient.likeness.nearest(self.shape, self.guess)
        there = self._new_elsewhere()
        line = 0 if there is None else there + 1
        note = _MAY_BE_CUT_OFF if self.shape.hunk.chopped else ""
        if best is None:
            return Miss(0, header, "not found", there=line, note=note)
        here = self.text.lines[best.place : best.place + len(old)]
        differ = tuple(_differ(old, here))
        places = (best.place + 1,)
        return Miss(0, header, "not found", places, differ, there=line, note=note)


def _ends(lines: Sequence[bytes]) -> str:
    with_cr = sum(line.endswith(b"\r\n") for line in lines)
    if not with_cr:
        return "LF"
    return "CR LF" if with_cr == len(lines) else "both CR LF and LF"


def _trailing(old: Sequence[bytes], there: Sequence[bytes]) -> str:
    """Say which side has blanks at the ends of lines that the other lacks."""
    sizes = [(len(one), len(other)) for one, other in zip(old, there, strict=False)]
    if all(one <= other for one, other in sizes):
        return "diff"
    return "file" if all(one >= other for one, other in sizes) else "both"


def _differ(expected: Sequence[bytes], there: Sequence[bytes]) -> Iterator[bytes]:
    import difflib

    matcher = difflib.SequenceMatcher(None, expected, there, autojunk=False)
    for word, i, j, k, m in matcher.get_opcodes():
        if word != "equal":
            yield from (b"-" + line for line in expected[i:j])
            yield from (b"+" + line for line in there[k:m])


def _first(places: Iterator[int]) -> list[int]:
    return [place for place, _ in zip(places, range(1), strict=False)]
