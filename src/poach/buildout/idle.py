"""Idleness: where there is nothing to patch, poach does nothing.

No dry run, no download ahead of the parts, no message.  What says that there may be
something to patch: pins, sections and folders of the configuration, what packages
asked for in the last run, and distributions at hand that ship diffs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pkg_resources

from poach.buildout import noted_requests
from poach.buildout.requests import GROUP
from poach.buildout.session import Session
from poach.catalog.definitions import SUFFIXES
from poach.pins.location import is_url

#: Where a folder of patch-path has diffs, below PROJECT or PROJECT/VERSION.
DIFFS = [
    f"{at}/{name}"
    for at in ("*", "*/*")
    for name in (*(f"*{suffix}" for suffix in SUFFIXES), "*/series")
]
#: Where the eggs in a folder have their entry points.
POINTS = ("*.egg/EGG-INFO/entry_points.txt", "*.egg/*.dist-info/entry_points.txt")


def is_unconcerned(session: Session) -> bool:
    """Tell whether a configuration says nothing of patches and substitutes."""
    settings = session.settings
    said = (
        session.patch_sets
        or settings.diffs
        or settings.substitutes
        or any(pin.refused for pin in settings.plain.values())
        or noted_requests.recall(session)
    )
    return not said and not any(map(_has_diffs, settings.folders))


def ships_diffs(buildout: Any) -> bool:
    """Tell whether a distribution that is there already ships diffs for any project.

    That is an egg, a develop egg, or what buildout itself runs on.
    """
    options = buildout["buildout"]
    develop = pkg_resources.Environment([options["develop-eggs-directory"]])
    dists = [*pkg_resources.working_set, *_dists(develop)]
    return any(map(_ships, dists)) or any(_eggs_that_ship(options["eggs-directory"]))


def _has_diffs(folder: str) -> bool:
    """Tell whether a folder of patch-path has a diff; of a URL nobody knows."""
    return is_url(folder) or any(any(Path(folder).glob(each)) for each in DIFFS)


def _dists(environment: Any) -> Iterator[Any]:
    for key in environment:
        yield from environment[key]


def _ships(dist: Any) -> bool:
    points = "entry_points.txt"
    return dist.has_metadata(points) and GROUP in dist.get_metadata(points)


def _eggs_that_ship(folder: str) -> Iterator[bool]:
    """Yield whether the eggs in `folder` ship diffs; there may be thousands."""
    for pattern in POINTS:
        for file in Path(folder).glob(pattern):
            yield GROUP.encode() in file.read_bytes()
    for egg in Path(folder).glob("*.egg"):
        if egg.is_file():  # zipped
            yield any(map(_ships, pkg_resources.find_distributions(str(egg))))
