"""Applying diffs to a source tree: first a plan, then the writing.

`plan` reads the tree and applies the whole set of diffs in memory, each to what the
ones before it made.  `write` puts the outcome on disk.  Nothing outside the tree is
read or written, and nothing at all unless every hunk of every diff applies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from poach.adapters.aside import StrPath
from poach.adapters.placing import apply
from poach.adapters.world import World
from poach.adapters.writer import (
    Interrupted,
    WriteFailed,
    check_whole,
    write_changes,
)
from poach.diff import NamedDiff
from poach.outcome import Entry, PatchedBy, PatchedFile, patch_json
from poach.refusals import ApplyRefused, Refusal, show

__all__ = [
    "ApplyRefused",
    "Entry",
    "Interrupted",
    "PatchedBy",
    "PatchedFile",
    "Plan",
    "Refusal",
    "WriteFailed",
    "plan",
    "show",
    "write",
]


class Plan(NamedTuple):
    """Everything that will be done to `tree`, diff by diff, file by file.

    `changes` holds the outcome: each path, relative to the tree, that will be
    written, with its contents, or None where it will be gone.
    """

    tree: StrPath
    patches: tuple[PatchedBy, ...]
    changes: tuple[tuple[str, Entry | None], ...]

    def __repr__(self) -> str:
        paths = [path for path, _ in self.changes]
        return f"Plan({self.tree!r}, {self.patches!r}, {paths!r})"

    def as_json(self) -> dict[str, Any]:
        """Return the plan without contents in JSON's types."""
        return {"applied": [patch_json(patch) for patch in self.patches]}


def plan(tree: StrPath, diffs: Sequence[NamedDiff]) -> Plan:
    """Apply `diffs` to `tree` in memory, in order, and return what would be written.

    Raises `ApplyRefused` with all refusals of all diffs, `Interrupted` where an earlier
    `write` was killed.
    """
    check_whole(tree)
    world = World(tree)
    patches: list[PatchedBy] = []
    refusals: list[Refusal] = []
    for diff in diffs:
        attempt = apply(world, diff)
        world.adopt(attempt.world)
        patches.append(attempt.result(diff))
        refusals += attempt.refusals
    if refusals:
        raise ApplyRefused(refusals)
    return Plan(tree, tuple(patches), tuple(sorted(world.outcome().items())))


def write(planned: Plan) -> None:
    """Write the plan's outcome to its tree.  Raises `WriteFailed`."""
    write_changes(planned.tree, planned.changes)
