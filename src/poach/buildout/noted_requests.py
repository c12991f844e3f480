"""What packages asked for in the last run: noted in the store, and granted again."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import Any

from poach.buildout.session import Session
from poach.errors import PoachError
from poach.names import NormalizedName
from poach.pins.patchset import PatchSet
from poach.pins.requests import Request
from poach.store import notes
from poach.store.store import StoreUnwritable

logger = logging.getLogger("zc.buildout.poach")

#: The kind of these notes.
REQUESTS = "requests"


def recall(session: Session) -> dict[str, Any] | None:
    """Return what `note` has noted in the last run, None for nothing."""
    return session.kit.store.recall(REQUESTS, notes.name(session.settings.directory))


def note(session: Session) -> None:
    """Note in the store, if that can be written, what was asked for and shipped."""
    asked = [
        [project, patch, requester]
        for project, patches in sorted(session.granting.granted.items())
        for patch, requesters in sorted(patches.items())
        for requester in sorted(set(requesters))
    ]
    shipped = [
        [shelf.owner, project, str(shelf.folder)]
        for project, shelves in session.library.shipped.items()
        for shelf in shelves
    ]
    facts = {"granted": asked, "shipped": sorted(shipped) if asked else []}
    noted = recall(session)
    if facts != noted and (asked or noted):
        with contextlib.suppress(StoreUnwritable):
            name = notes.name(session.settings.directory)
            session.kit.store.remember(REQUESTS, name, facts)


def grant(session: Session) -> list[PatchSet]:
    """Grant what packages asked for in the last run; return what grew by that.

    A request that the configuration no longer admits is only reported: the next run of
    all parts will show whether anybody still asks for it.
    """
    grown: dict[NormalizedName, PatchSet] = {}
    noted = recall(session) or {}
    for owner, project, folder in noted.get("shipped", ()):
        if Path(folder).is_dir():
            session.ship(owner, project, Path(folder))
    for project, patch, requester in noted.get("granted", ()):
        try:
            more = session.granting.ask([Request.of(project, patch, requester)])
        except PoachError as fault:
            logger.warning("Not counted: %s", fault)
        else:
            grown |= {patch_set.pin.key: patch_set for patch_set in more}
    return list(grown.values())
