"""Searching for lines: near places first, and all places in linear time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence


def outward(
    places: Sequence[int], guess: int, inside: range | None = None
) -> Iterator[int]:
    """Yield the sorted `places` by their distance from `guess`, later ones first.

    Only those in the range `inside`, if one is given.
    """
    low, high = 0, len(places)
    if inside is not None:
        low, high = bisect_left(places, inside.start), bisect_left(places, inside.stop)
    right = min(max(bisect_left(places, guess), low), high)
    left = right - 1
    while left >= low or right < high:
        if left < low or (
            right < high and places[right] - guess <= guess - places[left]
        ):
            yield places[right]
            right += 1
        else:
            yield places[left]
            left -= 1


def search(text: Sequence[bytes], wanted: Sequence[bytes]) -> Iterator[int]:
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
