"""Who used which entry of the store, and when: notes that buildouts leave there.

A note belongs to the folder of a buildout.  ``eggs`` are the places in the store of the
entries, and of the aliases of substitutes, that its last run used, ``at`` is when,
in seconds since 1970; ``before`` are others with the time of their last use.  Where
nothing has changed a run writes no note for a day.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from poach.store.notes import BUILDS, RUNS, name, number, says, use
from poach.store.store import PatchedEgg, Store, StoreUnwritable


def place(store: Store, egg: PatchedEgg) -> str:
    """Return the place of an entry in the store."""
    return egg.wheel.parent.relative_to(store.root).as_posix()


def note(
    store: Store,
    kind: str,
    directory: str,
    eggs: Collection[PatchedEgg],
    aliases: Collection[Path] = (),
    whole: bool = True,
    **facts: object,
) -> None:
    """Note in the store, if that can be written, what a run used, and other `facts`.

    `aliases` are folders of the store.  A run that is not `whole` has ended before it
    knew all that it uses: what the last one used counts, too.
    """
    noted = store.recall(kind, name(directory)) or {}
    used = {place(store, egg) for egg in eggs}
    used |= {folder.relative_to(store.root).as_posix() for folder in aliases}
    before_that = [] if whole else current(noted)
    used |= {where for where in before_that if _is_there(store.root / where)}
    places = sorted(used)
    told = {**use(directory, places), **facts}
    now = time.time()
    if not says(noted, told, now):
        before = {p: t for p, t in _times(noted).items() if _is_other(store, p, places)}
        with contextlib.suppress(StoreUnwritable):
            new = {**told, "at": int(now), "before": before}
            store.remember(kind, name(directory), new)


def _is_other(store: Store, where: str, places: Collection[str]) -> bool:
    """Return whether an entry is none of `places`, and still there."""
    return where not in places and _is_there(store.root / where)


def _is_there(folder: Path) -> bool:
    """Return whether a folder is there, as far as we may look."""
    try:
        return folder.is_dir()
    except PermissionError:
        return True


def current(noted: Mapping[str, Any]) -> set[str]:
    """Return the places of the entries that the run of a note used."""
    eggs = noted.get("eggs")
    return {*filter(_is_text, eggs)} if isinstance(eggs, list) else set()


class Uses(NamedTuple):
    """All that is noted of entries, by their places below `root`."""

    root: Path
    #: All times of use.
    last: Mapping[str, list[float]]
    #: The folders of buildouts that used an entry in their last run and are still
    #: there, as far as that can be found out.
    users: Mapping[str, list[str]]


def read(store: Store) -> Uses:
    """Return what is noted in the store, as far as it can be read."""
    last: dict[str, list[float]] = {}
    users: dict[str, list[str]] = {}
    for kind in (RUNS, BUILDS):
        for _, noted in store.notes.all(kind):
            for where, used in _times(noted).items():
                last.setdefault(where, []).append(used)
            for where in current(noted) if not is_gone(noted) else ():
                users.setdefault(where, []).append(str(noted.get("directory")))
    return Uses(
        store.root, last, {where: sorted({*who}) for where, who in users.items()}
    )


def forgettable(store: Store) -> Iterator[Path]:
    """Yield the notes of folders that have gone, on entries that have gone."""
    for kind in (RUNS, BUILDS):
        for path, noted in store.notes.all(kind):
            left = any(_is_there(store.root / where) for where in _times(noted))
            if is_gone(noted) and not left:
                yield path


def is_gone(noted: Mapping[str, Any]) -> bool:
    """Return whether the folder of a note was on this host, and is no more."""
    ours = noted.get("host") == socket.gethostname()
    return ours and not _is_there(Path(str(noted.get("directory"))))


def _times(noted: Mapping[str, Any]) -> dict[str, float]:
    """Return all entries that a note knows, with the time of their last use."""
    before = noted.get("before")
    pairs = before.items() if isinstance(before, dict) else ()
    times = {where: number(used) for where, used in pairs}
    return {**times, **dict.fromkeys(current(noted), number(noted.get("at")))}


def _is_text(value: object) -> bool:
    return isinstance(value, str)
