"""Eggs in this very process: as distributions, and what is imported already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pkg_resources

from poach import runtime
from poach.buildout.errors import Unpatched
from poach.buildout.patched_pin import PatchedPin
from poach.names import same_version


def distribution(egg: str, pin: PatchedPin) -> Any:
    """Return the distribution in `egg` as buildout wants it; raise `Unpatched`."""
    (dist,) = pkg_resources.find_distributions(egg)
    if not same_version(dist.version, pin.version):
        raise Unpatched(pin, dist.version, dist.location)
    # An egg with dist-info that is found by path would pass for a develop egg.
    dist.precedence = pkg_resources.EGG_DIST
    return dist


def imported_from_elsewhere(egg: str) -> Iterator[str]:
    """Yield files from which this very process has imported what is in `egg`."""
    folder = Path(egg)
    tops = _top_names(folder)

    def has(name: str) -> bool:
        return name.partition(".")[0] in tops and _has_module(folder, name)

    shared = _namespaces(folder)
    yield from (f for _, f in runtime.imported_from_elsewhere(egg, has, shared))


def _top_names(egg: Path) -> set[str]:
    """Return the names of the modules and folders in `egg`, without suffixes."""
    if not egg.is_dir():
        return set()
    return {path.name.partition(".")[0] for path in egg.iterdir()}


def _has_module(egg: Path, name: str) -> bool:
    path = name.replace(".", "/")
    return (egg / f"{path}.py").is_file() or (egg / path / "__init__.py").is_file()


def _namespaces(egg: Path) -> set[str]:
    """Return the old-style namespace packages that `egg` shares with others."""
    found: set[str] = set()
    for metadata in ("EGG-INFO", "*.dist-info"):
        for listed in egg.glob(f"{metadata}/namespace_packages.txt"):
            found.update(listed.read_text().split())
    return found
