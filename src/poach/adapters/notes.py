"""Notes: small facts that the store remembers, one file for each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poach.adapters.contents import parsed

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes below the folder `path`, to be read."""

    path: Path

    def place(self, kind: str, name: str) -> Path:
        """Return the file of a note, there or not."""
        return self.path / kind / f"{name}.json"

    def recall(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return what was noted, or None where nothing (readable) is."""
        return read(self.place(kind, name))

    def digest(self, kind: str, name: str) -> str | None:
        """Return the ``sha256`` of what was noted, None where that is none."""
        found = (self.recall(kind, name) or {}).get("sha256")
        return found if isinstance(found, str) and _SHA256.fullmatch(found) else None

    def all(self, kind: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Yield all readable notes of one kind, each with its file."""
        for path in sorted((self.path / kind).glob("*.json")):
            note = read(path)
            if note is not None:
                yield path, note


def read(path: Path) -> dict[str, Any] | None:
    """Return the note in the file `path`, or None where nothing (readable) is."""
    try:
        facts = parsed(path.read_bytes())
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None
