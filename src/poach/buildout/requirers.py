"""Who requires what, among the distributions that a resolution has got."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from poach.names import canonicalize_name

#: Who asks where no distribution does.
ANYBODY = "A part or a recipe"


class Requirers:
    """Knows the distributions of a resolution, and which of them has a requirement.

    buildout hands on the very objects that a distribution gives as its requirements.
    So an object belongs to one distribution, even if others have an equal one.
    """

    def __init__(self, is_alias: Callable[[str], bool]) -> None:
        """`is_alias` returns whether the distribution of a project is an alias."""
        self.is_alias = is_alias
        self._got: dict[int, Any] = {}

    @contextlib.contextmanager
    def resolving(self) -> Iterator[None]:
        """Know what comes up in the ``with`` block, and forget it at the end."""
        outer, self._got = self._got, {}
        try:
            yield
        finally:
            self._got = outer

    def got(self, dists: Iterable[Any]) -> None:
        """Add distributions; their requirements are resolved next."""
        self._got.update((id(dist), dist) for dist in dists)

    def project(self, requirement: Any) -> str:
        """Return the project that has this very requirement, for people."""
        return next((str(dist.project_name) for dist in self._of(requirement)), ANYBODY)

    def titles(self, requirement: Any) -> list[str]:
        """Return who has this very requirement, with versions, for people.

        For an alias these are all who require it, with one of the same extras.
        """
        return [str(dist) for dist in self._people(requirement)] or [ANYBODY]

    def _of(self, requirement: Any) -> list[Any]:
        dists = self._got.values()
        return [d for d in dists if any(each is requirement for each in _all(d))]

    def _people(self, requirement: Any) -> Iterator[Any]:
        for dist in self._of(requirement):
            if not self.is_alias(dist.project_name):
                yield dist
                continue
            for each in self._on(dist):
                if {*requirement.extras}.intersection(each.extras):
                    yield from self._people(each)

    def _on(self, alias: Any) -> list[Any]:
        """Return the requirements on an alias."""
        key = canonicalize_name(alias.project_name)
        every = [each for dist in self._got.values() for each in _all(dist)]
        return [each for each in every if canonicalize_name(each.project_name) == key]


def _all(dist: Any) -> Iterator[Any]:
    """Yield all requirements of a distribution, with those of all its extras."""
    for requirements in dist._dep_map.values():
        yield from requirements
