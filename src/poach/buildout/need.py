"""What a run will ask for, as far as that can be told before anything is resolved."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from poach.buildout import parts
from poach.buildout.workshop import Workshop
from poach.naming import NormalizedName, canonicalize_name


def needed(
    buildout: Any, workshop: Workshop, emptied: Collection[str]
) -> set[NormalizedName]:
    """Return the projects that this run will ask for and whose pins count.

    That is what parts name and what the last run resolved or, where parts were
    installed without poach, may have.  Develop eggs win over pins, so there are none
    before buildout has made the first; `emptied` are pins that do not count either.
    """
    options = buildout["buildout"]
    installed = Path(options["installed"]).exists()
    if options.get("develop") and not installed:
        return set()
    before = workshop.resolved_before()
    if before is None:
        before = _projects_in(Path(options["eggs-directory"])) if installed else set()
    if workshop.settings.offline or not parts.all_names(buildout):
        before = set()  # nothing can be built, or nothing will ask
    links = Path(options["develop-eggs-directory"]).glob("*.egg-link")
    developed = {canonicalize_name(link.stem) for link in links}
    ignored = set(map(canonicalize_name, emptied))
    return (parts.named(buildout) | before) - developed - ignored


def _projects_in(eggs_directory: Path) -> set[NormalizedName]:
    eggs = eggs_directory.glob("*.egg")
    return {canonicalize_name(egg.name.partition("-")[0]) for egg in eggs}
