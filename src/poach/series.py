"""Quilt series: the order of the diffs in a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from poach.errors import PoachError

_STRIP = re.compile(r"-p(\d+|ab)")


class SeriesError(PoachError):
    """A line of a series file that cannot be honoured."""

    def __init__(self, line: str, reason: str) -> None:
        super().__init__(line, reason)
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        return f"Bad line {self.line!r} in the series file: {self.reason}"


@dataclass(frozen=True, slots=True)
class SeriesEntry:
    """One diff of a series: its `file`, relative to the folder, and `strip` or None."""

    file: str
    strip: int | None = None


def parse(data: bytes) -> tuple[SeriesEntry, ...]:
    """Parse a series file as quilt(1) writes it.

    A line holds a file name and perhaps ``-pN``; ``#`` begins a comment.  Raises
    `SeriesError` for what cannot be honoured: ``-R`` (a reversed diff), a name that
    leaves the folder.
    """
    text = data.decode("utf-8", "surrogateescape")
    lines = (re.split(r"(?:^|\s)#", line)[0].split() for line in text.splitlines())
    return tuple(_entry(words) for words in lines if words)


def _entry(words: list[str]) -> SeriesEntry:
    file, *options = words
    line = " ".join(words)
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts:
        raise SeriesError(line, "the diff is not below the series' folder")
    strip = None
    for option in options:
        found = _STRIP.fullmatch(option)
        if found is None:
            raise SeriesError(line, f"option {option!r} is not known (only -pN is)")
        strip = 1 if found[1] == "ab" else int(found[1])
    return SeriesEntry(file, strip)
