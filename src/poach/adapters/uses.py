"""Who used which entry of the store, and when: notes that buildouts leave there.

A note belongs to a folder on a host.  Its ``entries`` are places in the store with the
time of the last use, in seconds since 1970; those of the last run have the time of the
note itself, ``at``.  Where nothing has changed a run writes none for a day.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poach.adapters.store import PatchedEgg, Store, StoreUnwritable

#: A note is good for so long.
DAY = 24 * 3600

#: The kinds of notes: of runs of buildout, and of ``poach build``.
RUNS, BUILDS = "buildouts", "builds"


def name(directory: str) -> str:
    """Return the name of the notes of a buildout."""
    return hashlib.sha256(os.fsencode(directory)).hexdigest()[:32]


def place(store: Store, egg: PatchedEgg) -> str:
    """Return the place of an entry in the store."""
    return egg.wheel.parent.relative_to(store.root).as_posix()


def note(
    store: Store,
    kind: str,
    directory: str,
    eggs: Collection[PatchedEgg],
    **facts: object,
) -> None:
    """Note in the store, if that can be written, what a run used, and other `facts`."""
    before = store.recall(kind, name(directory)) or {}
    told = {"directory": directory, "host": socket.gethostname(), **facts}
    now, places = time.time(), {place(store, egg) for egg in eggs}
    if not _says(before, told, places, now):
        older = {p: t for p, t in _entries(before).items() if (store.root / p).is_dir()}
        entries = {**older, **dict.fromkeys(places, int(now))}
        new = {**told, "at": int(now), "entries": entries}
        with contextlib.suppress(StoreUnwritable):
            store.remember(kind, name(directory), new)


def _says(
    noted: Mapping[str, Any], facts: Mapping[str, Any], places: set[str], now: float
) -> bool:
    """Tell whether what is `noted` says it all, and is fresh."""
    same = {key: noted.get(key) for key in facts} == facts
    fresh = 0 <= now - _number(noted.get("at")) < DAY
    return same and fresh and current(noted) == places


def current(noted: Mapping[str, Any]) -> set[str]:
    """Return the places of the entries that the run of a note used."""
    at = _number(noted.get("at"))
    return {where for where, used in _entries(noted).items() if used == at}


@dataclass(frozen=True, slots=True)
class Uses:
    """All that is noted: `last` and `users` of entries, by their places.

    `last` are all times of use.  `users` are the folders of buildouts that used an
    entry in their last run and are still there, as far as that can be told.
    """

    last: Mapping[str, list[float]]
    users: Mapping[str, list[str]]


def read(store: Store) -> Uses:
    """Return what is noted in the store, as far as it can be read."""
    last: dict[str, list[float]] = {}
    users: dict[str, list[str]] = {}
    for kind in (RUNS, BUILDS):
        for _, noted in store.notes.all(kind):
            for where, used in _entries(noted).items():
                last.setdefault(where, []).append(used)
            for where in current(noted) if not is_gone(noted) else ():
                users.setdefault(where, []).append(str(noted.get("directory")))
    return Uses(last, {where: sorted({*who}) for where, who in users.items()})


def forgettable(store: Store) -> Iterator[Path]:
    """Yield the notes of folders that have gone, on entries that have gone."""
    for kind in (RUNS, BUILDS):
        for path, noted in store.notes.all(kind):
            left = any((store.root / where).is_dir() for where in _entries(noted))
            if is_gone(noted) and not left:
                yield path


def is_gone(noted: Mapping[str, Any]) -> bool:
    """Tell whether the folder of a note was on this host, and is no more."""
    ours = noted.get("host") == socket.gethostname()
    return ours and not Path(str(noted.get("directory"))).is_dir()


def _entries(noted: Mapping[str, Any]) -> dict[str, float]:
    found = noted.get("entries")
    pairs = found.items() if isinstance(found, dict) else ()
    return {where: _number(used) for where, used in pairs}


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0
