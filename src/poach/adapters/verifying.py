"""Verifying a store: every file of it against what was recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from poach.adapters import contents, entries, inventory, notes
from poach.adapters.store import Store

#: The folders that have a record of their own.
_RECORDED = (".tools", ".aliases")


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that is not as it was made; `path` is what has to go to mend it."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def verify(store: Store) -> Iterator[Flaw]:
    """Yield all that is wrong in the store; every file is read.

    What appears or goes while this runs is no flaw.  Raises OSError where the store
    cannot be read.
    """
    for place in inventory.places(store):
        yield from _flaws(place, entries.flaws(place))
    for path in inventory.strays(store):
        yield Flaw(path, "it should not be there")
    for kind in _RECORDED:
        for folder in sorted((store.root / kind).glob("*")):
            yield from _flaws(folder, contents.flaws(folder))
    yield from _wrong_diffs(store)
    for path in sorted((store.root / ".known").glob("*/*.json")):
        if notes.read(path) is None and path.exists():
            yield Flaw(path, "the note cannot be read")


def _flaws(place: Path, reasons: Iterator[str]) -> Iterator[Flaw]:
    found = [Flaw(place, reason) for reason in reasons]
    if place.exists():
        yield from found


def _wrong_diffs(store: Store) -> Iterator[Flaw]:
    for path in sorted((store.root / ".diffs").glob("*")):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            yield Flaw(path, f"it cannot be read: {error}")
            continue
        if hashlib.sha256(data).hexdigest() != path.name:
            yield Flaw(path, "it has other bytes")
