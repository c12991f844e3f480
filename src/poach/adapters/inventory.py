"""What is in a store: its entries, who uses them, and folders of other formats."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poach.adapters import contents, entries, uses
from poach.adapters.closed import Closed, may_read
from poach.adapters.store import DamagedEntry, Store
from poach.adapters.uses import Uses
from poach.key import FORMAT

#: Where work is under way, and what was set aside: of no interest to anybody else.
_WORK = (".staging", ".locks", ".logs", ".damaged")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as far as it can be read.

    `place` is its path below the store's format, PROJECT/VERSION/KEY; `key` is that of
    its build as plain data, empty where `damage` says that it cannot be read, or
    `closed` that this user may not read it.  `size` is in bytes; `made` is when it came
    into this store, `used` are the times of use that are known, in seconds since 1970;
    `users` are folders of buildouts.  `source` is the URL that it was fetched from, ''
    where it was built here, `by` the key that had signed it, '' where nobody asked.
    """

    path: Path
    place: str
    key: Mapping[str, Any]
    damage: str
    closed: str
    size: int
    made: float
    used: tuple[float, ...]
    users: tuple[str, ...]
    source: str
    by: str

    @property
    def version(self) -> str:
        """The tagged version."""
        return self.path.parent.name

    @property
    def project(self) -> str:
        """The canonical name of the project."""
        return self.path.parent.parent.name

    def idle(self, now: float) -> float:
        """Return for how many seconds nobody has used it, as far as that is known.

        A time that lies ahead counts as far off as one long ago: some clock jumped.
        """
        return min(abs(now - time) for time in (self.made, *self.used))


@dataclass(frozen=True, slots=True)
class OtherFormat:
    """What another release of poach has in the store's folder; `made` as for entries.

    `changed` is when something was last written there.
    """

    path: Path
    size: int
    changed: float

    @property
    def format(self) -> int:
        """The version of the format."""
        return int(self.path.name)

    @property
    def is_old(self) -> bool:
        """Whether it is older than ours."""
        return self.format < FORMAT


def places(store: Store) -> Iterator[Path]:
    """Yield the folders of all entries, in order; one may be gone when it is read.

    What is in folders that we may not read is not known.
    """
    for project in _folders(store.root):
        for version in filter(_is_folder, _readable(store, project)):
            yield from filter(_is_folder, _readable(store, version))


def strays(store: Store) -> Iterator[Path]:
    """Yield what lies among the entries and is no folder."""
    levels = [store.root]
    for _ in range(3):
        below = [path for folder in levels for path in _readable(store, folder)]
        yield from (path for path in below if not _is_folder(path))
        levels = [path for path in below if _is_folder(path)]


def closed(store: Store) -> Iterator[Closed]:
    """Yield the folders of the store, but for those of entries, that we may not read.

    Where work is under way others may well keep theirs to themselves.
    """
    tops = [path for path in sorted(store.root.glob("*")) if path.name not in _WORK]
    holders = [path for path in tops if path.name == ".known" or path.name[0] != "."]
    below = [path for folder in holders for path in sorted(folder.glob("*"))]
    for folder in filter(_is_folder, [*tops, *below]):
        if not may_read(folder):
            yield store.closed(folder)


def entries_of(store: Store) -> list[Entry]:
    """Return all entries of the store."""
    known = uses.read(store)
    found = (_entry(store, path, known) for path in places(store))
    return [entry for entry in found if entry is not None]


def others(store: Store) -> list[OtherFormat]:
    """Return the folders of other formats that lie in the store's folder."""
    found = [path for path in _folders(store.path) if path.name.isdecimal()]
    return [_other(path) for path in found if path != store.root]


def _entry(store: Store, path: Path, known: Uses) -> Entry | None:
    entry, damage, closed = _read(store, path)
    key = entry["key"] if entry else {}
    place = path.relative_to(store.root).as_posix()
    try:
        made = _made(path)
    except FileNotFoundError:
        return None  # somebody removes it right now
    last, users = known.last.get(place, ()), known.users.get(place, ())
    size = contents.size_of(path)
    wrong, used = (damage, closed), (tuple(last), tuple(users))
    origin = [str(entry.get(each) or "") for each in ("fetched-from", "signed-by")]
    return Entry(path, place, key, *wrong, size, made, *used, *origin)


def _read(store: Store, path: Path) -> tuple[Mapping[str, Any], str, str]:
    """Return what an entry says, what is damaged, and what we may not read."""
    try:
        return entries.look(path).entry, "", ""
    except DamagedEntry as damage:
        return {}, damage.reason, ""
    except PermissionError as error:
        return {}, "", store.closed(Path(error.filename)).reason


def _made(path: Path) -> float:
    """Return when an entry was made; its folder's time is that of the last change."""
    try:
        return (path / entries.ENTRY).stat().st_mtime
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return path.stat().st_mtime


def _other(path: Path) -> OtherFormat:
    times = [file.lstat().st_mtime for file in path.rglob("*")]
    return OtherFormat(path, contents.size_of(path), max(times, default=0))


def _folders(folder: Path) -> Iterator[Path]:
    return filter(_is_folder, _visible(folder))


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _readable(store: Store, folder: Path) -> list[Path]:
    """Return what is in a folder; nothing where we may not read it and may others."""
    closed = folder != store.root and folder.exists() and not may_read(folder)
    return [] if closed else _visible(folder)


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path) and not path.is_symlink()  # noqa: PTH112 - or closed
