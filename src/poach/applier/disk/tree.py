"""Applying diffs to a source tree: first a plan, then the writing.

`plan` reads the tree and applies the whole set of diffs in memory, each to what the
ones before it made.  `write` puts the outcome on disk.  Nothing outside the tree is
read or written, and nothing at all unless every hunk of every diff applies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from poach.applier.diff import NamedDiff
from poach.applier.disk.locating import apply
from poach.applier.disk.overlay import Overlay
from poach.applier.disk.root import Root, StrPath, opened
from poach.applier.disk.writer import (
    Interrupted,
    Look,
    NotRecovered,
    Seen,
    TreeChanged,
    WriteFailed,
    check_whole,
    clear,
    recover,
    write_changes,
)
from poach.applier.outcome import Entry, PatchedBy, PatchedFile, patch_json
from poach.applier.rejects import ApplyRefused, Reject, show

__all__ = [
    "ApplyRefused",
    "Entry",
    "Interrupted",
    "NotRecovered",
    "PatchedBy",
    "PatchedFile",
    "Plan",
    "Reject",
    "Root",
    "TreeChanged",
    "WriteFailed",
    "clear",
    "opened",
    "plan",
    "recover",
    "show",
    "write",
]


class Plan(NamedTuple):
    """Everything that will be done to `tree`, diff by diff, file by file."""

    tree: StrPath
    patches: tuple[PatchedBy, ...]
    #: Each path, relative to the tree, that will be written, with its contents; None
    #: for a file that will be removed.
    changes: tuple[tuple[str, Entry | None], ...]
    #: What stood at these paths.
    seen: Mapping[str, Seen | None]

    def __repr__(self) -> str:
        paths = [path for path, _ in self.changes]
        return f"Plan({self.tree!r}, {self.patches!r}, {paths!r})"

    def as_json(self) -> dict[str, Any]:
        """Return the plan without contents in JSON's types."""
        return {"applied": [patch_json(patch) for patch in self.patches]}


def plan(tree: StrPath, diffs: Sequence[NamedDiff]) -> Plan:
    """Apply `diffs` to `tree` in memory, in order, and return what would be written.

    Raises `ApplyRefused` with all rejects of all diffs, `Interrupted` where an earlier
    `write` was killed, OSError where the tree is no folder that can be read.
    """
    with opened(tree) as root:
        return _planned(tree, root, diffs)


def _planned(tree: StrPath, root: Root, diffs: Sequence[NamedDiff]) -> Plan:
    check_whole(root)
    overlay = Overlay(root)
    patches: list[PatchedBy] = []
    rejects: list[Reject] = []
    for diff in diffs:
        attempt = apply(overlay, diff)
        overlay.adopt(attempt.overlay)
        patches.append(attempt.result(diff))
        rejects += attempt.rejects
    if rejects:
        raise ApplyRefused(rejects)
    changes = tuple(sorted(overlay.outcome().items()))
    seen = {path: overlay.disk.seen(path) for path, _ in changes}
    return Plan(tree, tuple(patches), changes, seen)


def write(planned: Plan, look: Look = lambda: None) -> None:
    """Write the plan's outcome to its tree; before each step `look` may stop it.

    Raises `WriteFailed`, `TreeChanged` where somebody else has written to a path since,
    and `Interrupted`.
    """
    write_changes(planned.tree, planned.changes, planned.seen, look)
