"""Develop eggs: the links of buildout to the folders of their sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pkg_resources

from poach.buildout.patched_pin import PatchedPin
from poach.names import canonicalize_name, same_version


class DevelopEggs:
    """The egg-links of a buildout; `options` are those of ``[buildout]``."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self.folder = options["develop-eggs-directory"]
        self.top = Path(options["directory"])

    def locations(self) -> set[str]:
        """Return where develop eggs are, and no other folders of a path.

        To pkg_resources, that is a develop egg as well.
        """
        return {self.folder, *map(_first_line, self._links())}

    def sources(self, dist: Any) -> list[str]:
        """Return the folders in which the packages of `dist` are.

        zc.buildout 6 finds the metadata of a develop egg where its link is.
        """
        return self._linked(dist) or [dist.location]

    def is_linked(self, dist: Any) -> bool:
        """Return whether `dist` is a develop egg, and has a link that says so."""
        places = self._linked(dist)
        return bool(places) and dist.location in [self.folder, *places]

    def wins(self, dist: Any, pin: PatchedPin) -> bool:
        """Return whether `dist` is a develop egg of the version that a pin patches."""
        return self._is_one(dist) and same_version(dist.version, pin.base)

    def checkout(self, dists: Iterable[Any]) -> str:
        """Return the folder of the first develop egg, empty without one."""
        for dist in filter(self._is_one, dists):
            folder = Path(self.sources(dist)[0])
            is_below = self.top in folder.parents
            return str(folder.relative_to(self.top) if is_below else folder)
        return ""

    def _is_one(self, dist: Any) -> bool:
        develop = dist.precedence == pkg_resources.DEVELOP_DIST
        return develop and dist.location in self.locations()

    def _linked(self, dist: Any) -> list[str]:
        """Return the folders to which the egg-links of `dist` point."""
        project = canonicalize_name(dist.project_name)
        ours = [x for x in self._links() if canonicalize_name(x.stem) == project]
        return list(map(_first_line, ours))

    def _links(self) -> Iterator[Path]:
        return Path(self.folder).glob("*.egg-link")


def _first_line(path: Path) -> str:
    with path.open() as stream:
        return stream.readline().strip()
