"""The dry run: what the parts of a run will get, found out before any of them works.

It comes when recipes and develop eggs are there, and buildout has uninstalled no part
yet.  Requirements are resolved as the parts will resolve them; patched eggs that are
not in the store are stood in for, until it is known what packages ask for.  Then they
are built: those that parts need and no others.  All their faults are reported together,
and no part is lost by that.

What a part gets may depend on what it and the parts before it do.  Where those do more
than to install eggs, nothing is downloaded for it: the files that are there have to be
enough.
"""

from __future__ import annotations

import copy
import functools
import logging
import os
from collections.abc import Callable, Collection, Container, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pkg_resources
import zc.buildout.easy_install as easy_install

from poach.buildout.patched_pin import PatchedPin, PatchRequest
from poach.buildout.requests import Requests
from poach.buildout.requirers import ANYBODY
from poach.names import canonicalize_name

logger = logging.getLogger("zc.buildout.poach")

#: Entry points of zc.recipe.egg that do nothing that matters to the parts after them.
QUIET = ("default", "eggs", "script", "scripts")
#: What easy_install counts while it resolves.
_COUNTS = ("_picked_versions", "_required_by")
#: What an answer of an installer depends on, beside the eggs that it has.
_SETTINGS = (
    "_dest",
    "_index_url",
    "_newest",
    "_allow_hosts",
    "_allow_unknown_extras",
    "_allow_picked_versions",
    "_check_picked",
    "_install_from_cache",
    "_prefer_final",
    "_use_dependency_links",
)


class Builder(Protocol):
    """Builds the eggs of pinned projects; its errors are UserErrors."""

    def pinned(self, key: str) -> PatchedPin | None:
        """Return the pin of the project with the canonical name `key`."""

    def lacks(self, key: str) -> bool:
        """Return whether the egg of a pinned project has yet to be built."""

    def ready(self, key: str) -> bool:
        """Return whether a pinned project can be built before parts are at work."""

    def provides(self, key: str) -> Iterable[str]:
        """Return the extras that upstream defines for a pinned project."""

    def build(self, keys: Collection[str]) -> None:
        """Build the eggs of pinned projects; raise all that is wrong together."""

    def tentatively(self) -> AbstractContextManager[None]:
        """Let nothing that is supplied in the ``with`` block count as used."""


class StandIn(pkg_resources.Distribution):  # type: ignore[misc]
    """Stands in for an egg that is not built yet: what it requires is not known."""

    def __init__(self, pin: PatchedPin, builder: Builder) -> None:
        """`builder` is asked for the extras of upstream, once they are wanted."""
        place = str(Path("/stand-in", pin.key))
        super().__init__(place, project_name=pin.project, version=str(pin.version))
        self.pin = pin
        self.builder = builder

    @property
    def extras(self) -> list[str]:
        """The patches of the pin, and the extras that upstream itself defines."""
        patches = map(canonicalize_name, self.pin.names)
        return [*patches, *self.builder.provides(self.pin.key)]

    def requires(self, extras: Iterable[str] = ()) -> list[Any]:
        """Return nothing, for any `extras`."""
        return []


class BuiltByPart(Exception):
    """A project that a part is going to build, so nothing is known of it yet."""


