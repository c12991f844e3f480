"""Idleness: if there is nothing to patch, poach does nothing.

No dry run, no download ahead of the parts, no message.  What says that there may be
something to patch: pins, sections and folders of the configuration, what packages
asked for in the last run, and distributions at hand that ship diffs.
"""

from __future__ import annotations

from pathlib import Path

from poach.buildout import noted_requests
from poach.buildout.session import Session
from poach.catalog.definitions import SUFFIXES
from poach.pins.location import is_url

#: Where a folder of patch-path has diffs, below PROJECT or PROJECT/VERSION.
DIFFS = [
    f"{at}/{name}"
    for at in ("*", "*/*")
    for name in (*(f"*{suffix}" for suffix in SUFFIXES), "*/series")
]


def is_unconcerned(session: Session) -> bool:
    """Return whether a configuration has no patches and no substitutes."""
    settings = session.settings
    said = (
        session.patch_sets
        or settings.diffs
        or settings.substitutes
        or any(pin.refused for pin in settings.plain.values())
        or noted_requests.recall(session)
    )
    return not said and not any(map(_has_diffs, settings.folders))


def _has_diffs(folder: str) -> bool:
    """Return whether a folder of patch-path has a diff; a URL may have one."""
    return is_url(folder) or any(any(Path(folder).glob(each)) for each in DIFFS)
