"""What the extensions of a buildout require: it is loaded before anything is patched.

A buildout stops at a patched pin of that before it loads poach, with an error that does
not say why.  The commands of poach load no extensions, and can say it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pkg_resources

from poach.buildout.settings import OptionError, OwnedPin
from poach.errors import raise_faults
from poach.names import NormalizedName, canonicalize_name


def refuse_required(buildout: Any, pins: Mapping[NormalizedName, OwnedPin]) -> None:
    """Raise `OptionError` for each of `pins` that an extension requires.

    Extensions that are not installed yet are unknown.
    """
    extensions = (buildout["buildout"].get("extensions") or "").split()
    there = _there(buildout) if pins and extensions else {}
    faults = []
    for extension in extensions:
        for project in sorted(_required(canonicalize_name(extension), there)):
            if project in pins:
                pin, owners = pins[project].pin, pins[project].owners
                reason = (
                    f"the extension {extension} requires {pin.project}, and buildout "
                    "loads that before poach, so it cannot be patched"
                )
                faults.append(
                    OptionError(f"Pin '{pin.project} = {pin}'", owners[0], reason)
                )
    raise_faults(faults)


def _required(
    extension: NormalizedName, there: Mapping[NormalizedName, Any]
) -> set[NormalizedName]:
    """Return an extension and all that it requires, directly or not."""
    found: set[NormalizedName] = set()
    open_ = [extension]
    while open_:
        project = open_.pop()
        if project not in found:
            found.add(project)
            open_ += _requirements(there.get(project))
    return found


def _requirements(dist: Any) -> Iterator[NormalizedName]:
    for requirement in dist.requires() if dist is not None else ():
        yield canonicalize_name(requirement.project_name)


def _there(buildout: Any) -> dict[NormalizedName, Any]:
    """Return a distribution of each project that the buildout would find."""
    options = buildout["buildout"]
    eggs = map(str, Path(options["eggs-directory"]).glob("*.egg"))
    path = [options["develop-eggs-directory"], *eggs, *sys.path]
    env = pkg_resources.Environment(path)
    return {canonicalize_name(key): env[key][0] for key in env if env[key]}
