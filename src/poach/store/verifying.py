"""Verifying a store: every file of it against what was recorded."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from poach.store import entries, inventory, manifest, notes
from poach.store.permissions import may_read
from poach.store.store import SDISTS, DamagedEntry, Store

#: The folders that have a record of their own.
_RECORDED = (".tools", ".aliases")


@dataclass(frozen=True, slots=True)
class Flaw:
    """A file or folder that has changed since it was made."""

    #: Remove this to have it made again.
    path: Path
    reason: str
    #: Whether this user may not read it: then it stays.
    denied: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class Checked(NamedTuple):
    """What there is to check in a store; `size` is in bytes.

    An entry with a damaged record does not count, since its files are unknown.
    """

    eggs: int
    files: int
    #: In bytes.
    size: int


def checked(store: Store) -> Checked:
    """Return what `verify` compares.  Raises OSError where the store cannot be read."""
    eggs = list(filter(None, map(_files, inventory.places(store))))
    folders = [each for kind in _RECORDED for each in (store.root / kind).glob("*")]
    recorded = [*eggs, *map(_recorded, folders)]
    sizes = [size for files in recorded for size, _ in files.values()]
    single = [*(store.root / ".diffs").glob("*")]
    single += (store.root / SDISTS).glob("*/*")
    single += (store.root / ".known").glob("*/*.json")
    sizes += map(_size, single)
    return Checked(len(eggs), len(sizes), sum(sizes))


def _size(path: Path) -> int:
    with suppress(OSError):  # it has just gone
        return path.lstat().st_size
    return 0


def _files(place: Path) -> manifest.Files:
    try:
        return entries.files(place)
    except (DamagedEntry, PermissionError):
        return {}


def _recorded(folder: Path) -> manifest.Files:
    try:
        return manifest.recorded(folder)
    except (ValueError, PermissionError):
        return {}


def verify(store: Store) -> Iterator[Flaw]:
    """Yield all that is wrong in the store; every file is read.

    What appears or goes while this runs is no flaw.  Raises OSError where the store
    cannot be read.
    """
    for denied in inventory.denied(store):
        yield Flaw(denied.path, denied.reason, denied=True)
    for place in inventory.places(store):
        yield from _flaws(store, place, entries.flaws(place))
    for path in inventory.strays(store):
        yield Flaw(path, "it should not be there")
    for kind in _RECORDED:
        for folder in sorted((store.root / kind).glob("*")):
            yield from _flaws(store, folder, manifest.flaws(folder))
    for path in sorted((store.root / ".diffs").glob("*")):
        yield from _flaws(store, path, _wrong_bytes(path, path.name))
    for path in sorted((store.root / SDISTS).glob("*/*")):
        yield from _flaws(store, path, _wrong_bytes(path, path.parent.name))
    for path in sorted((store.root / ".known").glob("*/*.json")):
        yield from _flaws(store, path, _wrong_note(path))


def _flaws(store: Store, place: Path, reasons: Iterator[str]) -> Iterator[Flaw]:
    found: list[Flaw] = []
    try:
        found.extend(Flaw(place, reason) for reason in reasons)
    except PermissionError as error:
        denied = store.denied(Path(error.filename))
        found.append(Flaw(place, denied.reason, denied=True))
    if os.path.lexists(place):
        yield from found


def _wrong_bytes(path: Path, sha256: str) -> Iterator[str]:
    reason = manifest.wrong_digest(path, sha256)
    if reason:
        yield reason


def _wrong_note(path: Path) -> Iterator[str]:
    if notes.read(path) is None:
        if not may_read(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        yield "the note cannot be read"
