"""Where the store of a buildout is: patched-eggs-directory, never in eggs-directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from zc.buildout.pep425tags import get_abi_tag

from poach.buildout import origins
from poach.buildout.origins import OptionError
from poach.pins.location import is_url


def store_folder(buildout: Any) -> Path:
    """Return the folder of the patched-egg store; raise `OptionError`."""
    lines = origins.lines(buildout, "buildout", "patched-eggs-directory")
    if lines:
        owner = origins.owner(buildout, lines[0], "buildout", "patched-eggs-directory")
        place = origins.joined(origins.base(buildout, lines[0].source), lines[0].text)
        reason = "it is one folder" if lines[1:] else _not_a_store(buildout, place)
    else:
        owner, reason = "", ""
        place = str(_eggs(buildout["buildout"]).parent / "patched-eggs")
    reason = reason or _no_folder(Path(place))
    if reason:
        raise OptionError("[buildout] patched-eggs-directory", owner, reason)
    return Path(place)


def _not_a_store(buildout: Any, place: str) -> str:
    """Return why the store cannot be at `place`, empty where it can."""
    if is_url(place):
        return "a URL extends this file: write an absolute path"
    options = buildout["buildout"]
    theirs = {
        f"{name}-directory": options[f"{name}-directory"]
        for name in ("eggs", "develop-eggs", "parts", "bin")
    }
    for name, folder in {**theirs, "eggs-directory": str(_eggs(options))}.items():
        if Path(place).is_relative_to(Path(folder).absolute()):
            return f"{place} is buildout's own {name}, where patched eggs do not belong"
    return ""


def _no_folder(place: Path) -> str:
    """Return why there can be no folder at `place`, empty if there can."""
    for path in (place, *place.parents):
        if os.path.isdir(path):  # noqa: PTH112 - we may not be allowed to read it
            return ""
        if os.path.lexists(path):
            return f"{path} is no folder"
    return ""


def _eggs(options: Any) -> Path:
    """Return eggs-directory as the user set it, without what buildout appended."""
    eggs = Path(options["eggs-directory"])
    appended = [options.get("eggs-directory-version") or ""]
    if options.get("abi-tag-eggs") == "true":
        appended.append(get_abi_tag())
    for name in reversed(appended):
        if name and eggs.name == name:
            eggs = eggs.parent
    return eggs.absolute()
