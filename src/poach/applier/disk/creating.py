"""The strip level of a diff that only makes new files, as the tree shows it.

For such a diff, the tree has at most the folders that the new files go into.  So
the level is right at which these are there, ``-p1`` where several are.  Where none is,
names with a prefix (``a/``, ``b/``; two sides that begin with folders of their own) or
with a top folder called like a release mean ``-p1``.  Otherwise poach does not guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from poach.applier.belonging import RELEASE
from poach.applier.diff import FileDiff
from poach.applier.disk.overlay import Overlay
from poach.applier.filenames import has_prefix
from poach.applier.paths import clean, stripped
from poach.applier.rejects import Fault, show

_MOST = 6  # possibilities that are listed


class Level(NamedTuple):
    """A strip level in a `directory`, and the `paths` that it makes."""

    strip: int
    directory: str
    paths: tuple[str, ...]

    @property
    def parents(self) -> list[str]:
        """The folders that the files go into, except the top of the tree."""
        folders = (path.rpartition("/")[0] for path in self.paths)
        return [each for each in dict.fromkeys(folders) if each]


def strip_level(overlay: Overlay, files: Sequence[FileDiff], directory: str) -> int:
    """Return the strip level for `files`, all of which are new, in `directory`.

    Raises `Fault` with the possibilities if the tree does not show it.
    """
    levels = _levels(files, directory)
    if [level.strip for level in levels] == [0]:
        return 0
    there = [level for level in levels if _is_there(overlay, level, whole=True)]
    there = there or [
        level for level in levels if _is_there(overlay, level, whole=False)
    ]
    usual = next((level for level in levels if level.strip == 1), None)
    if not there and (usual is None or levels[0].strip):
        return 0 if usual else 1  # a name that leads outside: it is refused there
    if usual and (usual in there or (not there and _means_one(files, usual))):
        elsewhere = [] if usual in there else _elsewhere(overlay, usual)
        if not elsewhere:
            return 1
        raise _question([usual, *elsewhere])
    if len(there) == 1 and not all(map(has_prefix, files)):
        return there[0].strip
    raise _question(([usual] if usual else []) + (there or levels))


def _levels(files: Sequence[FileDiff], directory: str) -> list[Level]:
    """Return the levels at which every file has a clean name."""
    names = [file.new or file.old or "" for file in files]
    found = []
    for strip in range(min(name.count("/") for name in names) + 1):
        with suppress(Fault):
            paths = [clean(stripped(name, strip) or "/") for name in names]
            below = f"{directory}/" if directory else ""
            every = tuple(below + path for path in paths)
            found.append(Level(strip, directory, every))
    return found


def _is_there(overlay: Overlay, level: Level, whole: bool) -> bool:
    """Return whether the tree has all folders that files go into, or (not `whole`) at
    least the first of each; the top alone says nothing."""
    top = f"{level.directory}/" if level.directory else ""
    below = [folder for folder in level.parents if folder != level.directory]
    if not whole:
        below = [top + folder[len(top) :].partition("/")[0] for folder in below]
    return bool(below) and all(map(overlay.has_folder, below))


def _means_one(files: Sequence[FileDiff], usual: Level) -> bool:
    """Return whether the names alone say that their first folder is to be stripped."""
    if all(map(has_prefix, files)):
        return True
    tops = {(file.new or file.old or "").partition("/")[0] for file in files}
    return len(tops) == 1 and all(map(RELEASE.fullmatch, tops))


def _elsewhere(overlay: Overlay, level: Level) -> list[Level]:
    """Return the same level in other directories, where the folders are."""
    if level.directory or not level.parents:
        return []
    parent = level.parents[0]
    found = overlay.folders_ending_with(parent)
    tops = [each[: -len(parent)].rstrip("/") for each in found]
    return [
        Level(level.strip, top, tuple(f"{top}/{path}" for path in level.paths))
        for top in tops
        if top
    ]


def _question(levels: Sequence[Level]) -> Fault:
    every = sorted(set(levels))
    said = [_said(level) for level in every[:_MOST]]
    more = ["..."] if len(every) > _MOST else []
    return Fault.of(
        "ambiguous",
        "only makes new files, and the tree does not say where they belong: "
        + ", ".join(said + more),
    )


def _said(level: Level) -> str:
    place = f" in {show(level.directory)}" if level.directory else ""
    return f"strip {level.strip}{place} makes {show(level.paths[0])}"