class Part:
    """A part, as far as it installs eggs."""

    def __init__(self, options: Any, ours: Container[str]) -> None:
        """Read the part with these options; `ours` are the names of parts of poach."""
        self.name = options.name
        self.options = options
        recipe, _, entry = _text(options, "recipe").partition(":")
        of_eggs = _project(recipe.strip()) == "zc-recipe-egg"
        entry = entry.strip() or "default"
        single = options.name in ours or (of_eggs and entry == "custom")
        named = of_eggs and entry in QUIET and "eggs" not in options
        #: If it is not quiet, the parts after it may depend on what it does.
        self.quiet = single or (of_eggs and entry in QUIET)
        #: The project that it builds from source with options of its own, or ''.
        self.builds = ""
        #: The requirements that it names.
        self.specs: list[str] = []
        if single:
            egg = _text(options, "egg") or _text(options, "eggs") or options.name
            self.builds = _project(egg)
        else:
            text = options.name if named else _text(options, "eggs")
            lines = (line.strip() for line in text.split("\n"))
            self.specs = [line for line in lines if _project(line)]

    def installer(self, buildout: Any, ahead: bool, made: dict[str, Any]) -> Any:
        """Return an installer as zc.recipe.egg has it, on which most recipes build.

        Unless it may go `ahead`, it has what is there already, and downloads nothing.
        Those `made` so far, by all that they depend on, have looked at what is there.
        """
        more = self._settings(buildout, ahead)
        eggs = buildout["buildout"]["eggs-directory"]
        key = repr((sorted(more.items()), _listed(eggs)))
        if key not in made:
            made[key] = easy_install.Installer(eggs, **more)
        installer = copy.copy(made[key])
        installer._requirements_and_constraints = []
        if "index" not in more:
            installer._dest = None
        return installer

    def _settings(self, buildout: Any, ahead: bool) -> dict[str, Any]:
        """Return arguments for an installer, no index if what is there has to do."""
        ours = buildout["buildout"]
        more: dict[str, Any] = {"path": [ours["develop-eggs-directory"]]}
        if ours.get("allow-unknown-extras") == "true":
            more["allow_unknown_extras"] = True
        if ours.get("offline") == "true" or not ahead:
            more["newest"] = False
            return more
        links = _peek(self.options, "find-links", ours.get("find-links"))
        more["links"] = (links or "").split()
        more["index"] = _peek(self.options, "index", ours.get("index"))
        more["newest"] = ours.get("newest") == "true"
        more["allow_hosts"] = tuple(ours.get("allow-hosts", "*").split())
        return more


class Forecast(Protocol):
    """What is known of a run before its parts are at work."""

    @property
    def parts(self) -> Collection[str]:
        """The names of the parts that build one egg, as far as they were read."""

    def patchable(self, key: str, extras: Iterable[str]) -> PatchedPin | None:
        """Return the plain pin of a project if any of `extras` would patch it."""

    def foreseen(self, keys: Iterable[str], blind: Iterable[str]) -> None:
        """Note what the dry run found, and the parts of which it knows too little."""

    def unforeseen(self, blind: Iterable[str]) -> set[str]:
        """Return what such parts got in the last run, if it had any of `blind`."""


