"""Notes: small facts that the store remembers, one file for each."""

from __future__ import annotations

import hashlib
import math
import os
import re
import socket
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from poach.store import manifest

#: The kinds of notes on what was used: by runs of buildout, and by ``poach build``.
RUNS, BUILDS = "buildouts", "builds"
#: Such a note is good for so long.
DAY = 24 * 3600

#: What `of_run` notes.
RUN_FACTS = ("used", "unforeseen", "blind")

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Notes(NamedTuple):
    """The notes below the folder `path`, to be read."""

    path: Path

    def place(self, kind: str, name: str) -> Path:
        """Return the file of a note, there or not."""
        return self.path / kind / f"{name}.json"

    def recall(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return what was noted, or None where nothing (readable) is."""
        return read(self.place(kind, name))

    def digest(self, kind: str, name: str) -> str | None:
        """Return the ``sha256`` of what was noted, None where that is none.

        Raises PermissionError for a note that this user may not read.
        """
        found = (_read(self.place(kind, name)) or {}).get("sha256")
        return found if isinstance(found, str) and is_sha256(found) else None

    def all(self, kind: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Yield all readable notes of one kind, each with its file."""
        try:
            paths = sorted((self.path / kind).glob("*.json"))
        except PermissionError:
            return
        for path in paths:
            note = read(path)
            if note is not None:
                yield path, note


def is_sha256(text: str) -> bool:
    """Return whether a text is a sha256 in hex."""
    return _SHA256.fullmatch(text) is not None


def read(path: Path) -> dict[str, Any] | None:
    """Return the note in the file `path`, or None where nothing (readable) is."""
    try:
        return _read(path)
    except PermissionError:
        return None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        facts = manifest.parsed(manifest.read(path))
    except PermissionError:
        raise
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def name(directory: str) -> str:
    """Return the name of the notes of the buildout in a folder."""
    return hashlib.sha256(os.fsencode(directory)).hexdigest()[:32]


def use(directory: str, places: Collection[str]) -> dict[str, Any]:
    """Return what is noted of a buildout that used entries: their `places`."""
    host = socket.gethostname()
    return {"directory": directory, "host": host, "eggs": sorted(places)}


def of_run(
    used: Iterable[str], hidden: Collection[str], blind: Iterable[str]
) -> dict[str, list[str]]:
    """Return what is noted of a run: projects that it used, and what it could not see.

    `hidden` are the projects that it got without having foreseen them, `blind` the
    parts that were not asked.
    """
    return {
        "used": sorted(used),
        "unforeseen": sorted(hidden),
        "blind": sorted(blind) if hidden else [],
    }


def unforeseen(noted: Mapping[str, Any], blind: Iterable[str]) -> set[str]:
    """Return what the run that is `noted` got and could not foresee.

    That is nothing unless one of the parts that were not asked is in `blind`.
    """
    if not set(noted.get("blind", ())).intersection(blind):
        return set()
    return set(noted.get("unforeseen", ()))


def says(noted: Mapping[str, Any], facts: Mapping[str, Any], now: float) -> bool:
    """Return whether what is `noted` says all `facts`, and is fresh."""
    same = {key: noted.get(key) for key in facts} == facts
    return same and 0 <= now - number(noted.get("at")) < DAY


def number(value: object) -> float:
    """Return a number that was noted, 0 for anything else."""
    try:
        found = float(value) if isinstance(value, int | float) else 0.0
    except OverflowError:
        return 0.0
    return found if math.isfinite(found) else 0.0
