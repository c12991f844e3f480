"""What is in a store: its entries, who uses them, and folders of other formats."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from poach.pins.build_key import FORMAT
from poach.store import entries, manifest, usage
from poach.store.permissions import PermissionDenied, may_read
from poach.store.store import SDISTS, DamagedEntry, Store
from poach.store.usage import Uses

ALIASES = ".aliases"

#: Unfinished work, and damaged entries that were replaced: nobody else needs them.
_WORK = (".staging", ".locks", ".logs", ".damaged")


class _Facts(TypedDict):
    path: Path
    place: str
    denied: str
    size: int
    made: float
    used: tuple[float, ...]
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """Something in the store that buildouts use."""

    path: Path
    #: Its path below the store's format.
    place: str
    #: Why this user may not read it; '' if that is not so.
    denied: str
    #: Its size in bytes.
    size: int
    #: When it came into this store, in seconds since 1970.
    made: float
    #: The times of use that are known, in seconds since 1970.
    used: tuple[float, ...]
    #: The folders of the buildouts that use it.
    users: tuple[str, ...]

    def idle(self, now: float) -> float:
        """Return for how many seconds it was not used, as far as that is known.

        A time that lies ahead counts as far off as one long ago: some clock jumped.
        """
        return min(abs(now - time) for time in (self.made, *self.used))


@dataclass(frozen=True, slots=True)
class Alias(Item):
    """An egg in the name of a project with a substitute: .aliases/PROJECT-DIGEST."""


@dataclass(frozen=True, slots=True)
class KeptSdist(Item):
    """An upstream sdist: .sdists/SHA256; it counts as made when it was last used."""

    #: The name of its file; '' where that is not known.
    file: str

    @property
    def sha256(self) -> str:
        """The digest of its bytes, in hex."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class Entry(Item):
    """An entry as far as it can be read; its place is PROJECT/VERSION/KEY."""

    #: The build key as plain data; empty if the entry is damaged or unreadable.
    key: Mapping[str, Any]
    #: Why it cannot be read; '' for no damage.
    damage: str
    #: The URL that it was fetched from; '' where it was built here.
    source: str
    #: The key that had signed it; '' where nobody asked.
    by: str

    @property
    def version(self) -> str:
        """The tagged version."""
        return self.path.parent.name

    @property
    def sdist(self) -> str:
        """The sha256 of the sdist that it is made of, in hex; '' if not known."""
        return str(self.key.get("sdist") or "")

    @property
    def project(self) -> str:
        """The canonical name of the project."""
        return self.path.parent.parent.name


@dataclass(frozen=True, slots=True)
class OtherFormat:
    """What another release of poach has in the store's folder."""

    path: Path
    size: int
    #: When something was last written there, in seconds since 1970.
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


def denied(store: Store) -> Iterator[PermissionDenied]:
    """Yield the folders of the store, except those of entries, that we may not read.

    Where work is under way others may well keep theirs to themselves.
    """
    tops = [path for path in sorted(store.root.glob("*")) if path.name not in _WORK]
    holders = [p for p in tops if p.name in (".known", SDISTS) or p.name[0] != "."]
    below = [path for folder in holders for path in sorted(folder.glob("*"))]
    for folder in filter(_is_folder, [*tops, *below]):
        if not may_read(folder):
            yield store.denied(folder)


def entries_of(store: Store) -> list[Entry]:
    """Return all entries of the store."""
    known = usage.read(store)
    found = (_entry(store, path, known) for path in places(store))
    return [entry for entry in found if entry is not None]


def others(store: Store) -> list[OtherFormat]:
    """Return the folders of other formats that lie in the store's folder."""
    found = [path for path in _folders(store.path) if path.name.isdecimal()]
    return [_other(path) for path in found if path != store.root]


def aliases_of(store: Store) -> list[Alias]:
    """Return all aliases of projects that have a substitute."""
    known = usage.read(store)
    folder = store.root / ALIASES
    paths = filter(_is_folder, _readable(store, folder))
    found = (_alias(store, path, known) for path in paths)
    return [each for each in found if each is not None]


def sdists_of(store: Store) -> list[KeptSdist]:
    """Return the upstream sdists that the store keeps."""
    paths = filter(_is_folder, _readable(store, store.root / SDISTS))
    found = (_sdist(store, path) for path in paths)
    return [each for each in found if each is not None]


def _sdist(store: Store, path: Path) -> KeptSdist | None:
    denied = "" if may_read(path) else store.denied(path).reason
    file = next(iter(_readable(store, path)), path)
    facts = _facts(path, file, denied, Uses(store.root, {}, {}))
    name = file.name if file != path else ""
    return KeptSdist(**facts, file=name) if facts is not None else None


def _alias(store: Store, path: Path, known: Uses) -> Alias | None:
    denied = "" if may_read(path) else store.denied(path).reason
    facts = _facts(path, path / manifest.RECORD, denied, known)
    return Alias(**facts) if facts is not None else None


def _entry(store: Store, path: Path, known: Uses) -> Entry | None:
    entry, damage, denied = _read(store, path)
    facts = _facts(path, path / entries.ENTRY, denied, known)
    if facts is None:
        return None
    return Entry(
        **facts,
        key=entry["key"] if entry else {},
        damage=damage,
        source=str(entry.get("fetched-from") or ""),
        by=str(entry.get("signed-by") or ""),
    )


def _facts(path: Path, record: Path, denied: str, known: Uses) -> _Facts | None:
    """Return what `Item` says of the folder `path`; None if it has just gone.

    It was made when its `record` was written, for its own time is that of the last
    change.
    """
    place = path.relative_to(known.root).as_posix()
    try:
        made = _made(path, record)
    except FileNotFoundError:
        return None
    return {
        "path": path,
        "place": place,
        "denied": denied,
        "size": manifest.size_of(path),
        "made": made,
        "used": tuple(known.last.get(place, ())),
        "users": tuple(known.users.get(place, ())),
    }


def _read(store: Store, path: Path) -> tuple[Mapping[str, Any], str, str]:
    """Return what an entry says, what is damaged, and what we may not read."""
    try:
        return entries.look(path).entry, "", ""
    except DamagedEntry as damage:
        return {}, damage.reason, ""
    except PermissionError as error:
        return {}, "", store.denied(Path(error.filename)).reason


def _made(path: Path, record: Path) -> float:
    try:
        return record.stat().st_mtime
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return path.stat().st_mtime


def _other(path: Path) -> OtherFormat:
    times = [file.lstat().st_mtime for file in path.rglob("*")]
    return OtherFormat(path, manifest.size_of(path), max(times, default=0))


def _folders(folder: Path) -> Iterator[Path]:
    return filter(_is_folder, _visible(folder))


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _readable(store: Store, folder: Path) -> list[Path]:
    """Return what is in a folder; nothing where we may not read it and may others."""
    denied = folder != store.root and folder.exists() and not may_read(folder)
    return [] if denied else _visible(folder)


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path) and not path.is_symlink()  # noqa: PTH112 - or unreadable
