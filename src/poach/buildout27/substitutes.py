"""Substitutes: one project in the place of another, everywhere.

A requirement on X is answered with an *alias*: a distribution with X's name, with
version and entry points of its substitute Y, that requires that very Y and has no code.
"""

import pkg_resources

from poach.buildout27.errors import SubstituteBuilt, SubstituteClash, SubstituteTwice
from poach.buildout27.spelling import canonical

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, Optional, Set

    from poach.buildout27.pins import Supplier


class Substitutes(object):
    """Gives out aliases.

    `versions` are those of the aliases so far, by project; `extras` what was required
    of them: the substitute has such an extra, or a patch that is asked for, or neither,
    which is told of that.
    """

    def __init__(self, supplier):  # type: (Supplier) -> None
        self.supplier = supplier
        self.versions = {}  # type: Dict[str, str]
        self.extras = {}  # type: Dict[str, Set[str]]

    def of(self, project):  # type: (str) -> Optional[str]
        """Return what is required in the place of `project`, None for itself."""
        return self.supplier.substitute(canonical(project))

    def check(self, requirement, asker):  # type: (Any, str) -> None
        """Refuse a requirement that the alias, where it is known, does not meet."""
        version = self.versions.get(canonical(requirement.project_name))
        if version is not None and version not in requirement:
            other = self.of(requirement.project_name) or ""
            raise SubstituteClash(asker, str(requirement), other, version)

    def refuse_both(self, specs):  # type: (Iterable[str]) -> None
        """Refuse requirements of one part on a project and on its substitute."""
        asked = [spec for spec in specs if _applies(spec)]
        keys = {canonical(_project(spec)): spec for spec in asked}
        for key, spec in keys.items():
            other = self.of(key)
            if other is not None and canonical(_project(other)) in keys:
                raise SubstituteTwice(spec, keys[canonical(_project(other))])

    def refuse_build(self, project):  # type: (str) -> None
        """Refuse to build from source what nobody would get."""
        other = self.of(project)
        if other is not None:
            raise SubstituteBuilt(project, other)

    def alias(self, requirement, resolve, asker):
        # type: (Any, Callable[[str], Any], str) -> Any
        """Return the alias that answers `requirement`.

        `resolve` gives the distributions for a requirement, the substitute's, and not
        what they require: that may be what they stand in for.
        """
        other = self.of(requirement.project_name)
        assert other is not None
        wanted = canonical(_project(other))
        key = canonical(requirement.project_name)
        (dist,) = [d for d in resolve(other) if canonical(d.project_name) == wanted]
        self.versions[key] = dist.version
        self.check(requirement, asker)
        extras = self.extras.setdefault(key, set())
        extras.update(requirement.extras)
        there = sorted(extras.union(dist.extras))
        points = (
            dist.get_metadata("entry_points.txt")
            if dist.has_metadata("entry_points.txt")
            else ""
        )
        path = self.supplier.alias(key, dist.project_name, dist.version, there, points)
        (alias,) = pkg_resources.find_distributions(path)
        alias.precedence = pkg_resources.EGG_DIST
        return alias


def _applies(spec):  # type: (str) -> bool
    """Tell whether a requirement is for this environment."""
    marker = getattr(pkg_resources.Requirement.parse(spec), "marker", None)
    return marker is None or bool(marker.evaluate())


def _project(spec):  # type: (str) -> str
    return str(pkg_resources.Requirement.parse(spec).project_name)
