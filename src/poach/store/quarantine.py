"""What was found damaged in a store and was replaced, for people who want to know why.

It lies in ``.damaged``, each folder with a note of what it was.  Of all only the newest
`KEPT` stay, for an egg may be large, and the same thing may damage it again and again.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from poach.store import manifest
from poach.store.atomic import Common

DAMAGED = ".damaged"
KEPT = 3
_NOTE = "damaged.json"


class DamagedItem(NamedTuple):
    """Where something damaged is kept."""

    path: Path
    #: Where it was, a path below the store's format.
    place: str
    #: What was wrong.
    reason: str

    def note(self, common: Common) -> None:
        """Note beside the damaged files what they were, and remove the oldest others.

        Nobody depends on that, so what cannot be written or removed is no error.
        """
        facts = {"place": self.place, "reason": self.reason, "at": int(time.time())}
        with contextlib.suppress(OSError):
            if self.path.is_dir():
                (self.path / _NOTE).write_bytes(manifest.as_json(facts))
                common.share(self.path / _NOTE)
            for old in _by_age(self.path.parent)[:-KEPT]:
                _remove(old)


def described(path: Path) -> str:
    """Return what is known of something in ``.damaged``, '' for nothing."""
    noted = _noted(path)
    if not noted:
        return ""
    return f"was {noted.get('place')}: {noted.get('reason')}"


def _noted(path: Path) -> Mapping[str, Any]:
    try:
        noted = manifest.parsed(manifest.read(path / _NOTE))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _by_age(folder: Path) -> list[Path]:
    """Return what is in ``.damaged``, what came first at the beginning.

    A rename sets the time of the last change of status, and leaves the others alone.
    """
    times = []
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            times.append((path.lstat().st_ctime_ns, path))
    return [path for _, path in sorted(times)]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
