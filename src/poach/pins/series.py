"""Quilt series: the order of the diffs in a folder."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple

from poach.errors import PoachError, collect

STRIP = 1
"""How many folders a line without ``-p`` strips, as in quilt(1)."""

_LEVEL = re.compile(r"\d{1,3}|ab", re.ASCII)
_BOM = b"\xef\xbb\xbf"
_SHOWN = 200  # characters of a line in a message
_COMMENT = re.compile(r"(?:^|\s)#", re.ASCII)
_WORD = re.compile(r"[^ \t\n\r\f\v]+")


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


class SeriesError(PoachError):
    """A line of a series file that cannot be honoured; `place` is the file."""

    place: str
    line: str
    reason: str

    def __str__(self) -> str:
        return f"bad line {_cut(self.line)!r} in {self.place}: {self.reason}"


class EmptySeries(PoachError):
    """A series file that does not name a diff; `place` is the file."""

    place: str

    def __str__(self) -> str:
        return f"{self.place} does not name a diff"


class SeriesEntry(NamedTuple):
    """One diff of a series."""

    #: Relative to the folder.
    file: str
    #: None where the line has no ``-p``: then `STRIP` is meant, unless the user of the
    #: series says otherwise.
    strip: int | None = None


def parse(data: bytes, place: str = "the series file") -> tuple[SeriesEntry, ...]:
    """Parse a series file as quilt(1) writes it; `place` names it in messages.

    A line holds a file name and perhaps ``-pN`` or ``-p N``; ``#`` begins a comment.
    Raises `EmptySeries`, and a `SeriesError` for each line that cannot be honoured:
    ``-R`` (a reversed diff), a name that leaves the folder.
    """
    text = data.removeprefix(_BOM).decode("utf-8", "surrogateescape")
    lines = (_WORD.findall(_COMMENT.split(line)[0]) for line in text.split("\n"))
    entries = collect(lambda words: _entry(words, place), filter(None, lines))
    if not entries:
        raise EmptySeries(place)
    return tuple(entries)


def _entry(words: list[str], place: str) -> SeriesEntry:
    line = " ".join(words)
    try:
        return SeriesEntry(_file(words[0]), _strip(words[1:]))
    except ValueError as error:
        raise SeriesError(place, line, str(error)) from None


def _file(word: str) -> str:
    path = PurePosixPath(word)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError("the diff is not below the series' folder")
    if word.startswith("-"):
        raise ValueError("the name of the diff is missing")
    return word


def _strip(options: list[str]) -> int | None:
    strip, words = None, iter(options)
    for option in words:
        level = next(words, "") if option == "-p" else option.removeprefix("-p")
        if option == "-R":
            raise ValueError("reversed diffs are not supported")
        if not (option.startswith("-p") and _LEVEL.fullmatch(level)):
            raise ValueError(f"option {_cut(option)!r} is not known (only -pN is)")
        strip = 1 if level == "ab" else int(level)
    return strip
