"""Files that a diff names and the tree lacks: gone, moved, or not in this sdist."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from poach.applier.cursor import split_lines
from poach.applier.diff import FileDiff
from poach.applier.disk.overlay import Overlay
from poach.applier.hunks import Applied, apply_hunks
from poach.applier.rejects import Fault, Reject, show

NOWHERE = "no such file in the tree"
"""The whole detail of a file that is nowhere in the tree, under no other name."""

_NO_FOLDER = f"{NOWHERE}, and no folder"
_ENOUGH = 3  # words that identify a file without its name
_MOST = 40  # files of the same name that are looked at
_LIKE = 0.6  # how much of a file has to be there to call it the same
_LONG = 2000  # lines of a file that are compared


def is_nowhere(reject: Reject) -> bool:
    """Return whether a file is nowhere in the tree, under no other name."""
    return reject.detail == NOWHERE or reject.detail.startswith(_NO_FOLDER)


def settled(overlay: Overlay, reject: Reject, file: FileDiff, path: str) -> Reject:
    """Return the reject of a `file` that is not at `path`, with what the tree says.

    A deletion counts as done only where the file's folder is there, and no file in the
    tree is, or is like, the one to be deleted, or has its name.
    """
    place = next(_elsewhere(overlay, file, path), None)
    if place is not None:
        sought = "" if path == reject.path else f" as {show(path)}"
        detail = f"{NOWHERE}{sought}; the change fits {show(place)}"
        return reject._replace(reason="missing", detail=detail)
    if reject.reason != "gone":
        return reject
    folder = path.rpartition("/")[0]
    if folder and not overlay.has_folder(folder):
        detail = f"{_NO_FOLDER} {show(folder)!r}"
        return reject._replace(reason="missing", detail=detail)
    named = _named(overlay, path)
    other = next((each for each in named if _data(overlay, each) is not None), None)
    if other is not None:
        detail = f"{NOWHERE}; it may be gone already, or be {show(other)}, "
        detail += "which has another text"
        return reject._replace(reason="missing", detail=detail)
    return reject._replace(reason="already applied")


def _elsewhere(overlay: Overlay, file: FileDiff, path: str) -> Iterator[str]:
    """Yield the paths of other files that the change may be for."""
    name = path.rpartition("/")[2]
    for other in islice(_named(overlay, path), _MOST):
        data = _data(overlay, other)
        if data is not None and _is_for(file, data):
            yield other
    old = _whole(file)
    sized = overlay.files_of_size(len(old)) if old.strip() else []
    if len(old.split()) < _ENOUGH:
        sized = [each for each in sized if each.endswith(name)]
    yield from (each for each in sized if each != path and _data(overlay, each) == old)


def _named(overlay: Overlay, path: str) -> list[str]:
    """Return the other files of the same name, those in the likest folders first."""
    found = overlay.ending_with(path.rpartition("/")[2])
    others = [each for each in found if each != path]
    return sorted(others, key=lambda each: -_shared(each, path))


def _shared(path: str, other: str) -> int:
    """Return how many parts at the end two paths share."""
    pairs = zip(reversed(path.split("/")), reversed(other.split("/")), strict=False)
    return next((n for n, (one, two) in enumerate(pairs) if one != two), 99)


def _data(overlay: Overlay, path: str) -> bytes | None:
    with suppress(Fault):
        entry = overlay.entry(path)
        return entry.data if entry else None
    return None


def _whole(file: FileDiff) -> bytes:
    """Return what a diff deletes, nothing if it deletes no file."""
    lines = [line for hunk in file.hunks for line in hunk.old]
    return b"".join(lines) if file.status == "delete" else b""


def _is_for(file: FileDiff, data: bytes) -> bool:
    """Return whether the change fits this text; for a deletion, nearly."""
    if not file.hunks:
        return False
    if isinstance(apply_hunks(data, file.hunks), Applied):
        return True
    return file.status == "delete" and _is_like(_whole(file), data)


def _is_like(old: bytes, data: bytes) -> bool:
    lines, there = split_lines(old)[:_LONG], split_lines(data)[:_LONG]
    matcher = difflib.SequenceMatcher(None, lines, there)
    return matcher.quick_ratio() >= _LIKE and matcher.ratio() >= _LIKE
