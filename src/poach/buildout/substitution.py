"""Substitution: answering buildout's requirements with patched eggs."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import pkg_resources
import zc.buildout.easy_install as easy_install

from poach.buildout.develop_eggs import DevelopEggs
from poach.buildout.dry_run import Builder, DryRun, Forecast
from poach.buildout.eggs_in_use import distribution, imported_from_elsewhere
from poach.buildout.errors import (
    ArbitraryEquality,
    LatePin,
    SubstituteMissing,
    Unpatched,
    UnreadableVersion,
)
from poach.buildout.installers import (
    admits,
    distributions,
    is_arbitrary,
    is_spelling,
    normalize_name,
    version_of,
)
from poach.buildout.isolation import Isolation
from poach.buildout.patched_pin import PatchedPin
from poach.buildout.requests import Granter, Requests
from poach.buildout.requirers import Requirers
from poach.buildout.substitutes import Aliases, Substitutes
from poach.names import canonicalize_name
from poach.pins.pin import is_pin

logger = logging.getLogger("zc.buildout.poach")


class Eggs(Protocol):
    """Knows the patched eggs of a run; its errors are UserErrors."""

    def pinned(self, key: str) -> PatchedPin | None:
        """Return the pin of the project with the canonical name `key`."""

    def egg(self, key: str, may_build: bool) -> str:
        """Return the path of the egg of a pinned project, built if need be."""

    def holds(self, location: str) -> bool:
        """Return whether `location` lies in the patched-egg store."""

    def declare(
        self,
        spec: str,
        key: str,
        build_ext: dict[str, str],
        environment: dict[str, str],
    ) -> None:
        """Note the build options of a part for `spec`, if none were read before."""

    def given(self, keys: Iterable[str]) -> None:
        """Note that these projects are in use as they are now, patched or not."""

    def resolved(self, keys: Iterable[str]) -> None:
        """Note that parts got distributions of these projects."""

    def owner(self, buildout: Any, section: str, option: str) -> str:
        """Return who set an option, for people: a file and perhaps a line."""


class Run(Protocol):
    """Decides what is done before the parts of a run."""

    def rests(self, buildout: Any, specs: Iterable[str]) -> bool:
        """Return whether no dry run is needed; `specs` are what parts name."""

    def recall(self) -> None:
        """Grant what was asked for in the last run, of which this is a part."""

    def dry_run_ended(self) -> None:
        """Hear that it is known, as far as may be, what packages ask for."""


class Supplier(Eggs, Run, Granter, Builder, Forecast, Aliases, Protocol):
    """All that a session does for substitution and for what works beside it."""


class Substitution:
    """Answers requirements with the eggs of a supplier."""

    def __init__(self, supplier: Supplier, buildout: Any) -> None:
        self.supplier = supplier
        self.develop_eggs = DevelopEggs(buildout["buildout"])
        self.substitutes = Substitutes(supplier)
        self.requirers = Requirers(lambda name: self.substitutes.of(name) is not None)
        sources = self.develop_eggs.sources
        self.requests = Requests(supplier, sources, self.requirers)
        self.original_install = vars(easy_install.Installer)["install"]
        self.dry_run = DryRun(supplier, supplier, self.requests)
        self.isolation = Isolation(self._is_free)
        self.had: dict[str, set[str]] = {}  # what pins were in this run
        self.buildout = buildout
        self.environ = dict(os.environ)
        self.reported: set[str] = set()
        self.overruled: set[str] = set()  # pins that do not count
        self.running: list[str] = []  # the parts of this run

    # What stands in for the methods of Installer: each gets the installer, the
    # original bound to it, and the arguments.

    def constrain(
        self, installer: Any, original: Callable[..., Any], requirement: Any
    ) -> Any:
        """Constrain a requirement on a pinned project to its tagged version."""
        if self.substitutes.of(requirement.project_name) is not None:
            version = self._alias(installer, requirement).version
            return easy_install._constrained_requirement(version, requirement)
        written = requirement
        if requirement.extras:
            pin = self.supplier.pinned(canonicalize_name(requirement.project_name))
            requirement = self.requests.stripped(requirement, pin)
        pin = self._pinned(installer, requirement.project_name)
        if pin is None:
            return self._plainly(installer, original, requirement)
        version = pin.version
        if self._developed(installer, pin):
            version = pin.base
        elif is_arbitrary(requirement) and version not in requirement:
            requester = self.requirers.project(written)
            raise ArbitraryEquality(pin, str(requirement), requester)
        try:
            return easy_install._constrained_requirement(version, requirement)
        except easy_install.IncompatibleConstraintError:
            conflict = installer._version_conflict_information(pin.project)
            easy_install.logger.info(conflict)
            raise

    def _plainly(
        self, installer: Any, original: Callable[..., Any], requirement: Any
    ) -> Any:
        """Constrain as buildout does; raise `UnreadableVersion` where it breaks."""
        try:
            return original(requirement)
        except ValueError as error:  # InvalidSpecifier or InvalidVersion
            project = requirement.project_name
            value = version_of(installer, canonicalize_name(project))
            if value is None:
                raise
            where = self._owner("versions", canonicalize_name(project))
            requester = self.requirers.project(requirement)
            raise UnreadableVersion(
                project, value, where, str(requirement), requester
            ) from error

    def satisfied(
        self,
        installer: Any,
        original: Callable[..., Any],
        requirement: Any,
        source: Any = None,
    ) -> Any:
        """Answer a requirement on a pinned project with its patched egg."""
        if self.substitutes.of(requirement.project_name) is not None:
            return self._alias(installer, requirement), None
        pin = self._pinned(installer, requirement.project_name)
        if pin is None or self._developed(installer, pin):
            found = distributions(
                installer, canonicalize_name(requirement.project_name)
            )
            there = (d for d in found if not self.isolation.hides(d, requirement))
            stand_in = self.dry_run.stand_in_plain(requirement, there)
            if stand_in:
                return stand_in, None
            return self.isolation.satisfied(installer, original, requirement, source)
        return self.dry_run.stand_in(pin) or self._supply(installer, pin), None

    def obtain(
        self,
        installer: Any,
        original: Callable[..., Any],
        requirement: Any,
        source: Any = None,
    ) -> Any:
        """Look for a distribution on offer, and never find one in the store.

        The package index also lists what is on sys.path; an egg of the store that
        some recipe uses would be copied into eggs-directory.  The dry run asks no index
        where it may download nothing.
        """
        if installer._dest is None and self.dry_run.missing is not None:
            return None
        dists = installer._index._distmap.get(normalize_name(requirement.key), [])
        dists[:] = [dist for dist in dists if not self._is_ours(dist)]
        return self.isolation.obtain(installer, original, requirement, source)

    def get_dist(
        self, installer: Any, original: Callable[..., Any], requirement: Any, ws: Any
    ) -> Any:
        """Get a distribution, and see that a patched one replaces any other."""
        self.requests.ws = ws
        with self.isolation.explaining(requirement):
            dists = original(requirement, ws)
        self.requirers.got(dists)
        for dist in filter(self._is_ours, dists):
            there = ws.by_key.get(dist.key)
            if there is None or there.location != dist.location:
                ws.add(dist, replace=True)
        for dist in self.isolation.covered(dists, ws):
            self.isolation.refuse_imported(dist, imported_from_elsewhere(dist.location))
            ws.add(dist, replace=True)
        return dists

    def best_match(
        self,
        env: Any,
        original: Callable[..., Any],
        requirement: Any,
        ws: Any,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Return the best match, as an environment does, except for `isolation`."""
        dist = self.isolation.best_match(
            env, original, requirement, ws, *args, **kwargs
        )
        if dist is not None:
            self.requirers.got([dist])
        return dist

    def added(self, dist: Any) -> None:
        """See that buildout's own working set, on which recipes run, is patched.

        What is added to it need not come through an installer: a recipe that lies
        beside buildout finds what it requires beside itself.
        """
        pin = self.supplier.pinned(canonicalize_name(dist.project_name))
        if pin is None:
            self.isolation.added(dist)
            return
        if self.develop_eggs.wins(dist, pin):
            return
        egg = self.supplier.egg(pin.key, True)
        if self.requests.ws is None:  # else all that is added is given in the end
            self.supplier.given([pin.key])
        for file in imported_from_elsewhere(egg):
            raise Unpatched(pin, "imported already", file)
        if not self._is_ours(dist):
            pkg_resources.working_set.add(distribution(egg, pin), replace=True)

    def install(
        self,
        installer: Any,
        original: Callable[..., Any],
        specs: Any,
        working_set: Any = None,
    ) -> Any:
        """Resolve requirements, and see that the result is patched and stays so."""
        specs = list(specs)
        self.substitutes.refuse_both(specs)
        ws = self.dry_run.known(installer, specs) if working_set is None else None
        if ws is None:
            ws = self._resolved(installer, original, specs, working_set)
        if working_set is None:
            self.supplier.resolved(map(canonicalize_name, ws.by_key))
            self._verify(installer, ws)
            # Buildout sorts working sets into new ones, and the first entry that
            # has a project wins there: site-packages may have an unpatched one.
            ws.entries.sort(key=lambda entry: not self.supplier.holds(entry))
        self.supplier.given(map(canonicalize_name, ws.by_key))
        return ws

    def foresee(self, buildout: Any, original: Callable[..., Any], parts: Any) -> Any:
        """Do the dry run of `parts` once the recipes of `buildout` are loaded.

        Stands in for the method of Buildout that comes between that and the time when
        parts are uninstalled.
        """
        result = original(parts)
        if buildout is not self.buildout:
            return result
        self.running = list(parts)
        if set(parts) < set(buildout["buildout"]["parts"].split()):
            self.supplier.recall()
        read = (self.dry_run.part(buildout, name) for name in parts)
        if not self.supplier.rests(buildout, (s for part in read for s in part.specs)):
            self.dry_run.take(buildout, parts, self.original_install, self._counts)
            if self.dry_run.whole:
                self.supplier.dry_run_ended()
        return result

    def _counts(self, installer: Any, key: str) -> bool:
        pin = self._pinned(installer, key)
        return pin is not None and not self._developed(installer, pin)

    def _alias(self, installer: Any, requirement: Any) -> Any:
        requester = self.requirers.project(requirement)
        resolve = functools.partial(self._substitute, installer)
        try:
            return self.substitutes.alias(requirement, resolve, requester)
        except easy_install.MissingDistribution as fault:
            project = requirement.project_name
            owner = self._owner("substitutes", canonicalize_name(project))
            other = self.substitutes.of(project) or ""
            raise SubstituteMissing(other, project, owner, requester) from fault

    def _owner(self, name: str, project: str) -> str:
        """Return who wrote the entry of a project (canonical), '' for nobody.

        `name` is the option of ``[buildout]`` that names the section.
        """
        section = self.buildout["buildout"].get(name, name)
        for option in self.buildout.get(section) or ():
            if canonicalize_name(option) == project:
                return self.supplier.owner(self.buildout, section, option)
        return ""

    def _substitute(self, installer: Any, spec: str) -> Any:
        """Get what stands in for another project, without what it requires.

        That comes up by itself, for the alias requires its substitute.
        """
        requirement = installer._constrain(pkg_resources.Requirement.parse(spec))
        before = self.requests.ws
        try:
            return installer._get_dist(requirement, pkg_resources.WorkingSet([]))
        finally:
            self.requests.ws = before

    def _resolved(
        self, installer: Any, original: Callable[..., Any], specs: Any, working_set: Any
    ) -> Any:
        with self.isolation.installing():
            return self.requests.resolved(
                lambda: original(specs, working_set),
                working_set,
                getattr(installer, "_allow_unknown_extras", False),
            )

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
        self.substitutes.refuse_build(requirement.project_name)
        pin = self._pinned(installer, requirement.project_name)
        if pin is None or self._developed(installer, pin):
            with self.isolation.explaining(requirement):
                return original(spec, build_ext)
        installer._constrain(requirement)
        environment = self._changed_environment()
        self.supplier.declare(spec, pin.key, dict(build_ext), environment)
        self.dry_run.found.clear()  # where the egg is another one, perhaps
        self._supply(installer, pin)
        self.supplier.given([pin.key])
        return []

    def translated(
        self, original: Callable[..., dict[str, str]], versions: dict[str, str]
    ) -> dict[str, str]:
        """Normalise versions, with tagged versions instead of pins."""
        return {
            key: self._translated(key, value) if is_pin(value) else value
            for key, value in original(versions).items()
        }

    def _translated(self, key: str, value: str) -> str:
        pin = self.supplier.pinned(canonicalize_name(key))
        # Packages may have asked for more since it was written.
        if pin is None or not any(is_spelling(value, t) for t in self._had(pin)):
            raise LatePin(key, value)
        return str(pin.version)

    def _had(self, pin: PatchedPin) -> set[str]:
        """Return the texts and versions that a pin has had in this run."""
        had = self.had.setdefault(pin.key, set())
        had.update((pin.text, pin.version))
        return had

    def _pinned(self, installer: Any, project: str) -> PatchedPin | None:
        """Return the pin of `project` unless this installer pins otherwise."""
        pin = self.supplier.pinned(canonicalize_name(project))
        if pin is None:
            return None
        had, constraint = self._had(pin), version_of(installer, pin.key)
        if constraint is None or constraint in had or admits(constraint, pin):
            return pin
        # Emptied by an extension such as mr.developer, or a recipe's own versions.
        self.overruled.add(pin.key)
        found = [] if constraint else distributions(installer, pin.key)
        place = self.develop_eggs.checkout(found)
        if place:
            self._tell(
                f"{pin.project} is a develop egg ({place}), which wins over the pin "
                f"'{pin.asked}'."
            )
        else:
            self._tell(
                f"The pin '{pin.asked}' does not count where an extension or recipe "
                f"has set the version to {constraint!r}."
            )
        return None

    def _supply(self, installer: Any, pin: PatchedPin) -> Any:
        may_build = installer._dest is not None
        return distribution(self.supplier.egg(pin.key, may_build), pin)

    def _developed(self, installer: Any, pin: PatchedPin) -> bool:
        for dist in distributions(installer, pin.key):
            if self.develop_eggs.wins(dist, pin):
                self.overruled.add(pin.key)
                self._tell(
                    f"The develop egg of {dist.project_name} {dist.version} at "
                    f"{dist.location} wins over the pin {pin.text}."
                )
                return True
        return False

    def _is_ours(self, dist: Any) -> bool:
        return self.supplier.holds(dist.location)

    def _is_free(self, dist: Any) -> bool:
        """Return whether `dist` may be patched where no pin says so; say that it is."""
        if self._is_ours(dist):
            return True
        if not self.develop_eggs.is_linked(dist):
            return False
        self._tell(
            f"The develop egg of {dist.project_name} {dist.version} at {dist.location} "
            "counts where no pin says this version."
        )
        return True

    def _verify(self, installer: Any, ws: Any) -> None:
        for dist in ws:
            pin = self._pinned(installer, dist.project_name)
            if pin is None or self._developed(installer, pin):
                continue
            if not self._is_ours(dist):
                raise Unpatched(pin, dist.version, dist.location)
            self.supplier.egg(pin.key, False)  # which counts as used now

    def _changed_environment(self) -> dict[str, str]:
        """Return the variables that a part has set for its build."""
        now = os.environ.items()
        return {name: value for name, value in now if self.environ.get(name) != value}

    def _tell(self, message: str) -> None:
        if message not in self.reported:
            self.reported.add(message)
            logger.warning(message)
