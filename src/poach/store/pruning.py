"""Removing from a store what nobody needs, while others use it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from poach.errors import PoachError
from poach.store import locks, manifest, quarantine, usage
from poach.store.inventory import Entry, Item, KeptSdist, OtherFormat
from poach.store.staging import STALE_SECONDS
from poach.store.store import Store, StoreUnwritable
from poach.system import DISK_FULL

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: What an earlier release of poach has left outside the store.
LEFTOVER = "left by an earlier release"


class NotRemoved(PoachError):
    """Something that ought to go and does not let itself be moved."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"Cannot remove {self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Removal:
    """Something that is removed."""

    path: Path
    #: In bytes.
    size: int
    #: What it is.
    what: str
    #: More about it; '' for nothing.
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Pruning:
    """What was or would be removed, and what stayed."""

    removed: Sequence[Removal]
    #: Where somebody works.
    busy: Sequence[Path]
    #: What could not be removed.
    faults: Sequence[PoachError]

    @property
    def size(self) -> int:
        """The sum of the sizes, in bytes."""
        return sum(each.size for each in self.removed)


@dataclass(frozen=True, slots=True)
class Criteria:
    """What is unneeded: it fits all of the criteria that are not None."""

    #: The time from which `idle` counts.
    now: float
    #: Seconds in which nobody has used it.
    idle: float | None
    #: Whether an item is needed.
    kept: Callable[[Item], bool] | None

    def item(self, item: Item) -> bool:
        """Return whether an item is unneeded; one that we may not read is kept."""
        if item.denied:
            return False
        idle = self.idle is None or item.idle(self.now) >= self.idle
        return idle and not (self.kept and self.kept(item))

    def format(self, other: OtherFormat) -> bool:
        """Return whether the folder of another format is unneeded: only an old one
        is."""
        idle = self.idle is None or abs(self.now - other.changed) >= self.idle
        return idle and other.is_old


def prune(
    store: Store,
    items: Iterable[Item],
    formats: Iterable[OtherFormat],
    now: float,
    dry_run: bool = False,
    leftovers: Iterable[Path] = (),
) -> Pruning:
    """Remove `items`, folders of old `formats`, `leftovers`, and rubbish.

    Each goes by one rename and is deleted then: who is killed meanwhile leaves what
    is swept later.  What somebody builds stays.  Leftovers are files outside the store,
    which need not be there.  Rubbish is what killed processes left, what was damaged
    and has been replaced, logs of builds that failed more than a week ago, and notes of
    folders that have gone, on entries that have gone.  With `dry_run` nothing goes.
    Raises `StoreUnwritable`.
    """
    removed: list[Removal] = []
    busy: list[Path] = []
    faults: list[PoachError] = []
    for path, what, guards in [
        *((item.path, _kind(item), [_lock(store, item)]) for item in items),
        *((other.path, "old format", _locks(other.path)) for other in formats),
        *((path, what, []) for path, what in _rubbish(store, now)),
        *((path, LEFTOVER, []) for path in leftovers),
    ]:
        with _unguarded(guards) as free:
            try:
                if not free:
                    busy.append(path)
                elif path.exists():
                    removed.append(_remove(store, path, what, dry_run))
            except NotRemoved as fault:
                faults.append(fault)
    return Pruning([*removed, *_swept(store, dry_run)], busy, faults)


def without_needed(items: Iterable[Item], entries: Iterable[Entry]) -> list[Item]:
    """Return `items` without the sdists that one of `entries` is made of.

    Those are the entries that stay: each may have to be built again.
    """
    needed = {entry.sdist for entry in entries}
    return [
        item
        for item in items
        if not (isinstance(item, KeptSdist) and item.sha256 in needed)
    ]


def _kind(item: Item) -> str:
    if isinstance(item, KeptSdist):
        return "sdist"
    return "entry" if isinstance(item, Entry) else "stand-in"


def _lock(store: Store, item: Item) -> Path:
    """Return the lock of the process that makes `item`; for an sdist there is none."""
    name = item.path.name if isinstance(item, Entry) else f"aliases-{item.path.name}"
    return store.root / ".locks" / f"{name}.lock"


def _locks(root: Path) -> list[Path]:
    """Return all locks below the folder of a format."""
    return [*root.glob(".locks/*.lock"), *root.glob(".staging/*/lock")]


@contextlib.contextmanager
def _unguarded(guards: Iterable[Path]) -> Iterator[bool]:
    """Hold those locks of `guards` that are there; give whether all were free."""
    held = []
    try:
        for path in filter(Path.exists, guards):
            lock = locks.file_lock(path)
            if not _acquired(lock):
                yield False
                return
            held.append(lock)
        yield True
    finally:
        for lock in held:
            lock.release()


def _acquired(lock: BaseFileLock) -> bool:
    try:
        return locks.acquire(lock)
    except OSError:
        return True  # where nobody may lock, nobody builds


def _remove(store: Store, path: Path, what: str, dry_run: bool) -> Removal:
    detail = quarantine.described(path) if what == "damaged" else ""
    removal = Removal(path, _size(path), what, detail)
    if not dry_run and what == LEFTOVER:
        _unlink(path)
    elif not dry_run:
        try:
            with store.scratch() as scratch:
                _move(path, scratch / path.name)
        except StoreUnwritable as fault:
            if getattr(fault.__cause__, "errno", None) not in DISK_FULL:
                raise
            shutil.rmtree(path)  # where there is no room for a rename
        for parent in path.parents[:2] if what == "entry" else ():
            with contextlib.suppress(OSError):
                parent.rmdir()  # unless there is more in it
    return removal


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise NotRemoved(path, str(error)) from error


def _move(path: Path, place: Path) -> None:
    try:
        path.rename(place)
    except OSError as error:
        if error.errno in DISK_FULL:
            raise
        raise NotRemoved(path, str(error)) from error


def _size(path: Path) -> int:
    return manifest.size_of(path) if path.is_dir() else path.lstat().st_size


def _rubbish(store: Store, now: float) -> Iterator[tuple[Path, str]]:
    for path in sorted((store.root / quarantine.DAMAGED).glob("*")):
        yield path, "damaged"
    for path in sorted((store.root / ".logs").glob("*")):
        with contextlib.suppress(FileNotFoundError):
            if abs(now - path.lstat().st_mtime) > STALE_SECONDS:
                yield path, "log"
    for path in usage.forgettable(store):
        yield path, "note"


def _swept(store: Store, dry_run: bool) -> list[Removal]:
    sizes = {path: _size(path) for path in store.root.glob(".staging/*")}
    try:
        swept = store.sweep(dry_run)
    except StoreUnwritable:
        if not dry_run:
            raise
        swept = []  # that nobody can remove
    return [Removal(path, sizes.get(path, 0), "left by a killed run") for path in swept]