class DryRun:
    """What the parts of a run ask for and get."""

    def __init__(
        self, builder: Builder, forecast: Forecast, requests: Requests
    ) -> None:
        self.builder = builder
        self.forecast = forecast
        self.requests = requests
        #: The pinned projects with stand-ins since this was emptied; None while there
        #: are no stand-ins.
        self.missing: set[str] | None = None
        #: Whether the needs of all parts are known.
        self.whole = False
        #: The projects that parts build.
        self.later: set[str] = set()
        #: The stand-ins of plain eggs.
        self.wanted: dict[str, StandIn] = {}
        #: What parts get, by question.
        self.found: dict[Any, Any] = {}

    def take(
        self,
        buildout: Any,
        names: Iterable[str],
        resolve: Callable[..., Any],
        counts: Callable[..., bool],
    ) -> None:
        """Ask the parts `names`, have granted what they ask for, build what they need.

        `resolve` is the method of installers, `counts` returns whether the pin of a
        project counts for one.  Raises zc.buildout.UserError for requests that are not
        granted and for eggs that cannot be built; other faults of resolution are
        reported when their part is at work.
        """
        parts = [self.part(buildout, name) for name in names]
        self.later = {part.builds for part in parts if part.builds}
        try:
            with self.builder.tentatively(), _Quiet():
                while self._round(buildout, parts, resolve, counts):
                    pass
        finally:
            self.missing = None

    def part(self, buildout: Any, name: str) -> Part:
        """Return the part `name`, as far as it installs eggs."""
        return Part(buildout[name], self.forecast.parts)

    def _round(
        self,
        buildout: Any,
        parts: list[Part],
        resolve: Callable[..., Any],
        counts: Callable[..., bool],
    ) -> bool:
        """Ask all parts, and grant or build; return whether to ask them once more."""
        self.missing, self.wanted, self.found = set(), {}, {}
        requests, dists, blind = self._asked(buildout, parts, resolve)
        if requests and self.requests.grant(requests, dists):
            return True
        more = {part.builds for part in parts} | self.forecast.unforeseen(blind)
        self.missing.update(self._lacking(buildout, more, counts))
        build = sorted(filter(self.builder.ready, self.missing))
        if build:
            self.builder.build(build)
            return True
        self.whole = not blind
        if self.whole and all(not isinstance(dist, StandIn) for dist in dists):
            tolerated = buildout["buildout"].get("allow-unknown-extras") == "true"
            self.requests.refuse(requests, tolerated)
        found = {canonicalize_name(dist.project_name) for dist in dists}
        self.forecast.foreseen(found, blind)
        return False

    def stand_in(self, pin: PatchedPin) -> Any:
        """Return what stands in for the egg of `pin`, None where that is to be used."""
        if self.missing is None or not self.builder.lacks(pin.key):
            return None
        self.missing.add(pin.key)
        return StandIn(pin, self.builder)

    def stand_in_plain(self, requirement: Any, there: Iterable[Any]) -> Any:
        """Return what stands in for a plain egg, None where there is no need.

        `there` are the distributions of the project.  Where none will do, it may be
        that `requirement` wants a patch: for this one and all others, until that is
        granted.  Or a part has yet to build it, with options of its own; raises
        `BuiltByPart` if not even the version is known then.
        """
        if self.missing is None or any(dist in requirement for dist in there):
            return None
        key = canonicalize_name(requirement.project_name)
        if key in self.later:
            return self._built_later(requirement)
        if key not in self.wanted and requirement.extras:
            pin = self.forecast.patchable(key, requirement.extras)
            if pin is not None:
                self.wanted[key] = StandIn(pin, self.builder)
        return self.wanted.get(key)

    def _built_later(self, requirement: Any) -> Any:
        project, specs = requirement.project_name, requirement.specs
        if specs and [operator for operator, _ in specs] != ["=="]:
            raise BuiltByPart(project)
        version = specs[0][1] if specs else "0"  # as good as any
        return StandIn(PatchedPin(project, version, version, version), self.builder)

    def known(self, installer: Any, specs: list[str]) -> Any:
        """Return the working set that was found for the very same question, or None."""
        if not self.found:
            return None
        ws, counted = self.found.get(_question(installer, specs), (None, {}))
        for name, more in counted.items():
            _count_in(getattr(easy_install.Installer, name), copy.deepcopy(more))
        return copy.copy(ws)

    def _asked(
        self, buildout: Any, parts: list[Part], resolve: Callable[..., Any]
    ) -> tuple[list[PatchRequest], list[Any], list[str]]:
        """Return what parts ask for, what they get, and parts with unknown needs."""
        requests: list[PatchRequest] = []
        dists: list[Any] = []
        blind: list[str] = []
        ahead = True
        made: dict[str, Any] = {}
        for part in parts:
            if part.specs:
                installer = part.installer(buildout, ahead and part.quiet, made)
                asked, there, whole = self._answer(installer, part.specs, resolve)
                requests += [_of(part.name, request) for request in asked]
                dists += there
            if not part.builds and not (part.specs and whole):
                blind.append(part.name)
            ahead = ahead and part.quiet
        return requests, dists, blind

    def _answer(
        self, installer: Any, specs: list[str], resolve: Callable[..., Any]
    ) -> tuple[list[PatchRequest], list[Any], bool]:
        """Return what requirements ask for, what they get, and whether that is all."""
        before = _counted()
        try:
            question = functools.partial(resolve, installer, specs, None)
            asked, ws, fault = self.requests.collected(question)
            if fault is not None:
                logger.debug("Not known what a part asks for: %s", fault)
            elif not asked and all(map(_is_settled, ws)):
                self.found[_question(installer, specs)] = ws, _counted()
            return asked, list(ws or ()), fault is None
        finally:
            for name, counted in before.items():
                setattr(easy_install.Installer, name, counted)

    def _lacking(
        self, buildout: Any, keys: Iterable[str], counts: Callable[..., bool]
    ) -> list[str]:
        """Return the projects among `keys` with pins that count and without eggs."""
        pinned = [key for key in keys if self.builder.pinned(key) is not None]
        lacking = [key for key in pinned if self.builder.lacks(key)]
        if not lacking:
            return []
        installer = easy_install.Installer(path=_path(buildout))
        return [key for key in lacking if counts(installer, key)]


