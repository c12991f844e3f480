"""Watching a build: what patches touch, and the tree before and after."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from poach.applier.disk.tree import PatchedFile, Plan
from poach.build import retag
from poach.build.built import Built, Files, Touched

#: The folders of a wheel that are installed where its other files are (PEP 427).
_LIBRARIES = re.compile(r"[^/]+\.data/(?:purelib|platlib)/")

#: The file name of a wheel that runs anywhere (PEP 425).
_PURE = "-any.whl"

#: Size, and time of the last change in nanoseconds.
_State = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Before:
    """A patched tree before it is built, and what its touched files were upstream."""

    tree: Path
    touched: Mapping[str, Touched]
    states: Mapping[str, _State]


def upstream(plan: Plan) -> dict[str, bytes | None]:
    """Return the bytes of all files that `plan` touches, before it is written."""
    files = (file for patch in plan.patches for file in patch.files)
    paths = dict.fromkeys(path for file in files for path in _paths(file))
    return {path: _read(Path(plan.tree), path) for path in paths}


def before(tree: Path, upstream: Mapping[str, bytes | None]) -> Before:
    """Look at the patched `tree` before it is built."""
    touched = {path: Touched(old, _read(tree, path)) for path, old in upstream.items()}
    return Before(tree, touched, _states(tree))


def after(before: Before, built_in: Path, wheel: retag.Wheel) -> Built:
    """Look at the tree after a build: `built_in` is it, or a copy of it."""
    states = _states(built_in)
    entries = {
        _LIBRARIES.sub("", entry.path, count=1): entry.data for entry in wheel.entries
    }
    return Built(
        before.touched,
        _files(before.tree, before.states),
        _files(built_in, states),
        {path for path, state in states.items() if before.states.get(path) != state},
        Files({path: len(data) for path, data in entries.items()}, entries.__getitem__),
        wheel.name.endswith(_PURE),
    )


def _files(folder: Path, states: Mapping[str, _State]) -> Files:
    sizes = {path: size for path, (size, _) in states.items()}
    return Files(sizes, lambda path: _read(folder, path) or b"")


def _paths(file: PatchedFile) -> Iterator[str]:
    """Yield the path of a patched file, and the one from which it was moved."""
    yield file.path
    if file.source is not None and file.action == "rename":
        yield file.source


def _read(tree: Path, path: str) -> bytes | None:
    """Return the bytes of a file, those of its target for a link; None for no file."""
    try:
        return (tree / path).read_bytes()
    except OSError:
        return None


def _states(tree: Path) -> dict[str, _State]:
    """Return size and time of all files below `tree` by their paths."""
    found: dict[str, _State] = {}
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(tree / folder) as entries:
            for entry in entries:
                path = folder + entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{path}/")
                elif entry.is_file():
                    status = entry.stat()
                    found[path] = (status.st_size, status.st_mtime_ns)
    return found
