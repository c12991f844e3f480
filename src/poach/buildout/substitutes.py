"""Substitutes: one project instead of another, everywhere.

A requirement on X is answered with an *alias*: a distribution with X's name, with
version and entry points of its substitute Y, that requires that very Y and has no code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import pkg_resources

from poach.buildout.errors import SubstituteBuilt, SubstituteClash, SubstituteTwice
from poach.names import canonicalize_name


class Aliases(Protocol):
    """Knows what stands in for what, and makes aliases."""

    def substitute(self, key: str) -> str | None:
        """Return the requirement that stands in for a project, None for itself."""

    def alias(
        self, key: str, other: str, version: str, extras: Sequence[str], points: str
    ) -> str:
        """Return the path of an egg in the name of `key` that requires `other`.

        `points` are the entry points of that, as in its entry_points.txt.
        """


class Substitutes:
    """Gives out aliases."""

    def __init__(self, aliases: Aliases) -> None:
        self.aliases = aliases
        #: The versions of the aliases so far, by project.
        self.versions: dict[str, str] = {}
        #: The extras that are required of them.  Each is an extra of the substitute, or
        #: a patch that is asked for, or neither, which is an error.
        self.extras: dict[str, set[str]] = {}

    def of(self, project: str) -> str | None:
        """Return what is required instead of `project`, None for itself."""
        return self.aliases.substitute(canonicalize_name(project))

    def check(self, requirement: Any, requester: str) -> None:
        """Refuse a requirement that the alias, where it is known, does not meet."""
        version = self.versions.get(canonicalize_name(requirement.project_name))
        if version is not None and version not in requirement:
            other = self.of(requirement.project_name) or ""
            raise SubstituteClash(requester, str(requirement), other, version)

    def refuse_both(self, specs: Iterable[str]) -> None:
        """Refuse requirements of one part on a project and on its substitute."""
        asked = [spec for spec in specs if _applies(spec)]
        keys = {canonicalize_name(_project(spec)): spec for spec in asked}
        for key, spec in keys.items():
            other = self.of(key)
            if other is not None and canonicalize_name(_project(other)) in keys:
                raise SubstituteTwice(spec, keys[canonicalize_name(_project(other))])

    def refuse_build(self, project: str) -> None:
        """Refuse to build from source what nobody would get."""
        other = self.of(project)
        if other is not None:
            raise SubstituteBuilt(project, other)

    def alias(
        self, requirement: Any, resolve: Callable[[str], Any], requester: str
    ) -> Any:
        """Return the alias that answers `requirement`.

        `resolve` gives the distributions for a requirement, the substitute's, and not
        what they require: that may be what they stand in for.
        """
        other = self.of(requirement.project_name)
        assert other is not None
        wanted = canonicalize_name(_project(other))
        key = canonicalize_name(requirement.project_name)
        (dist,) = [
            d for d in resolve(other) if canonicalize_name(d.project_name) == wanted
        ]
        self.versions[key] = dist.version
        self.check(requirement, requester)
        extras = self.extras.setdefault(key, set())
        extras.update(requirement.extras)
        there = sorted(extras.union(dist.extras))
        points = (
            dist.get_metadata("entry_points.txt")
            if dist.has_metadata("entry_points.txt")
            else ""
        )
        path = self.aliases.alias(key, dist.project_name, dist.version, there, points)
        (alias,) = pkg_resources.find_distributions(path)
        alias.precedence = pkg_resources.EGG_DIST
        return alias


def _applies(spec: str) -> bool:
    """Return whether a requirement is for this environment."""
    marker = getattr(pkg_resources.Requirement.parse(spec), "marker", None)
    return marker is None or bool(marker.evaluate())


def _project(spec: str) -> str:
    return str(pkg_resources.Requirement.parse(spec).project_name)
