"""Entries of the store: an egg, the wheel that it was made from, and entry.json."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from poach.errors import PoachError
from poach.pins.build_key import BuildKey, digest_of, recorded, recorded_digest
from poach.record.effect import findings
from poach.store import manifest

ENTRY = "entry.json"

#: How many digits of the build key's digest name the folder of an entry.
DIGITS = 16


class DamagedEntry(PoachError):
    """An entry of the store that is not what it says."""

    #: The folder of the entry.
    path: Path
    #: The fault.
    reason: str
    #: What to do, or why the egg is not built again.
    cure: str = "run again, not in offline (no-install) mode, to build it again"

    def __str__(self) -> str:
        return f"The patched egg in {self.path} is damaged: {self.reason}; {self.cure}"


class Made(NamedTuple):
    """What came out of a build, in its staging folder: an egg and its wheel."""

    egg: Path
    wheel: Path
    #: Plain data for entry.json, beside the key and the files.
    record: dict[str, Any]


class PatchedEgg(NamedTuple):
    """One entry: the paths of its egg and wheel, and the content of entry.json."""

    egg: Path
    wheel: Path
    entry: dict[str, Any]


def write(folder: Path, made: Made, key: BuildKey) -> None:
    """Move what was `made` for `key` into the new folder `folder`, with its record."""
    folder.mkdir()
    egg = made.egg.rename(folder / made.egg.name)
    wheel = made.wheel.rename(folder / made.wheel.name)
    entry = {
        **made.record,
        "key": recorded(key.as_json()),
        "egg": egg.name,
        "files": manifest.files(egg),
        "wheel": [wheel.name, *manifest.size_and_digest(wheel)],
    }
    (folder / ENTRY).write_bytes(manifest.as_json(entry))


def place(root: Path, version: str, key: Mapping[str, Any]) -> Path:
    """Return the folder of the entry of `key` (plain data) in a store, there or not."""
    return root / str(key["project"]) / version / digest_of(key)[:DIGITS]


def read(place: Path, key: Mapping[str, Any]) -> PatchedEgg | None:
    """Return the entry in the folder `place` if it is there; raise `DamagedEntry`.

    Only small files are read: it is about `key`, and its files have their sizes.
    Raises PermissionError for what this user may not read, as all functions here do.
    """
    try:
        entry = _entry(place)
    except DamagedEntry:
        if not os.path.lexists(place):
            return None
        raise
    # Entries that were made earlier have the key itself.
    if entry.get("key") not in (recorded(key), key):
        raise DamagedEntry(place, f"{ENTRY} is for another build")
    return _checked(place, entry)


def look(place: Path) -> PatchedEgg:
    """Return the entry in the folder `place`, with any key.

    Raises `DamagedEntry` as `read` does, also if its key is not that of the folder.
    """
    entry = _entry(place)
    if not _belongs(place, entry):
        raise DamagedEntry(place, f"{ENTRY} is for another build")
    return _checked(place, entry)


def flaws(place: Path) -> Iterator[str]:
    """Yield all that is wrong with the entry in `place`; every file is read."""
    try:
        entry = _entry(place)
        _, _, files = _listed(place, entry)
    except DamagedEntry as damage:
        yield damage.reason
        return
    if not _belongs(place, entry):
        yield f"{ENTRY} is for another build"
    for each in manifest.differences(place, files):
        if each != f"{ENTRY} should not be there":
            yield each


def files(place: Path) -> manifest.Files:
    """Return the sizes and digests that the entry in `place` lists, its wheel's, too.

    Raises `DamagedEntry`.
    """
    return _listed(place, _entry(place))[2]


def _entry(place: Path) -> dict[str, Any]:
    try:
        entry = manifest.parsed(manifest.read(place / ENTRY))
    except (FileNotFoundError, NotADirectoryError):
        raise DamagedEntry(place, f"{ENTRY} is missing") from None
    except PermissionError:
        raise
    except (OSError, ValueError) as error:
        raise DamagedEntry(place, f"{ENTRY}: {error}") from None
    if not isinstance(entry, dict):
        raise DamagedEntry(place, f"{ENTRY} is for another build")
    return entry


def _belongs(place: Path, entry: Mapping[str, Any]) -> bool:
    """Return whether an entry is about what the names of its folders say."""
    key, version, project = place.name, place.parent.name, place.parent.parent.name
    data = entry.get("key")
    return (
        isinstance(data, dict)
        and recorded_digest(data)[:DIGITS] == key
        and data.get("project") == project
        and entry.get("version", version) == version
    )


def _checked(place: Path, entry: dict[str, Any]) -> PatchedEgg:
    egg, wheel, files = _listed(place, entry)
    if findings({"patches": (), **entry}) is None:
        raise DamagedEntry(place, f"{ENTRY} does not say what the patches did")
    if not (place / egg).is_dir():
        raise DamagedEntry(place, f"{egg} is missing")
    sizes = {name: size for name, (size, _) in files.items()}
    wrong = manifest.wrong_size(place, sizes)
    if wrong:
        raise DamagedEntry(place, wrong)
    return PatchedEgg(place / egg, place / wheel, entry)


def _listed(place: Path, entry: Mapping[str, Any]) -> tuple[str, str, manifest.Files]:
    """Return the names of the egg and of the wheel, and what the entry lists."""
    egg = str(entry.get("egg"))
    if not egg.endswith(".egg") or Path(egg).name != egg:
        raise DamagedEntry(place, f"{ENTRY} names no egg")
    try:
        files = {f"{egg}/{n}": manifest.pair(f) for n, f in entry["files"].items()}
        wheel, *of_wheel = entry["wheel"]
        if not wheel.endswith(".whl") or Path(wheel).name != wheel:
            raise ValueError(wheel)
        return egg, wheel, {**files, wheel: manifest.pair(of_wheel)}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise DamagedEntry(place, f"{ENTRY} lists no files") from None
