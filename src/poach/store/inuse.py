"""What must not be pruned, since a program may run from it.

A buildout uses what its last run noted, as long as its folder is there.  And it uses
everything that its installed files refer to: scripts that a run of a single part,
or one that failed, left as they were.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from configparser import Error as ConfigError
from configparser import RawConfigParser
from pathlib import Path

from poach.store.inventory import Item, OtherFormat
from poach.store.notes import BUILDS, RUNS, Notes, read
from poach.store.permissions import may_read
from poach.store.store import Store
from poach.store.usage import current, is_gone

_INSTALLED = ".installed.cfg"
_FILES = "__buildout_installed__"
#: Larger files are no scripts, and no configuration.
_LARGEST = 1 << 20


def users(
    store: Store, items: Iterable[Item], formats: Iterable[OtherFormat]
) -> dict[Path, list[str]]:
    """Return the folders of the buildouts that use each of `items` and `formats`.

    Unused paths are not in the result.
    """
    found = {item.path: {*item.users} for item in items}
    found |= {other.path: _noted_elsewhere(store, other) for other in formats}
    wanted = {path: _word(store, path) for path in found}
    for folder in _folders(store, [other.path for other in formats]):
        for path in _referred(folder, wanted):
            found[path].add(str(folder))
    return {path: sorted(who) for path, who in found.items() if who}


def unreadable(store: Store) -> list[Path]:
    """Return the notes on use, or folders of them, that cannot be read.

    Then the users of eggs are unknown.
    """
    kinds = [store.notes.path / kind for kind in (RUNS, BUILDS)]
    for folder in (store.notes.path, *kinds):
        if os.path.isdir(folder) and not may_read(folder):  # noqa: PTH112 - or no access
            return [folder]
    files = [path for folder in kinds for path in sorted(folder.glob("*.json"))]
    return [path for path in files if read(path) is None and os.path.lexists(path)]


def _word(store: Store, path: Path) -> bytes:
    """Return the text of a file that refers to something in the store.

    That is the path below the store, or below its format, which says enough: so it
    does not matter how others come to the store.
    """
    if path.is_relative_to(store.root):
        return os.fsencode(path.relative_to(store.root).as_posix())
    return os.fsencode(f"{store.path.name}/{path.name}/")


def _noted_elsewhere(store: Store, other: OtherFormat) -> set[str]:
    """Return who used the store of another release, but not this one since."""
    notes = Notes(other.path / store.notes.path.name)
    return {
        str(noted.get("directory"))
        for kind in (RUNS, BUILDS)
        for path, noted in notes.all(kind)
        if current(noted) and not is_gone(noted)
        if not (store.notes.path / kind / path.name).exists()
    }


def _folders(store: Store, formats: Iterable[Path]) -> list[Path]:
    """Return the folders of all buildouts that are noted and that we can look at."""
    known = store.notes.path.name
    every = [store.notes, *(Notes(path / known) for path in formats)]
    noted = [
        n for notes in every for kind in (RUNS, BUILDS) for _, n in notes.all(kind)
    ]
    paths = {Path(str(each.get("directory"))) for each in noted}
    return sorted(p for p in paths if p.is_absolute() and os.path.isdir(p))  # noqa: PTH112


def _referred(folder: Path, wanted: Mapping[Path, bytes]) -> set[Path]:
    """Return what of `wanted` the files of the buildout in `folder` refer to."""
    found: set[Path] = set()
    for text in _texts(folder):
        found |= {path for path, word in wanted.items() if word in text}
    return found


def _texts(folder: Path) -> Iterator[bytes]:
    """Yield the texts of the files of a buildout; the target, for a link."""
    seen = set()
    for path in (folder / _INSTALLED, folder / "bin", *_installed(folder)):
        for file in _files(path):
            if file not in seen:
                seen.add(file)
                yield _text(file)


def _installed(folder: Path) -> list[Path]:
    """Return the files and folders that buildout has installed for its parts."""
    parser = RawConfigParser(strict=False, delimiters="=")
    try:
        parser.read(folder / _INSTALLED, encoding="utf-8")
    except (OSError, UnicodeError, ConfigError):
        return []
    lines = [parser[part].get(_FILES, "").splitlines() for part in parser.sections()]
    return [
        folder / line for part in lines for line in part if line and "\0" not in line
    ]


def _files(path: Path) -> Iterator[Path]:
    """Yield `path`, and all files and links below it."""
    yield path
    for folder, folders, files in os.walk(path):
        links = [name for name in folders if os.path.islink(f"{folder}/{name}")]  # noqa: PTH114
        yield from (Path(folder, name) for name in (*files, *links))


def _text(path: Path) -> bytes:
    try:
        if path.is_symlink():
            return os.fsencode(path.readlink())
        if path.is_file() and path.stat().st_size <= _LARGEST:
            return path.read_bytes()
    except (OSError, ValueError):  # not ours to read, just gone, or no path at all
        pass
    return b""
