"""Parts that still use an old egg because their recipe's update does nothing.

Buildout updates a part if its options are as before, also where a version is another
one.  What the recipe then leaves alone runs the code that it ran before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from poach.names import NormalizedName, canonicalize_name, same_version
from poach.pins.patchset import PatchSet

#: The file name of an egg in a path; neither project nor version has a dash there.
_EGG = re.compile(
    r"[/\\](?P<egg>(?P<project>[^-/\\\s'\"]+)-(?P<version>[^-/\\\s'\"]+)"
    r"(-[^/\\\s'\"]+)?\.egg)\b"
)
#: Scripts are smaller, and a part has fewer of them.
_LARGEST, _MOST = 1 << 18, 100
#: Other files in the folder of a part may be logs, which names eggs of the past.
_SCRIPTS = frozenset(("", ".py", ".pth", ".wsgi", ".sh", ".bat"))


class Stale(NamedTuple):
    """A `part` with an installed `file` that names another `egg` than the pin's."""

    part: str
    file: str
    egg: str
    patch_set: PatchSet

    def __str__(self) -> str:
        return (
            f"[{self.part}] still uses {self.egg} (in {self.file}) and not "
            f"'{self.patch_set.pin.project} = {self.patch_set.pin}': its recipe did "
            f"nothing when buildout updated the part; remove {self.file} and run "
            "buildout again, which then installs the part again"
        )


def find(
    buildout: Any,
    names: Collection[str],
    patch_sets: Mapping[NormalizedName, PatchSet],
) -> Iterator[Stale]:
    """Yield what the parts `names` have that is not of `patch_sets`, one for each.

    `buildout` has run them, and noted what they installed.
    """
    installed, _ = buildout._read_installed_part_options()
    for name in names:
        options = installed.get(name) or {}
        files = (options.get("__buildout_installed__") or "").split("\n")
        paths = {file: Path(buildout._buildout_path(file)) for file in files if file}
        yield from _of_part(name, paths, patch_sets).values()


def _of_part(
    name: str,
    paths: Mapping[str, Path],
    patch_sets: Mapping[NormalizedName, PatchSet],
) -> dict[NormalizedName, Stale]:
    """Return the first old egg of each project in the files of a part."""
    stale: dict[NormalizedName, Stale] = {}
    for file, path in paths.items():
        for found in _EGG.finditer(_text(path)):
            project = canonicalize_name(found["project"])
            patch_set = patch_sets.get(project)
            if patch_set and not same_version(found["version"], patch_set.version):
                stale.setdefault(project, Stale(name, file, found["egg"], patch_set))
    return stale


def _text(path: Path) -> str:
    """Return what an installed file, or the scripts in an installed folder, say."""
    if not path.is_dir():
        return _read(path)
    scripts = (each for each in path.rglob("*") if each.suffix in _SCRIPTS)
    return "\n".join(map(_read, islice(scripts, _MOST)))


def _read(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return ""
        return path.read_text(encoding="latin-1")
    except OSError:
        return ""