class _Quiet(logging.Filter):
    """Drops messages during a dry run that buildout will log again.

    One is that a patch is no extra: the dry run is there to grant it.
    """

    said = ("%s does not provide the extra", "Version and requirements information")

    def __enter__(self) -> None:
        easy_install.logger.addFilter(self)

    def __exit__(self, *_: Any) -> None:
        easy_install.logger.removeFilter(self)

    def filter(self, record: Any) -> bool:
        """Return whether to log `record`."""
        return not str(record.msg).startswith(self.said)


def _listed(folder: str) -> list[str]:
    """Return the names in a folder: others may have been downloaded into it."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _path(buildout: Any) -> list[str]:
    """Return the folders in which develop eggs and eggs are."""
    options = buildout["buildout"]
    return [options["develop-eggs-directory"], options["eggs-directory"]]


def _text(options: Any, name: str) -> str:
    """Return an option, empty where there is none."""
    return str(_peek(options, name) or "").strip()


def _peek(options: Any, name: str, default: Any = None) -> Any:
    """Return an option, and leave it to buildout to see that nobody else reads it."""
    read = name in options._data
    value = options.get(name, default)
    if not read:
        options._data.pop(name, None)
    return value


def _project(spec: str) -> str:
    """Return the canonical project of a requirement, nothing if it is none."""
    try:
        return canonicalize_name(pkg_resources.Requirement.parse(spec).project_name)
    except ValueError:
        return ""


def _of(part: str, request: PatchRequest) -> PatchRequest:
    """Return `request` with the part as the one who asks if nobody else does."""
    project, extra, requester = request
    return project, extra, f"[{part}]" if requester == ANYBODY else requester


def _count_in(there: dict[str, Any], more: dict[str, Any]) -> None:
    """Add to a count of easy_install, of values or of sets."""
    for key, value in more.items():
        if isinstance(value, set):
            value |= there.get(key, set())
        there[key] = value


def _is_settled(dist: Any) -> bool:
    """Return whether a distribution stays the same while parts are at work."""
    developed = dist.precedence == pkg_resources.DEVELOP_DIST
    return not developed and not isinstance(dist, StandIn)


def _counted() -> dict[str, Any]:
    """Return a copy of what easy_install has counted."""
    installer = easy_install.Installer
    return {name: copy.deepcopy(getattr(installer, name)) for name in _COUNTS}


def _question(installer: Any, specs: list[str]) -> Any:
    """Return what the answer of an installer to some requirements depends on."""
    there = {
        (dist.key, dist.version, dist.precedence, dist.location)
        for key in installer._env
        for dist in installer._env[key]
    }
    return (
        tuple(specs),
        tuple(installer._links),
        tuple(installer._path),
        tuple(str(getattr(installer, name, None)) for name in _SETTINGS),
        frozenset(installer._versions.items()),
        frozenset(there),
    )
