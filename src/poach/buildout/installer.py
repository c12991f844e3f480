"""Substitution: answering buildout's requirements with patched eggs."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pkg_resources
import zc.buildout.easy_install as easy_install
from packaging.specifiers import SpecifierSet
from zc.buildout.utils import normalize_name

from poach.adapters.store import PatchedEgg
from poach.buildout.errors import (
    ArbitraryEquality,
    LatePin,
    Unpatched,
    as_user_errors,
)
from poach.buildout.workshop import Workshop
from poach.key import BuildOptions
from poach.naming import NormalizedName, canonicalize_name, same_version
from poach.patchset import PatchSet
from poach.pin import Pin, is_pin

logger = logging.getLogger("zc.buildout.poach")


class Substitution:
    """Gives out the eggs of a workshop in place of whatever else there is."""

    def __init__(self, workshop: Workshop, develop_eggs: Path) -> None:
        self.workshop = workshop
        self.develop_eggs = develop_eggs
        self.environ = dict(os.environ)
        self.told: set[str] = set()
        self.overruled: set[NormalizedName] = set()  # pins that do not count

    # What stands in for the methods of Installer: each gets the installer, the
    # original bound to it, and the arguments.

    def constrain(
        self,
        installer: Any,
        original: Callable[..., Any],
        requirement: Any,
    ) -> Any:
        """Constrain a requirement on a pinned project to its tagged version."""
        patch_set = self._patch_set(installer, requirement.project_name)
        if patch_set is None:
            return original(requirement)
        version = patch_set.version
        if self._developed(installer, patch_set):
            version = patch_set.pin.base
        elif _arbitrary(requirement) and version not in requirement:
            asker = _asker(installer, requirement)
            raise ArbitraryEquality(patch_set, str(requirement), asker)
        try:
            return easy_install._constrained_requirement(version, requirement)
        except easy_install.IncompatibleConstraintError:
            conflict = installer._version_conflict_information(patch_set.pin.project)
            easy_install.logger.info(conflict)
            raise

    def satisfied(
        self,
        installer: Any,
        original: Callable[..., Any],
        requirement: Any,
        source: Any = None,
    ) -> Any:
        """Answer a requirement on a pinned project with its patched egg."""
        patch_set = self._patch_set(installer, requirement.project_name)
        if patch_set is None or self._developed(installer, patch_set):
            return original(requirement, source)
        return self._supply(installer, patch_set), None

    def obtain(
        self,
        installer: Any,
        original: Callable[..., Any],
        requirement: Any,
        source: Any = None,
    ) -> Any:
        """Look for a distribution on offer, and never find one in the store.

        The package index also lists what is on sys.path; an egg of the store that
        some recipe uses would be copied into eggs-directory.
        """
        dists = installer._index._distmap.get(normalize_name(requirement.key), [])
        dists[:] = [dist for dist in dists if not self._is_ours(dist)]
        return original(requirement, source)

    def get_dist(
        self,
        installer: Any,
        original: Callable[..., Any],
        requirement: Any,
        ws: Any,
    ) -> Any:
        """Get a distribution, and see that a patched one replaces any other."""
        dists = original(requirement, ws)
        for dist in filter(self._is_ours, dists):
            there = ws.by_key.get(dist.key)
            if there is None or there.location != dist.location:
                ws.add(dist, replace=True)
        return dists

    def added(self, dist: Any) -> None:
        """See that buildout's own working set, on which recipes run, is patched.

        What is added to it need not come through an installer: a recipe that lies
        beside buildout finds what it requires beside itself.
        """
        key = canonicalize_name(dist.project_name)
        patch_set = self.workshop.patch_sets.get(key)
        if patch_set is None or self._is_developed(dist, patch_set):
            return
        with as_user_errors():
            egg = self.workshop.supply(key)
            self._refuse_imported(patch_set, egg)
            if not self._is_ours(dist):
                patched = distribution(egg.egg, patch_set)
                pkg_resources.working_set.add(patched, replace=True)

    def install(
        self,
        installer: Any,
        original: Callable[..., Any],
        specs: Any,
        working_set: Any = None,
    ) -> Any:
        """Resolve requirements, and see that the result is patched and stays so."""
        ws = original(specs, working_set)
        if working_set is None:
            self.workshop.resolved.update(map(canonicalize_name, ws.by_key))
            self._verify(installer, ws)
            # Buildout sorts working sets into new ones, and the first entry that
            # has a project wins there: site-packages may have an unpatched one.
            ws.entries.sort(key=lambda entry: not self.workshop.kit.store.holds(entry))
        return ws

    def build(
        self,
        installer: Any,
        original: Callable[..., Any],
        spec: str,
        build_ext: dict[str, str],
    ) -> Any:
        """Build from source with options, for zc.recipe.egg:custom and its like.

        A patched egg stays in the store and is given out from there; nothing is
        returned that the part would remove when it is uninstalled.
        """
        requirement = pkg_resources.Requirement.parse(spec)
        patch_set = self._patch_set(installer, requirement.project_name)
        if patch_set is None or self._developed(installer, patch_set):
            return original(spec, build_ext)
        installer._constrain(requirement)
        if patch_set.pin.key not in self.workshop.options:
            options = BuildOptions(dict(build_ext), self._changed_environment())
            self.workshop.declare(f"a part for {spec}", patch_set.pin.key, options)
        self._supply(installer, patch_set)
        return []

    def translated(
        self, original: Callable[..., dict[str, str]], versions: dict[str, str]
    ) -> dict[str, str]:
        """Normalise versions, with tagged versions in the place of pins."""
        return {
            key: self._translated(key, value) if is_pin(value) else value
            for key, value in original(versions).items()
        }

    def _translated(self, key: str, value: str) -> str:
        patch_set = self.workshop.patch_sets.get(canonicalize_name(key))
        pin = Pin.parse(key, value)
        if patch_set is None or str(patch_set.pin) != str(pin):
            raise LatePin(key, value)
        return patch_set.version

    def _patch_set(self, installer: Any, project: str) -> PatchSet | None:
        """Return the patch set for `project` unless this installer pins otherwise."""
        key = canonicalize_name(project)
        patch_set = self.workshop.patch_sets.get(key)
        if patch_set is None:
            return None
        constraint = installer._versions.get(key)
        if constraint is None or _admits(constraint, patch_set):
            return patch_set
        # Emptied by an extension such as mr.developer, or a recipe's own versions.
        self.overruled.add(key)
        self._tell(
            f"The pin '{patch_set.pin.project} = {patch_set.pin}' does not count where "
            f"an extension or recipe has set the version to {constraint!r}."
        )
        return None

    def _supply(self, installer: Any, patch_set: PatchSet) -> Any:
        may_build = installer._dest is not None
        return distribution(
            self.workshop.supply(patch_set.pin.key, may_build).egg, patch_set
        )

    def _developed(self, installer: Any, patch_set: PatchSet) -> bool:
        for dist in installer._env[patch_set.pin.key]:
            if self._is_developed(dist, patch_set):
                self.overruled.add(patch_set.pin.key)
                self._tell(
                    f"The develop egg of {dist.project_name} {dist.version} at "
                    f"{dist.location} wins over the pin {patch_set.pin}."
                )
                return True
        return False

    def _is_developed(self, dist: Any, patch_set: PatchSet) -> bool:
        return (
            dist.precedence == pkg_resources.DEVELOP_DIST
            and dist.location in self._develop_locations()
            and same_version(dist.version, patch_set.pin.base)
        )

    def _develop_locations(self) -> set[str]:
        # Whatever else lies on a path is a develop egg to pkg_resources as well.
        links = self.develop_eggs.glob("*.egg-link")
        lines = (link.read_text().splitlines()[:1] for link in links)
        return {line.strip() for first in lines for line in first} | {
            str(self.develop_eggs)
        }

    def _is_ours(self, dist: Any) -> bool:
        return self.workshop.kit.store.holds(dist.location)

    def _verify(self, installer: Any, ws: Any) -> None:
        for dist in ws:
            patch_set = self._patch_set(installer, dist.project_name)
            if patch_set is None or self._developed(installer, patch_set):
                continue
            if not self._is_ours(dist):
                raise Unpatched(patch_set, dist.version, dist.location)

    def _refuse_imported(self, patch_set: PatchSet, egg: PatchedEgg) -> None:
        """Refuse to swap code that this very process has imported already."""
        declared = _namespaces(egg.egg)
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if file is None or name in declared:
                continue
            stem = name.replace(".", "/")
            ours = {f"{stem}.py", f"{stem}/__init__.py"} & set(egg.entry["files"])
            if ours and not Path(file).is_relative_to(egg.egg):
                raise Unpatched(patch_set, "imported already", file)

    def _changed_environment(self) -> dict[str, str]:
        """Return the variables that a part has set for its build."""
        now = os.environ.items()
        return {name: value for name, value in now if self.environ.get(name) != value}

    def _tell(self, message: str) -> None:
        if message not in self.told:
            self.told.add(message)
            logger.warning(message)


def distribution(egg: Path, patch_set: PatchSet) -> Any:
    """Return the distribution in `egg` as buildout wants it; raise `Unpatched`."""
    (dist,) = pkg_resources.find_distributions(str(egg))
    if not same_version(dist.version, patch_set.version):
        raise Unpatched(patch_set, dist.version, dist.location)
    # An egg with dist-info that is found by path would pass for a develop egg.
    dist.precedence = pkg_resources.EGG_DIST
    return dist


def _namespaces(egg: Path) -> set[str]:
    """Return the old-style namespace packages that `egg` shares with others."""
    lists = egg.glob("*.dist-info/namespace_packages.txt")
    return {name for listed in lists for name in listed.read_text().split()}


def _admits(constraint: str, patch_set: PatchSet) -> bool:
    """Tell whether a constraint, as buildout keeps them, leaves room for the pin."""
    if constraint.startswith(("<", ">")):
        return patch_set.pin.base in SpecifierSet(constraint)
    version = constraint.removeprefix("==")
    return same_version(version, patch_set.version) or same_version(
        version, patch_set.pin.base
    )


def forget_unpatched(ws: Any, projects: Sequence[NormalizedName]) -> None:
    """Take unpatched distributions of `projects` out of the working set `ws`.

    Buildout takes a recipe from its own working set without looking at pins.
    """
    for key in [key for key in ws.by_key if canonicalize_name(key) in projects]:
        del ws.by_key[key]
        for keys in ws.entry_keys.values():
            if key in keys:
                keys.remove(key)


def _arbitrary(requirement: Any) -> bool:
    return any(operator == "===" for operator, _ in requirement.specs)


def _asker(installer: Any, requirement: Any) -> str:
    """Tell who has a requirement, from what the installer logs for conflicts."""
    end = f": {requirement}"
    for line in reversed(installer._requirements_and_constraints):
        if line.startswith("Requirement of ") and line.endswith(end):
            return str(line.removeprefix("Requirement of ").removesuffix(end))
    return "A part or a recipe"
