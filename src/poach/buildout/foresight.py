"""Whether a run needs a dry run: not if that would find nothing.

A dry run finds out which patched eggs are to be built, and which patches packages ask
for.  With all eggs in the store, and nobody at hand who might ask for a patch that is
not in a pin, the parts' own resolution gives the same.  Nothing of this is remembered:
each run looks at what is there.

What a run downloads may ask, too.  So a run that will download, as far as pins and
parts say, has a dry run; a request that comes up in the middle of one without is
refused where it comes too late.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import pkg_resources
import zc.buildout.easy_install as easy_install

from poach.buildout import at_hand
from poach.buildout.at_hand import AtHand
from poach.buildout.installers import version_of
from poach.buildout.requests import GROUP
from poach.buildout.session import Session
from poach.names import NormalizedName, canonicalize_name, same_version


def is_needed(
    session: Session, buildout: Any, specs: Iterable[str], idle: bool
) -> bool:
    """Return whether a dry run may find anything out; `specs` are what parts name.

    In an `idle` session only a distribution that ships diffs changes anything.
    """
    if session.settings.unused == "error" or session.missing(session.patch_sets):
        return True
    try:
        eggs = [*at_hand.eggs(buildout), *_patched(session)]
        others = list(at_hand.beside_buildout())
    except (OSError, ValueError):  # buildout is to say what it makes of that
        return True
    if any(GROUP.encode() in dist.entry_points for dist in (*eggs, *others)):
        return True
    if idle:
        return False
    substitutes = (other for _, other in session.settings.substitutes.values())
    requirements = list(map(pkg_resources.Requirement.parse, (*specs, *substitutes)))
    return _downloads(session, eggs, others, requirements) or _may_ask(
        session, [*eggs, *others], requirements
    )


def _patched(session: Session) -> Iterator[AtHand]:
    """Yield the patched eggs, which lie in the store."""
    for egg in map(session.find, session.patch_sets):
        yield from at_hand.at(str(egg.egg)) if egg is not None else ()


def _may_ask(
    session: Session, dists: Iterable[AtHand], requirements: Iterable[Any]
) -> bool:
    """Return whether somebody may want an extra that no egg has.

    It may be a patch; if nothing has that name, it is refused.
    """
    wanted = {one for dist in dists for one in dist.wanted_extras()}
    for requirement in requirements:
        project = canonicalize_name(requirement.project_name)
        wanted.update((project, canonicalize_name(x)) for x in requirement.extras)
    wanted = {(_used_for(session, project), extra) for project, extra in wanted}
    there = _extras(dists, {project for project, _ in wanted})
    return any(
        extra not in there[project]
        if project in there
        else session.granting.may_grant(project, extra)
        for project, extra in wanted
    )


def _used_for(session: Session, project: NormalizedName) -> NormalizedName:
    """Return the project that a requirement on `project` gets in the end."""
    other = session.settings.substitute(project)
    return project if other is None else _used_for(session, other)


def _extras(
    dists: Iterable[AtHand], wanted: Collection[NormalizedName]
) -> dict[NormalizedName, set[NormalizedName]]:
    """Return the extras of those projects that are there in the version that counts."""
    found: dict[NormalizedName, set[NormalizedName]] = {}
    for dist in dists:
        if dist.project in wanted and _is_pinned(dist.project, [dist.version]):
            found.setdefault(dist.project, set()).update(dist.extras())
    return found


def _downloads(
    session: Session,
    eggs: Iterable[AtHand],
    others: Iterable[AtHand],
    requirements: Iterable[Any],
) -> bool:
    """Return whether a part names what is not there, or a pin another version."""
    names = (canonicalize_name(one.project_name) for one in requirements)
    there: dict[NormalizedName, set[str]] = {}
    for dist in eggs:
        there.setdefault(dist.project, set()).add(dist.version)
    if not {_used_for(session, name) for name in names} <= {
        *there,
        *(dist.project for dist in others),
    }:
        return True
    return not all(_is_pinned(project, found) for project, found in there.items())


def _is_pinned(project: NormalizedName, found: Collection[str]) -> bool:
    """Return whether one of the versions that were found is as buildout has pinned it.

    Of a version that no file name says, or of a range, buildout is to find out.
    """
    constraint = version_of(easy_install.Installer, project)
    if not constraint or constraint.startswith(("<", ">")):
        return True
    version = constraint.removeprefix("==")
    known = version in found or "" in found
    return known or any(same_version(version, one) for one in found)
