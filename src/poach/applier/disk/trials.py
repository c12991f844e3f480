"""Trying diffs of one set in other orders, and without each other.

The tree is read once.  What cannot matter is not tried: two diffs are *near* if they
have a file name in common, wherever in the tree that is, or one makes or removes a
folder and the other, which makes files, looks for folders.  Others cannot tell whether
the other one is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from poach.applier import excluding
from poach.applier.diff import NamedDiff
from poach.applier.disk.locating import apply
from poach.applier.disk.overlay import Overlay
from poach.applier.disk.root import Root
from poach.applier.filenames import git_names, names
from poach.applier.outcome import Entry, PatchedBy


class _Reach(NamedTuple):
    """What of the tree a diff looks at and changes."""

    #: The last parts of the names of its files, in the diff and in the tree.
    names: frozenset[str]
    #: Whether it makes files: its place goes by the folders that are there.
    makes_files: bool
    #: Whether it may make or remove a folder.
    changes_folders: bool

    def is_near(self, other: _Reach) -> bool:
        return (
            not self.names.isdisjoint(other.names)
            or (self.makes_files and other.changes_folders)
            or (self.changes_folders and other.makes_files)
        )


class Trials:
    """Tries `diffs`, which apply to the tree `root` in their order."""

    def __init__(self, root: Root, diffs: Sequence[NamedDiff]) -> None:
        self._diffs = diffs
        self._before = [Overlay(root)]
        """The tree before each diff, and after the last one."""
        reaches = []
        for diff in diffs:
            overlay = self._before[-1].copy()
            attempt = apply(overlay, diff)
            overlay.adopt(attempt.overlay)
            reaches.append(_reach(self._before[0], diff, attempt.result(diff)))
            self._before.append(overlay)
        self._near = [
            {place for place, other in enumerate(reaches) if one.is_near(other)}
            for one in reaches
        ]

    def needed(self, place: int) -> list[int]:
        """Return the places before `place` without which its diff does not apply."""
        kept = [place]
        for one in reversed(range(place)):
            if self._are_near({one}, kept) and self._outcome(kept, one) is None:
                kept.insert(0, one)
        return kept[:-1]

    def commute(
        self, needed: Sequence[Sequence[int]], earlier: int, later: int
    ) -> bool:
        """Return whether two diffs give one tree in both orders, on all `needed`."""
        first, second = {*needed[earlier], earlier}, {*needed[later], later}
        if not self._are_near(first - second, second - first):
            return True
        base = sorted((first | second) - {earlier, later})
        one = self._outcome([*base, earlier, later])
        return one is not None and one == self._outcome([*base, later, earlier])

    def _are_near(self, some: Iterable[int], others: Iterable[int]) -> bool:
        return any(not self._near[one].isdisjoint(others) for one in some)

    def _outcome(
        self, places: Iterable[int], after: int = 0
    ) -> dict[str, Entry | None] | None:
        """Return what the diffs at `places` make of the tree, None if one is refused.

        The first `after` diffs of all are there already.
        """
        overlay = self._before[after].copy()
        for place in places:
            attempt = apply(overlay, self._diffs[place])
            if attempt.rejects:
                return None
            overlay.adopt(attempt.overlay)
        return overlay.outcome()


def _reach(tree: Overlay, diff: NamedDiff, done: PatchedBy) -> _Reach:
    files, _ = excluding.read(diff.data, diff.exclude)
    paths = [name for file in files for name in (*names(file), *git_names(file))]
    paths += [path for file in done.files for path in (file.path, file.source) if path]
    made = [file.path for file in done.files if file.action != "modify"]
    folders = {path.rpartition("/")[0] for path in made} - {""}
    gone = any(file.action in ("delete", "rename") for file in done.files)
    return _Reach(
        frozenset(path.rpartition("/")[2] for path in paths),
        bool(made),
        gone or not all(map(tree.has_folder, folders)),
    )
